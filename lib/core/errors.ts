/**
 * What can go wrong, one class per reaction of the caller. Adapters throw these; use cases turn them into values.
 * Match the class or `code`, never the text. Messages never hold secrets, bodies or headers.
 */
export abstract class ScalerError extends Error {
  /** The other side's code where it has one (`Ecs.0319`, `NoSuchKey`), else ours in kebab-case. */
  readonly code: string;

  /** Written out in each class: in the functions' bundles the classes themselves have other names. */
  abstract override readonly name: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The operator must change a setting; repeating the call changes nothing. */
export class ConfigError extends ScalerError {
  override readonly name: string = 'ConfigError';
}

/** Credentials or rights are wrong. Never repeat in a loop: OTC locks a key after five bad signatures. */
export class AccessError extends ScalerError {
  override readonly name: string = 'AccessError';
}

/** A quota is used up: create nothing more for a while and say which. */
export class QuotaError extends ScalerError {
  override readonly name: string = 'QuotaError';
}

/** The subnet has no free address: try the next one; where there is none, it is a quota. */
export class SubnetFullError extends QuotaError {
  override readonly name: string = 'SubnetFullError';
}

/** This flavor, zone or disk type has no capacity now: try the next one. */
export class SoldOutError extends ScalerError {
  override readonly name: string = 'SoldOutError';
}

/** Too many calls: stop calling this service for `retryAfterMs`. The call was not carried out. */
export class ThrottledError extends ScalerError {
  override readonly name: string = 'ThrottledError';
  readonly retryAfterMs: number;

  constructor(code: string, message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(code, message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The thing is not there. On delete this is success. */
export class NotFoundError extends ScalerError {
  override readonly name: string = 'NotFoundError';
}

/** The state changed under the call: read again, decide again. */
export class ConflictError extends ScalerError {
  override readonly name: string = 'ConflictError';
}

/** No trustworthy answer (timeout, 5xx, half a body, nonsense). A write may or may not have happened: look before repeating. */
export class UnclearError extends ScalerError {
  override readonly name: string = 'UnclearError';
}

/** The call never left: no connection came about. Nothing has happened, and nothing need be looked for. */
export class UnsentError extends UnclearError {
  override readonly name: string = 'UnsentError';
}

/**
 * A message for records: class and code, and the message of errors that are ours. Of anything else only the name and where it was thrown: its
 * message may quote a body, a URL or a token.
 */
export function describeError(error: unknown): { readonly error: string; readonly code: string; readonly message: string } {
  if (error instanceof ScalerError) return { error: error.name, code: error.code, message: error.message };
  if (error instanceof Error) return { error: error.name, code: 'bug', message: `${error.name}${placeOf(error)}` };
  return { error: 'Error', code: 'bug', message: 'something that is no Error was thrown' };
}

/** The first line of the stack below the message, which is passed over even where it spans lines. */
function placeOf({ stack = '', message }: Error): string {
  const frame = /\n\s+(at .+)/.exec(stack.slice(Math.max(0, stack.indexOf(message)) + message.length));
  return frame ? ` ${frame[1]}` : '';
}
