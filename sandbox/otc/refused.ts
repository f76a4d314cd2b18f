import type * as z from 'zod';

/** A call that is not carried out. The application answers it in the words of the service that has the code. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  /** The more specific code, which ECS sometimes hides in `details`. */
  readonly detail: { readonly code: string; readonly message: string } | undefined;

  constructor(status: number, code: string, message: string, detail?: Refused['detail']) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/** Returns the parsed body. Throws what `refuse` makes of the first issue: one line of text, and the path. */
export function checked<T>(schema: z.ZodType<T>, body: unknown, refuse: (text: string, at: string) => Refused): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = issue?.path.join('.') ?? '';
  throw refuse(`${at || 'body'}: ${issue?.message ?? 'invalid'}`, at);
}

/** Returns the value; throws the refusal when it is undefined. */
export function found<T>(value: T | undefined, refusal: Refused): T {
  if (value === undefined) throw refusal;
  return value;
}

/** `undefined` for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
