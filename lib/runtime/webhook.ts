import middy from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import type { Clock, Log, Wake } from '../app/ports.ts';
import type { Config } from '../config/config.ts';
import { describeError } from '../core/errors.ts';
import { type JobHook, parseHook } from '../gitlab/hook.ts';
import { hookVerifier } from '../gitlab/verify.ts';
import { composeWake, type WakeInputs } from './compose-webhook.ts';
import {
  type ApigEvent,
  type ApigReply,
  type CallContext,
  emptyReply,
  type FunctionContext,
  parseApigEvent,
  remainingMs,
  requestId,
  toCallContext,
} from './function-graph.ts';
import { withFields } from './log.ts';
import { credentialsOf, type ReadSecret, secretsOf } from './secret-source.ts';

export interface WebhookParts {
  readonly clock: Pick<Clock, 'now'>;
  /** Throws `ConfigError`. */
  readonly loadConfig: () => Config;
  readonly readSecret: ReadSecret;
  readonly log: Log;
  /** How the scaler is woken; FunctionGraph's asynchronous call when absent. */
  readonly composeWake?: (inputs: WakeInputs) => Wake | undefined;
  /** How long the answer waits for the wake-up, in real milliseconds. */
  readonly waitMs?: number;
}

export type Webhook = (event: unknown, context: FunctionContext) => Promise<ApigReply>;

/** Job Hooks are a few kilobytes; commit messages make some bigger. GitLab itself sends up to 25 MB. */
const MAX_BYTES = 1_000_000;
/** GitLab waits ten seconds for an answer and disables hooks that are slow; the timer mends a wake-up that did not come through. */
const WAIT_MS = 1_000;
/** Enough to log and answer before the platform cuts the call off. */
const EARLY_MS = 250;

/**
 * The function behind the gateway. An authentic hook gets 200 whatever becomes of it, because GitLab disables a hook after four failures and
 * never repeats one; 401 for a sender that is not believed, 400, 405, 413 for what is no hook, 500 when it is not set up. Never throws.
 * Nothing of a call outlives it; calls may overlap.
 */
export function createWebhook(parts: WebhookParts): Webhook {
  const stack = middy<ApigEvent, ApigReply, Error, CallContext>({ timeoutEarlyInMillis: EARLY_MS })
    .use(httpHeaderNormalizer())
    .before(({ event }) => (event.httpMethod === 'POST' ? undefined : emptyReply(405, { allow: 'POST' })))
    .before(({ event, context }) => {
      const bytes = bodyBytes(event);
      if (bytes <= MAX_BYTES) return undefined;
      callLog(parts, context.fg).warn('hook too large', { bytes });
      return emptyReply(413);
    })
    .onError((request) => {
      callLog(parts, request.context.fg).error('hook not handled', describeError(request.error));
      request.response = emptyReply(500);
    })
    .handler((event: ApigEvent, context: CallContext) => receive(parts, event, context.fg));
  return async (event, context) => {
    const request = parseApigEvent(event);
    return request ? await stack(request, toCallContext(context)) : emptyReply(400);
  };
}

async function receive(parts: WebhookParts, event: ApigEvent, fg: FunctionContext): Promise<ApigReply> {
  const log = callLog(parts, fg);
  const hookAt = parts.clock.now();
  const config = parts.loadConfig();
  const secrets = secretsOf(parts.readSecret, fg);
  const verify = hookVerifier({
    tokens: secrets.hookTokens.map((token) => token.reveal()),
    signingTokens: secrets.hookSigningTokens.map((token) => token.reveal()),
  });
  const body = Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8');
  const verdict = verify({ headers: event.headers, body, now: parts.clock.now() });
  if (verdict !== 'ok') {
    log.warn('hook refused', { reason: verdict });
    return emptyReply(401);
  }
  const hook = parseHook(body);
  if (hook.kind === 'malformed') {
    log.warn('hook malformed', { reason: hook.reason });
    return emptyReply(400);
  }
  if (hook.kind === 'other') log.info('hook of another kind', { kind: hook.what });
  else log.info('hook', { ...told(hook), status: hook.status, waiting: hook.waiting, wake: await wakeFor(hook) });
  return emptyReply(200);

  async function wakeFor(job: JobHook): Promise<WakeOutcome | undefined> {
    if (!job.waiting) return undefined;
    const compose = parts.composeWake ?? composeWake;
    const inputs = { config, credentials: () => credentialsOf(fg, secrets), clock: parts.clock, event: { ...told(job), hookAt } };
    // A function with a very short timeout must still answer.
    const waitMs = Math.min(parts.waitMs ?? WAIT_MS, remainingMs(fg) - 2 * EARLY_MS);
    return await wakeInTime(() => compose(inputs), waitMs, log);
  }
}

type WakeOutcome = 'sent' | 'failed' | 'late' | 'timer-only';

/** Never throws and never takes longer than `waitMs`; what fails later is logged later. */
async function wakeInTime(compose: () => Wake | undefined, waitMs: number, log: Log): Promise<WakeOutcome> {
  const sent = async (): Promise<WakeOutcome> => {
    try {
      const wake = compose();
      if (!wake) return 'timer-only';
      await wake.wake();
      return 'sent';
    } catch (error) {
      log.error('scaler not woken; the timer serves the job', describeError(error));
      return 'failed';
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<WakeOutcome>((resolve) => {
    timer = setTimeout(() => resolve('late'), waitMs);
  });
  try {
    return await Promise.race([sent(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function told({ jobId, projectId }: JobHook) {
  return { jobId, projectId };
}

/** Size after decoding, without decoding. */
function bodyBytes({ body, isBase64Encoded }: ApigEvent): number {
  return Buffer.byteLength(body, isBase64Encoded ? 'base64' : 'utf8');
}

function callLog(parts: WebhookParts, fg: FunctionContext): Log {
  return withFields(parts.log, { request: requestId(fg) });
}
