import middy from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import type { Clock, Log, ScalerTrigger } from '../../app/ports/index.ts';
import type { Config } from '../../config/load/parse.ts';
import type { Secrets } from '../../config/secrets.ts';
import { describeError } from '../../core/errors.ts';
import { type JobHook, parseHook } from '../../gitlab/hooks/parse.ts';
import { hookVerifier, type SignatureCheck, type Verdict } from '../../gitlab/hooks/verify.ts';
import { composeScalerTrigger, type ScalerTriggerInputs } from '../compose-webhook.ts';
import { type CallContext, type FunctionContext, remainingMs, requestId, toCallContext } from '../functiongraph/context.ts';
import { type ApigEvent, type ApigReply, emptyReply, parseApigEvent } from '../functiongraph/events.ts';
import { credentialsOf, type ReadSecret, secretsOf } from '../functiongraph/secret-source.ts';
import { withFields } from '../log.ts';

export interface WebhookParts {
  readonly clock: Pick<Clock, 'now'>;
  /** Throws `ConfigError`. */
  readonly loadConfig: () => Config;
  readonly readSecret: ReadSecret;
  readonly log: Log;
  /** How the scaler is woken; FunctionGraph's asynchronous call when absent. */
  readonly composeScalerTrigger?: (inputs: ScalerTriggerInputs) => ScalerTrigger | undefined;
  /** How long the answer waits for the wake-up, in real milliseconds. */
  readonly waitMs?: number;
}

export type Webhook = (event: unknown, context: FunctionContext) => Promise<ApigReply>;

/** A delivery whose body has not been read. */
export interface HookRequest {
  readonly httpMethod: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Size of the body, where it is known before reading. */
  readonly bytes?: number;
  readonly body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Job Hooks are a few kilobytes. One with a larger commit message is authenticated and not looked into: the timer serves its job. */
const PARSED_BYTES = 1_000_000;
/** The most that GitLab sends: gitlabhq/gitlabhq app/services/web_hook_service.rb. More is from somebody else. */
export const MOST_BYTES = 25 * 1024 * 1024;
/** GitLab waits ten seconds for an answer and disables hooks that are slow; the timer mends a wake-up that did not come through. */
const WAIT_MS = 1_000;
/** Enough to log and answer before the platform cuts the call off. */
const EARLY_MS = 250;

/** The function behind the gateway: `receiveHooks` for its events. Never throws. */
export function createWebhook(parts: WebhookParts): Webhook {
  const receive = receiveHooks(parts);
  return async (event, context) => {
    const request = parseApigEvent(event);
    return request ? await receive(toRequest(request), context) : emptyReply(400);
  };
}

/**
 * An authentic hook gets 200 whatever is in it and whatever becomes of it, because GitLab disables a hook after four failures and never
 * repeats one. Refused is only what is not authentic: 401 for a sender that is not believed, 405 for another method, 413 for more than GitLab
 * sends; 500 when no secret is set up. Never throws. Nothing of a call outlives it; calls may overlap.
 */
export function receiveHooks(parts: WebhookParts): (request: HookRequest, context: FunctionContext) => Promise<ApigReply> {
  const believed = new WeakSet<HookRequest>();
  const stack = middy<HookRequest, ApigReply, Error, CallContext>({ timeoutEarlyInMillis: EARLY_MS })
    .use(httpHeaderNormalizer())
    .before(({ event }) => (event.httpMethod === 'POST' ? undefined : emptyReply(405, { allow: 'POST' })))
    .onError((request) => {
      callLog(parts, request.context.fg).error('hook not handled', describeError(request.error));
      request.response = emptyReply(believed.has(request.event) ? 200 : 500);
    })
    .handler(async (request: HookRequest, { fg }: CallContext) => {
      const secrets = secretsOf(parts.readSecret, fg);
      const hookAt = parts.clock.now();
      const read = await authenticate(request, secrets, hookAt);
      if (read.refusal !== undefined) {
        callLog(parts, fg).warn('hook refused', { reason: read.refusal });
        return emptyReply(read.refusal === 'too-large' ? 413 : 401);
      }
      believed.add(request);
      await take(parts, read, { fg, secrets, hookAt });
      return emptyReply(200);
    });
  return async (request, context) => await stack(request, toCallContext(context));
}

interface Body {
  readonly bytes: number;
  /** `bytes` is what was read before it was given up; how many more there are is not known. */
  readonly cut?: true;
  /** Absent when it is larger than what is looked into. */
  readonly content?: Buffer;
}

/** Reads of the body what is needed to believe the sender and to understand the hook. */
async function authenticate(
  request: HookRequest,
  { hookTokens, hookSigningTokens }: Secrets,
  now: number,
): Promise<Body & { readonly refusal?: Exclude<Verdict, 'ok'> | 'too-large' }> {
  const verify = hookVerifier({
    tokens: hookTokens.map((token) => token.reveal()),
    signingTokens: hookSigningTokens.map((token) => token.reveal()),
  });
  const proof = verify({ headers: request.headers, now });
  if (proof === 'ok') return await readBody(request);
  if (typeof proof === 'string') return { bytes: 0, refusal: proof };
  const body = await readBody(request, proof);
  if (body.bytes > MOST_BYTES) return { ...body, refusal: 'too-large' };
  const verdict = proof.verdict();
  return verdict === 'ok' ? body : { ...body, refusal: verdict };
}

interface Call {
  readonly fg: FunctionContext;
  readonly secrets: Secrets;
  /** Milliseconds. */
  readonly hookAt: number;
}

/** What an authentic hook brings about: at most a wake-up, and one line in the log. */
async function take(parts: WebhookParts, { bytes, cut, content }: Body, { fg, secrets, hookAt }: Call): Promise<void> {
  const log = callLog(parts, fg);
  if (!content) return log.warn('hook too large; the timer serves its job', cut ? { moreThanBytes: bytes } : { bytes });
  const hook = parseHook(content);
  if (hook.kind === 'malformed') log.warn('hook malformed; the timer serves its job', { reason: hook.reason });
  else if (hook.kind === 'other') log.info('hook of another kind', { kind: hook.what });
  else log.info('hook', { ...idsOf(hook), status: hook.status, waiting: hook.waiting, wake: await triggerFor(hook) });

  async function triggerFor(job: JobHook): Promise<TriggerOutcome | undefined> {
    if (!job.waiting) return undefined;
    const compose = parts.composeScalerTrigger ?? composeScalerTrigger;
    const inputs = { credentials: () => credentialsOf(fg, secrets), clock: parts.clock, event: { ...idsOf(job), hookAt } };
    // A function with a very short timeout must still answer.
    const waitMs = Math.min(parts.waitMs ?? WAIT_MS, remainingMs(fg) - 2 * EARLY_MS);
    // A configuration that cannot be read must not disable the hook either: it is looked at only here.
    const composed = () => {
      const config = parts.loadConfig();
      return isForeign(job, config) ? 'foreign' : compose({ ...inputs, config });
    };
    return await triggerInTime(composed, waitMs, log);
  }
}

/** `foreign`: the job's project is outside the scope of every pool. */
type TriggerOutcome = 'sent' | 'failed' | 'late' | 'timer-only' | 'foreign';

/** Whether no pool can run the job, as far as its hook tells: where its project is, and not its tags. The case of paths does not matter to GitLab. */
function isForeign({ projectPath }: JobHook, { settings }: Config): boolean {
  if (projectPath === undefined) return false;
  const path = projectPath.toLowerCase();
  return settings.pools.every(({ scope }) => {
    // A group may be named by its number.
    if (scope.kind === 'instance' || /^\d+$/.test(scope.path)) return false;
    const ours = scope.path.toLowerCase();
    return scope.kind === 'project' ? path !== ours : !path.startsWith(`${ours}/`);
  });
}

/** Never throws and never takes longer than `waitMs`; what fails later is logged later. */
async function triggerInTime(compose: () => ScalerTrigger | 'foreign' | undefined, waitMs: number, log: Log): Promise<TriggerOutcome> {
  const sent = async (): Promise<TriggerOutcome> => {
    try {
      const trigger = compose();
      if (trigger === undefined) return 'timer-only';
      if (trigger === 'foreign') return trigger;
      await trigger.trigger();
      return 'sent';
    } catch (error) {
      log.error('scaler not woken; the timer serves the job', describeError(error));
      return 'failed';
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<TriggerOutcome>((resolve) => {
    if (waitMs > 0) timer = setTimeout(() => resolve('late'), waitMs);
    else resolve('late');
  });
  try {
    return await Promise.race([sent(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function idsOf({ jobId, projectId }: JobHook) {
  return { jobId, projectId };
}

function toRequest({ httpMethod, headers, body, isBase64Encoded }: ApigEvent): HookRequest {
  const encoding = isBase64Encoded ? 'base64' : 'utf8';
  const decode = function* () {
    yield Buffer.from(body, encoding);
  };
  return { httpMethod, headers, bytes: Buffer.byteLength(body, encoding), body: decode() };
}

/**
 * Keeps no more than `PARSED_BYTES`; `content` is absent when there are more. A signature covers every byte, so for one the rest is read, too;
 * without one it is left unread.
 */
async function readBody(request: HookRequest, signature?: SignatureCheck): Promise<Body> {
  if (!signature && request.bytes !== undefined && request.bytes > PARSED_BYTES) return { bytes: request.bytes };
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes <= PARSED_BYTES) kept.push(chunk);
    else kept.length = 0;
    if (bytes > (signature ? MOST_BYTES : PARSED_BYTES)) return { bytes, cut: true };
    signature?.update(chunk);
  }
  return bytes > PARSED_BYTES ? { bytes } : { bytes, content: Buffer.concat(kept) };
}

function callLog(parts: WebhookParts, fg: FunctionContext): Log {
  return withFields(parts.log, { request: requestId(fg) });
}
