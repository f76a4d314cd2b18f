import type * as z from 'zod';

/** Why a call is not carried out, before a service words it. */
export class Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;

  constructor(status: number, code: string, message: string) {
    this.status = status;
    this.code = code;
    this.message = message;
  }
}

/** One line for a body that does not fit: where, and what was wanted. */
export function firstIssue(error: z.ZodError): { readonly at: string; readonly text: string } {
  const issue = error.issues[0];
  const at = issue?.path.join('.') ?? '';
  return { at, text: `${at || 'body'}: ${issue?.message ?? 'invalid'}` };
}

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
