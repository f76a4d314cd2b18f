import { UnclearError } from '../../core/errors.ts';
import { send } from '../../http/client.ts';

export interface Exchange {
  /** To the second, in milliseconds. */
  readonly theirs: number;
  /** The middle of the exchange here. */
  readonly ours: number;
}

const MAX_BYTES = 1024 * 1024;

/** What time the server has, by the `Date` of its answer. Asked without any key: a refusal carries the date as well. Throws `UnclearError`. */
export async function serverTime(
  name: string,
  url: string,
  now: () => number,
  options: { readonly signal?: AbortSignal; readonly deadlineMs?: number } = {},
): Promise<Exchange> {
  const begun = now();
  const { headers } = await send({
    name,
    method: 'GET',
    url,
    headers: () => ({ accept: 'application/json', 'user-agent': 'otc-gitlab-scaler' }),
    pausesMs: [],
    deadlineMs: options.deadlineMs ?? 10_000,
    maxBytes: MAX_BYTES,
    signal: options.signal,
  });
  const ours = (begun + now()) / 2;
  const theirs = Date.parse(headers.date ?? '');
  if (Number.isNaN(theirs)) throw new UnclearError('no-date', `${name}: the answer has no date`);
  return { theirs, ours };
}
