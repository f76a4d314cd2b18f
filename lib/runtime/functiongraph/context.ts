import type { Context as LambdaContext } from 'aws-lambda';

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
    functionName: tryGet(() => fg.getFunctionName()) ?? '',
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
  const ms = tryGet(() => fg.getRemainingTimeInMilliSeconds());
  return ms !== undefined && Number.isFinite(ms) ? ms : DEFAULT_REMAINING_MS;
}

export function requestId(fg: FunctionContext): string {
  return tryGet(() => fg.getRequestID()) ?? '';
}

/** A getter that is missing or fails (local emulators lack some) is as if it gave nothing. */
export function tryGet<T>(getter: () => T): T | undefined {
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
