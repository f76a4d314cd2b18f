import { createHmac } from 'node:crypto';
import { bounded } from '../../../lib/signals/bounded.ts';
import type { SandboxContext } from '../../context.ts';
import type { Hook, HookEvent, Job, JobStatus } from '../model.ts';
import type { Settings } from '../options.ts';
import { randomUuid } from '../random.ts';
import { jobHookBody } from './body.ts';
import { alertStatus } from './status.ts';

/** What happens to deliveries on their way; probabilities from 0 to 1. */
export interface HookFaults {
  readonly loss?: number;
  readonly duplicate?: number;
  /** Held back by up to half a minute, so that later ones overtake it. */
  readonly reorder?: number;
  /** Every delivery is late by up to this long. */
  readonly delayMs?: number;
}

const MINUTE = 60_000;
const OVERTAKEN_MS = 30_000;
/** Statuses whose beginning sends a Job Hook; canceling, skipped, manual and the rest send none. */
const SENT: readonly JobStatus[] = ['created', 'pending', 'running', 'success', 'failed', 'canceled'];
/** app/models/concerns/web_hooks/auto_disabling.rb: the fourth failure in a row disables for a time, the fortieth for good. */
const FORGIVEN_FAILURES = 3;
const FINAL_FAILURES = 40;
const REDIRECTS = 5;
const KEPT_BODY = 8192;
/** app/services/web_hook_service.rb: what is larger is not sent, and counts as a failure. */
const MOST_BYTES = 25 * 1024 * 1024;

interface Delivery {
  readonly hook: Hook;
  readonly body: string;
  readonly key: string;
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Standard Webhooks: HMAC-SHA256 over `id.timestamp.body` with the bytes behind `whsec_`. */
export function signHook(signingToken: string, id: string, timestamp: string, body: string): string {
  const key = Buffer.from(signingToken.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** Carries Job Hooks to their receivers as GitLab's Sidekiq does: in parallel, without order, and never again after a failure. */
export class HookDispatcher {
  faults: HookFaults = {};
  readonly #ctx: SandboxContext;
  readonly #settings: Settings;
  #underway = 0;
  readonly #queue: (() => void)[] = [];
  #nextEvent = 1;

  constructor(ctx: SandboxContext, settings: Settings) {
    this.#ctx = ctx;
    this.#settings = settings;
  }

  jobChanged(job: Job, hooks: readonly Hook[]): void {
    if (!SENT.includes(job.status)) return;
    const listening = hooks.filter((hook) => hook.jobEvents);
    if (listening.length === 0) return;
    const now = this.#ctx.clock.now();
    const body = JSON.stringify(jobHookBody(job, this.#settings.externalUrl, now));
    for (const hook of listening) {
      if (alertStatus(hook, now) !== 'executable') this.#emit('hook-skipped', hook);
      else this.#post({ hook, body, key: randomUuid(this.#settings.random) });
    }
  }

  /** Delivers an event of this job at once, whatever the hook's state; success puts a disabled hook back to work. */
  test(hook: Hook, job: Job): Promise<HookEvent> {
    const body = JSON.stringify(jobHookBody(job, this.#settings.externalUrl, this.#ctx.clock.now()));
    return this.#deliver({ hook, body, key: randomUuid(this.#settings.random) });
  }

  #post(delivery: Delivery): void {
    const { random } = this.#settings;
    const { loss = 0, duplicate = 0 } = this.faults;
    if (loss > 0 && random() < loss) {
      this.#emit('hook-lost', delivery.hook);
      return;
    }
    const copies = duplicate > 0 && random() < duplicate ? 2 : 1;
    for (let i = 0; i < copies; i++) void this.#ctx.clock.track(this.#sendLate(delivery, this.#lateness()));
  }

  #lateness(): number {
    const { random } = this.#settings;
    const { reorder = 0, delayMs = 0 } = this.faults;
    const overtaken = reorder > 0 && random() < reorder ? random() * OVERTAKEN_MS : 0;
    return overtaken + (delayMs > 0 ? random() * delayMs : 0);
  }

  async #sendLate(delivery: Delivery, ms: number): Promise<void> {
    if (ms > 0) await this.#ctx.clock.sleep(ms);
    await this.#slot();
    try {
      await this.#deliver(delivery);
    } finally {
      this.#underway -= 1;
      this.#queue.shift()?.();
    }
  }

  async #slot(): Promise<void> {
    while (this.#underway >= this.#settings.hookConcurrency) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#underway += 1;
  }

  async #deliver(delivery: Delivery): Promise<HookEvent> {
    const { hook, body, key } = delivery;
    const headers = this.#headers(delivery);
    const before = this.#ctx.clock.now();
    const answer = await send(hook.url, body, headers, this.#settings.hookTimeoutMs);
    const event: HookEvent = {
      id: this.#nextEvent++,
      at: before,
      trigger: 'job_hooks',
      url: hook.url,
      idempotencyKey: key,
      requestHeaders: headers['X-Gitlab-Token'] === undefined ? headers : { ...headers, 'X-Gitlab-Token': '[REDACTED]' },
      requestBody: body,
      responseStatus: answer.status === undefined ? 'internal error' : String(answer.status),
      responseBody: answer.body,
      responseHeaders: answer.headers,
      seconds: (this.#ctx.clock.now() - before) / 1000,
    };
    hook.log.push(event);
    this.#count(hook, answer.status);
    return event;
  }

  #headers({ hook, body, key }: Delivery): Readonly<Record<string, string>> {
    const { random, version, externalUrl, signing } = this.#settings;
    const timestamp = String(Math.floor(this.#ctx.clock.now() / 1000));
    return {
      'Content-Type': 'application/json',
      'User-Agent': `GitLab/${version}`,
      'Idempotency-Key': key,
      'X-Gitlab-Event': 'Job Hook',
      // One per delivery in the code, though the documentation says one per webhook.
      'X-Gitlab-Webhook-UUID': randomUuid(random),
      'X-Gitlab-Instance': externalUrl,
      'X-Gitlab-Event-UUID': randomUuid(random),
      ...(hook.token === undefined ? {} : { 'X-Gitlab-Token': hook.token }),
      ...(signing ? { 'webhook-id': key, 'webhook-timestamp': timestamp } : {}),
      ...(signing && hook.signingToken !== undefined ? { 'webhook-signature': signHook(hook.signingToken, key, timestamp, body) } : {}),
    };
  }

  #count(hook: Hook, status: number | undefined): void {
    if (status !== undefined && status >= 200 && status < 400) {
      hook.failures = 0;
      hook.backoffs = 0;
      hook.disabledUntil = undefined;
      this.#emit('hook-delivered', hook, status);
      return;
    }
    hook.failures += 1;
    this.#emit('hook-failed', hook, status);
    if (this.#settings.autoDisableHooks) this.#disable(hook);
  }

  #disable(hook: Hook): void {
    const now = this.#ctx.clock.now();
    if (hook.failures >= FINAL_FAILURES) {
      hook.disabledUntil = Number.POSITIVE_INFINITY;
    } else if (hook.failures > FORGIVEN_FAILURES && alertStatus(hook, now) === 'executable') {
      hook.backoffs += 1;
      hook.disabledUntil = now + Math.min(2 ** (hook.backoffs - 1) * MINUTE, 24 * 60 * MINUTE);
    } else {
      return;
    }
    this.#emit('hook-disabled', hook);
  }

  #emit(kind: string, hook: Hook, status?: number): void {
    this.#ctx.emit({ at: this.#ctx.clock.now(), kind, fields: { hook: hook.id, status } });
  }
}

/** Follows redirects as HTTP clients do (a POST becomes a GET, except with 307 and 308), but never to another host: the headers hold secrets. */
async function send(url: string, body: string, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Answer> {
  if (Buffer.byteLength(body) > MOST_BYTES) return { status: undefined, body: 'LimitExceeded', headers: {} };
  const limit = bounded(timeoutMs, [], { reason: () => new DOMException('no answer', 'TimeoutError') });
  const { signal } = limit;
  let target = new URL(url);
  let init: RequestInit = { method: 'POST', body, headers, redirect: 'manual', signal };
  try {
    for (let hop = 0; ; hop++) {
      const response = await fetch(target, init);
      const answer = {
        status: response.status,
        body: (await response.text()).slice(0, KEPT_BODY),
        headers: Object.fromEntries(response.headers),
      };
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null || hop === REDIRECTS) return answer;
      const next = new URL(location, target);
      if (next.origin !== target.origin) return answer;
      target = next;
      if (response.status !== 307 && response.status !== 308) init = { method: 'GET', headers, redirect: 'manual', signal };
    }
  } catch (error) {
    return { status: undefined, body: error instanceof Error ? error.name : '', headers: {} };
  } finally {
    limit.end();
  }
}
