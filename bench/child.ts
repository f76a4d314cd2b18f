import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** What a process of its own shall do with one module. */
export interface ChildWork {
  readonly module: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly userData?: Readonly<Record<string, string>>;
  readonly keys?: { readonly accessKey: string; readonly secretKey: string };
  readonly timeoutMs?: number;
  readonly batches?: readonly Batch[];
}

export interface Batch {
  readonly events: readonly unknown[];
  /** Events on their way at once. */
  readonly atOnce: number;
  /** A file to copy before the batch, and where to. */
  readonly copy?: readonly [from: string, to: string];
}

const Reply = z.looseObject({ statusCode: z.number().optional(), ok: z.boolean().optional() });
const Result = z.object({
  loadMs: z.number(),
  /** From the beginning of the load to the end of the first batch. */
  firstBatchMs: z.number(),
  rssBefore: z.number(),
  rssLoaded: z.number(),
  rssPeak: z.number(),
  batches: z.array(z.object({ ms: z.number(), times: z.array(z.number()), replies: z.array(Reply) })),
});
/** `wallMs`: the whole process, from its start to its end. */
export type ChildResult = z.infer<typeof Result> & { readonly wallMs: number };

const CHILD = fileURLToPath(new URL('child.cjs', import.meta.url));

/** Runs the work in a fresh Node.js without any of this process's settings. Throws when it does not end well. */
export async function runChild(work: ChildWork): Promise<ChildResult> {
  const {
    env = {},
    module,
    userData = {},
    keys = { accessKey: 'BENCHACCESSKEY000001', secretKey: 'bench-secret-key' },
    timeoutMs = 10_000,
    batches = [],
  } = work;
  const began = performance.now();
  const child = spawn(process.execPath, [CHILD], { env, stdio: ['pipe', 'ignore', 'inherit', 'pipe'] });
  const result = child.stdio[3];
  if (!child.stdin || !result || !('setEncoding' in result)) throw new Error('the child has no pipes');
  child.stdin.end(JSON.stringify({ module, userData, timeoutMs, keys, batches }));
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  let text = '';
  for await (const chunk of result) text += String(chunk);
  const code = await ended;
  const wallMs = performance.now() - began;
  if (code !== 0) throw new Error(`the child ended with ${code}`);
  return { ...Result.parse(JSON.parse(text)), wallMs };
}
