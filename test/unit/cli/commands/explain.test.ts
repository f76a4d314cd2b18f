import { expect, it } from 'vitest';
import { explain } from '../../../../cli/commands/explain.ts';
import type { Cloud } from '../../../../lib/app/ports/index.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const NOW = Date.UTC(2026, 10, 23, 9, 30);
const NAMES = ['bake-01kaaaa1', 'bake-01kaaaa2', 'bake-01kbbbb3', 'bake-01kbbbb4'];

/** The answer about a worker that the ledger does not know, beside launches of the names. */
async function about(worker: string, names: readonly string[] = NAMES) {
  const store = new MemoryStore();
  const launches = names.map((name, i) => {
    const time = `2026-11-23T09:0${i}:00Z`;
    return JSON.stringify({
      kind: 'launch',
      time,
      pass: `p${i}`,
      trigger: 'timer',
      pool: 'bake',
      worker: name,
      why: 'demand',
      outcome: 'done',
    });
  });
  await store.put('ledger/v1/2026/11/23/09.ndjson', launches.map((line) => `${line}\n`).join(''));
  const said: string[] = [];
  const output = { json: false, data: (text: string) => void said.push(text), say: () => undefined };
  const code = await explain({ store, cloud: {} as Cloud }, { worker }, { now: NOW, days: 2 }, output);
  return { code, text: said.join('\n') };
}

it('explain --worker of an unknown name answers about workers, not about jobs, and names those that it could be', async () => {
  const { code, text } = await about('nope');
  expect([code, text.split('\n')]).toEqual([
    1,
    [
      'The ledger of the last 2 days does not mention nope.',
      expect.stringMatching(/^No worker of that name .* bake-01kbbbb4, bake-01kbbbb3, bake-01kaaaa2\.$/),
      expect.stringContaining('--days N'),
    ],
  ]);
});

it('explain --worker of a part of a name names the workers that have it', async () => {
  const { code, text } = await about('01kaaaa');
  expect([code, text]).toEqual([1, expect.stringContaining('similar names: bake-01kaaaa2, bake-01kaaaa1.\n')]);
});

it('explain --worker where nothing was launched names none', async () => {
  expect((await about('nope', [])).text).toContain('as `scaler status` shows it.\n');
});
