import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');

/** What GitLab's own runners ask for is no call of the functions. */
const OF_RUNNERS = ['gitlab.job-request', 'gitlab.job-update', 'gitlab.trace', 'gitlab.unregister', 'gitlab.runner-managers'];

/** Row of docs/cost.md → its measure. */
const MEASURES: Readonly<Record<string, (farm: TestFarm) => number>> = {
  'calls of the reaper': (farm) => farm.logged('plan').filter((line) => line.function === 'reaper').length,
  'calls of the webhook': (farm) => farm.logged('hook').length,
  'calls of the scaler': (farm) => farm.logged('woken').length,
  'requests to OBS: read': (farm) => sum(farm, ['obs.get', 'obs.head']),
  'requests to OBS: write, append, list, delete': (farm) => farm.faults.calls('obs.*') - sum(farm, ['obs.get', 'obs.head']),
  'requests to ECS and IMS': (farm) => sum(farm, ['ecs.*', 'ims.*']),
  'requests to GitLab': (farm) => farm.faults.calls('gitlab.*') - sum(farm, OF_RUNNERS),
  'kB of counts': (farm) => kilobytes(farm, 'counts/v1/day/'),
  'kB of ledger': (farm) => kilobytes(farm, 'ledger/'),
  'kB of log lines': (farm) => farm.logs.reduce((all, line) => all + line.length + 1, 0) / 1000,
};

describe('docs/cost.md', () => {
  it('has a row for each measure', () => {
    expect(rows().map(({ what }) => what)).toEqual(Object.keys(MEASURES));
  });

  it('says what an hour takes in which nothing waits', async () => {
    const farm = await startTestFarm();
    await farm.advance(10 * MINUTE);
    expect(off(await hour(farm, () => undefined), 'idle')).toEqual([]);
  });

  it('and an hour of work', async () => {
    const farm = await startTestFarm();
    await farm.advance(10 * MINUTE);
    const measured = await hour(farm, () => void farm.push(Array.from({ length: 10 }, () => ({ durationMs: 4 * MINUTE }))));
    expect(farm.jobs().filter(({ status }) => status === 'success')).toHaveLength(60);
    expect(off(measured, 'work')).toEqual([]);
  });
});

/** One hour with something to do every ten minutes. */
async function hour(farm: TestFarm, each: () => void): Promise<readonly number[]> {
  const before = Object.values(MEASURES).map((measure) => measure(farm));
  for (let i = 0; i < 6; i += 1) {
    each();
    await farm.advance(HOUR / 6);
  }
  return Object.values(MEASURES).map((measure, i) => measure(farm) - (before[i] ?? 0));
}

function sum({ faults }: TestFarm, operations: readonly string[]): number {
  return operations.reduce((all, operation) => all + faults.calls(operation), 0);
}

function kilobytes(farm: TestFarm, prefix: string): number {
  return farm.keys(prefix).reduce((all, key) => all + (farm.bucket().get(key)?.body.length ?? 0), 0) / 1000;
}

function rows() {
  const section = /## What is measured[\s\S]*?(?=\n## )/.exec(page)?.[0] ?? '';
  return [...section.matchAll(/^\| ([^|]+?) +\| ([\d.]+) +\| ([\d.]+) +\|$/gm)].map(([, what = '', idle, work]) => ({
    what,
    idle: Number(idle),
    work: Number(work),
  }));
}

/** Rows of which the page does not say what was measured. A tenth more or less is the same cost. */
function off(measured: readonly number[], column: 'idle' | 'work'): readonly string[] {
  return rows().flatMap(({ what, [column]: figure }, i) => {
    const value = measured[i] ?? Number.NaN;
    return Math.abs(value - figure) <= Math.max(1, figure * 0.1) ? [] : [`${what}: ${value}, not ${figure}`];
  });
}
