import { ledgerKey, passLedgerKey } from '../../core/keys.ts';
import type { Store } from '../ports/index.ts';
import { type AppendOptions, appendOnce } from '../storage/append.ts';
import type { LedgerEntry } from './types.ts';

const TAIL_BYTES = 65_536;

export interface LedgerWrite {
  /** Id of the pass. */
  readonly pass: string;
  /** What a pass writes beside its plans and actions, in its name there. */
  readonly part?: 'changes';
  readonly at: number;
  readonly entries: readonly LedgerEntry[];
  readonly append: boolean;
}

/** Adds the entries of one pass, once. Without append they are an object of their own. */
export async function writeLedger(store: Store, input: LedgerWrite, options: AppendOptions): Promise<void> {
  const lines = input.entries.map((entry) => `${JSON.stringify(entry)}\n`);
  const last = lines.at(-1);
  if (last === undefined) return;
  const text = lines.join('');
  if (!input.append) {
    const name = input.part === undefined ? input.pass : `${input.pass}-${input.part}`;
    await store.put(passLedgerKey(input.at, name), text, { ...options, contentType: 'application/x-ndjson' });
    return;
  }
  // The pass's id would not do: its plans are there before its changes. No line comes twice, and of a text that was appended the end is what is read.
  const missing = (tail: { text: string }) => (tail.text.includes(last) ? undefined : text);
  await appendOnce(store, { key: ledgerKey(input.at), tailBytes: TAIL_BYTES, missing }, options);
}
