import type { Context as LambdaContext } from 'aws-lambda';
import * as z from 'zod/mini';

/** The part of FunctionGraph's context that is used. Source: OTC FunctionGraph developer guide, context. */
export interface FunctionContext {
  getRequestID(): string;
  getFunctionName(): string;
  getRemainingTimeInMilliSeconds(): number;
  /** Reads plain and encrypted user data. */
  getUserData(key: string): string | undefined;
  /** The agency's temporary keys; empty without an agency. They belong to this call. */
  getSecurityAccessKey(): string;
  getSecuritySecretKey(): string;
  getSecurityToken(): string;
}

/** What middy and its middlewares expect, and the context that it was made of. */
export interface CallContext extends LambdaContext {
  readonly fg: FunctionContext;
}

/** Where the context does not say how much time is left. */
const DEFAULT_REMAINING_MS = 30_000;

/**
 * middy looks for Lambda's `getRemainingTimeInMillis`; FunctionGraph's has another name, and without this adapter middy's early
 * timeout would never come.
 */
export function toCallContext(fg: FunctionContext): CallContext {
  const nothing = (): void => undefined;
  return {
    fg,
    awsRequestId: requestId(fg),
    functionName: ask(() => fg.getFunctionName()) ?? '',
    getRemainingTimeInMillis: () => remainingMs(fg),
    callbackWaitsForEmptyEventLoop: false,
    functionVersion: '',
    invokedFunctionArn: '',
    memoryLimitInMB: '',
    logGroupName: '',
    logStreamName: '',
    done: nothing,
    fail: nothing,
    succeed: nothing,
  };
}

/** Milliseconds until the platform stops this call. */
export function remainingMs(fg: FunctionContext): number {
  const ms = ask(() => fg.getRemainingTimeInMilliSeconds());
  return ms !== undefined && Number.isFinite(ms) ? ms : DEFAULT_REMAINING_MS;
}

export function requestId(fg: FunctionContext): string {
  return ask(() => fg.getRequestID()) ?? '';
}

/** A getter that is missing or fails (local emulators lack some) is as if it gave nothing. */
export function ask<T>(getter: () => T): T | undefined {
  try {
    return getter() ?? undefined;
  } catch {
    return undefined;
  }
}

/** A context for where there is no FunctionGraph: `scaler serve`, rehearsals, tests. Secrets then come from the environment. */
export function localContext(options: {
  readonly requestId: string;
  readonly functionName: string;
  /** For the whole call, in real milliseconds. */
  readonly timeoutMs: number;
  readonly userData?: Readonly<Record<string, string>>;
  /** Real time: what it limits is real work. */
  readonly now?: () => number;
}): FunctionContext {
  const { now = () => performance.now(), userData = {} } = options;
  const end = now() + options.timeoutMs;
  return {
    getRequestID: () => options.requestId,
    getFunctionName: () => options.functionName,
    getRemainingTimeInMilliSeconds: () => Math.max(0, end - now()),
    getUserData: (key) => (Object.hasOwn(userData, key) ? userData[key] : undefined),
    getSecurityAccessKey: () => '',
    getSecuritySecretKey: () => '',
    getSecurityToken: () => '',
  };
}

const Headers = z.pipe(
  z.record(z.string(), z.unknown()),
  z.transform((headers): Record<string, string> => {
    const texts: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) if (typeof value === 'string') texts[name] = value;
    return texts;
  }),
);

/** One HTTP request as API Gateway hands it over. Source: OTC FunctionGraph developer guide, APIG trigger event. */
const ApigEvent = z.object({
  httpMethod: z.pipe(
    z.string(),
    z.transform((method: string) => method.toUpperCase()),
  ),
  headers: z.catch(Headers, {}),
  /** In base64 unless the API says otherwise; an empty body is an empty text. */
  body: z.catch(z.string(), ''),
  isBase64Encoded: z.catch(z.boolean(), false),
});
export type ApigEvent = z.infer<typeof ApigEvent>;

/** `undefined` for what is no event of API Gateway. */
export function parseApigEvent(event: unknown): ApigEvent | undefined {
  return ApigEvent.safeParse(event).data;
}

/** All four members are required, `body` as a text. Source: OTC FunctionGraph developer guide, APIG response. */
export interface ApigReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** Nothing in the body: GitLab stores it and shows it to everyone who may see the hook. */
export function emptyReply(statusCode: number, headers: Readonly<Record<string, string>> = {}): ApigReply {
  return { statusCode, headers, body: '', isBase64Encoded: false };
}

const TimerEvent = z.object({ trigger_type: z.literal('TIMER'), trigger_name: z.catch(z.string(), '') });

/** The name of the timer that fired; `undefined` for what is no timer event, e.g. a call by hand. */
export function timerOf(event: unknown): string | undefined {
  return TimerEvent.safeParse(event).data?.trigger_name;
}

const job = z.object({
  jobId: z.int().check(z.positive()),
  projectId: z.int().check(z.positive()),
  /** When the webhook got the hook. Only for the books: without it the job is served all the same. */
  hookAt: z.catch(z.optional(z.int().check(z.positive(), z.maximum(8.64e15))), undefined),
});
const AsyncEvent = z.union([
  z.pipe(
    z.object({ body: job }),
    z.transform((event: { readonly body: z.infer<typeof job> }) => event.body),
  ),
  job,
]);

/** Which job's hook woke the scaler, for the log. The API's own example wraps the event in `body`, its samples do not: take both. */
export function wakingJob(event: unknown): z.infer<typeof job> | undefined {
  return AsyncEvent.safeParse(event).data;
}
