import { expect, it } from 'vitest';
import { fromIso, MINUTE, toIso } from '../../../lib/core/time.ts';
import type { MemoryStore } from '../../../testkit/memory-store.ts';
import { farm, run, START } from './fake-farm.ts';

/** A farm where the timer was late and a pool has just been paused, on a clock that moves on with each look at it. */
async function eventful(append: boolean) {
  const { services, settings, store } = farm();
  const farmView = {
    version: 1,
    time: toIso(START - 20 * MINUTE),
    installation: 'i',
    pools: [],
    workers: [],
    waiting: [],
    actions: [],
    alarms: [],
  };
  await store.put('counts/v1/farm.json', JSON.stringify({ ...farmView, managers: [], controls: [] }));
  await store.put('control/v1/pause/one.json', JSON.stringify({ version: 1, since: START }));
  let looks = 0;
  const clock = { ...services.clock, now: () => START + 1_000 * looks++ };
  const { reports } = await run({ ...services, clock }, { ...settings, append });
  return { reports, store };
}

function ledger(store: MemoryStore): readonly Record<string, string>[] {
  const keys = [...store.objects.keys()].filter((key) => key.startsWith('ledger/'));
  const lines = keys.flatMap((key) => store.text(key).trimEnd().split('\n'));
  return lines.map((line) => JSON.parse(line));
}

it.each([true, false])('plans, actions, alarms and controls of a tick have one pass and one time (append: %s)', async (append) => {
  const { reports, store } = await eventful(append);
  const entries = ledger(store);
  expect(entries.map(({ kind }) => kind).sort()).toEqual(['alarm', 'control', 'launch', 'plan', 'plan']);
  const [report] = reports;
  expect(new Set(entries.map(({ pass }) => pass))).toEqual(new Set([report?.pass]));
  const time = toIso(report?.at ?? 0);
  expect(new Set(entries.map((entry) => entry.time))).toEqual(new Set([time]));
  expect(JSON.parse(store.text('counts/v1/farm.json')).time).toBe(time);
  expect(Object.keys(JSON.parse(store.text('counts/v1/latest.json')))).toContain('pools');
  expect(fromIso(time)).toBeGreaterThan(START);
});
