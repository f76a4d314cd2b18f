import { parse } from 'smol-toml';
import * as z from 'zod';
import { bounded } from '../../lib/signals/bounded.ts';

/** The first runner in gitlab-runner's config.toml. */
export interface Handoff {
  readonly url: string;
  readonly token: string;
  readonly executor: string;
}

export interface Limits {
  /** 0: any number. */
  readonly maxBuilds: number;
  /** 0: for ever. */
  readonly waitTimeoutMs: number;
  /** It leaves once GitLab refuses its runner, as our workers do that look after their disk (cloud-init/programs/worker/jobs.py). */
  readonly leavesRefused: boolean;
}

/** Real milliseconds that an answer may take: silence must not stop the sandbox's time for ever. */
const ANSWER_MS = 2_000;

const Config = z.object({
  runners: z.tuple([z.object({ url: z.url(), token: z.string().min(1), executor: z.string().default('') })]).rest(z.unknown()),
});

/** The first address in the user data that carries a signature. */
export function handoffUrl(userData: string): string | undefined {
  return userData.match(/https?:\/\/[^\s'"<>\\`]+/g)?.find((url) => /[?&][\w-]*Signature=/.test(url));
}

/** The flags of `gitlab-runner run-single` in the user data, and which program starts it. */
export function limitsOf(userData: string): Limits {
  const flag = (name: string) => Number(new RegExp(`--${name}[ =]['"]?(\\d+)`).exec(userData)?.[1] ?? 0);
  return { maxBuilds: flag('max-builds'), waitTimeoutMs: flag('wait-timeout') * 1000, leavesRefused: /DISK_MIN_FREE=[1-9]/.test(userData) };
}

/** `undefined` without a usable answer: the URL has expired, the object is gone, or it is not a configuration. */
export async function readHandoff(url: string, signal: AbortSignal): Promise<Handoff | undefined> {
  const limit = bounded(ANSWER_MS, [signal]);
  try {
    const response = await fetch(url, { signal: limit.signal });
    const text = await response.text();
    return response.ok ? Config.parse(parse(text)).runners[0] : undefined;
  } catch {
    return undefined;
  } finally {
    limit.end();
  }
}
