import * as z from 'zod/mini';
import type { HookTrigger } from '../../app/reconcile/types.ts';

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

const TimerEvent = z.object({ trigger_type: z.literal('TIMER') });

/** Whether a timer fired; a call by hand is none. */
export function isTimerEvent(event: unknown): boolean {
  return TimerEvent.safeParse(event).success;
}

const job = z.object({
  jobId: z.int().check(z.positive()),
  projectId: z.int().check(z.positive()),
  /** What is no time is left out, and the job is served all the same. */
  hookAt: z.catch(z.optional(z.int().check(z.positive(), z.maximum(8.64e15))), undefined),
});
const AsyncEvent = z.union([
  z.pipe(
    z.object({ body: job }),
    z.transform((event: { readonly body: z.infer<typeof job> }) => event.body),
  ),
  job,
]);

/** The hook that a call of the scaler is made for. The API's own example wraps the event in `body`, its samples do not: take both. */
export function triggeringHook(event: unknown): HookTrigger | undefined {
  return AsyncEvent.safeParse(event).data;
}
