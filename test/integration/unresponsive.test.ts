import { expect, it } from 'vitest';
import { HOUR, MINUTE, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const POOLS = [{ limit: 5, idle_count: 1, idle_time: 600 }];
/** GitLab ends a request that it holds when a job comes, and the runner asks again 3 s later: no boot is as short. */
const WARM_SECONDS = 5;

/** Seconds that jobs waited which came one after the other. */
async function waits(p: TestFarm, count = 3): Promise<readonly number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    p.push([{ durationMs: 2 * MINUTE }]);
    await p.advance(20 * MINUTE);
    const job = p.jobs().at(-1);
    found.push(Math.round(((job?.startedAt ?? Number.POSITIVE_INFINITY) - (job?.queuedAt ?? 0)) / 1000));
  }
  return found;
}

it('an idle worker whose machine has died is noticed by the first job that it lets wait: later ones find a warm worker', async () => {
  const p = await startTestFarm({ pools: POOLS });
  await p.advance(10 * MINUTE);
  const [dead] = p.vms();
  // The VM stays ACTIVE, nothing on it runs any more.
  for (const vm of p.vms()) vm.stop.abort();
  await p.advance(10 * MINUTE);
  const [first = 0, ...later] = await waits(p);
  expect(first).toBeGreaterThan(60);
  expect(Math.max(...later)).toBeLessThanOrEqual(WARM_SECONDS);
  expect(p.vms().map(({ id }) => id)).not.toContain(dead?.id);

  const ledger = await p.ledger();
  const about = ledger.filter((e) => e.worker === dead?.name && e.kind !== 'booted');
  expect(about.map((e) => `${e.kind} ${e.why} ${e.outcome}`)).toEqual([
    'launch idle-target done',
    'drain unresponsive done',
    'reap drained done',
    expect.stringMatching(/^(ran|forget) /),
    expect.stringMatching(/^(ran|forget) /),
  ]);
  const alarms = ledger.filter((e) => e.kind === 'alarm' && e.alarm === 'unresponsive');
  expect(alarms.map((e) => [e.subject, e.state])).toEqual([
    [dead?.name, 'raised'],
    [dead?.name, 'cleared'],
  ]);
  expect(alarms[0]?.text).toContain(`job ${p.jobs()[0]?.id} `);
});

it('warm workers stay beside a job that GitLab gives to nobody', async () => {
  const p = await startTestFarm({ pools: POOLS });
  await p.advance(10 * MINUTE);
  const closed = p.gitlab.createProject('acme/closed');
  p.gitlab.createPipeline('acme/closed', [{ name: 'refused', tags: ['pool0'], durationMs: MINUTE }]);
  closed.buildsEnabled = false;
  await p.advance(20 * MINUTE);
  closed.buildsEnabled = true;
  await p.advance(30 * MINUTE);
  const ledger = await p.ledger();
  expect(p.jobs().at(-1)?.status).toBe('success');
  expect(ledger.filter((e) => e.why === 'unresponsive')).toEqual([]);
});

it('workers whose tokens end are replaced before, so that no job finds one whose token has ended', async () => {
  const p = await startTestFarm({ pools: POOLS, gitlab: { runnerTokenLifeMs: 2 * HOUR } });
  await p.advance(10 * MINUTE);
  // Its own timer ends it as well, ten minutes before the token does, were nobody else there.
  const [vm] = p.vms();
  expect(p.userData(vm as NonNullable<typeof vm>)).toMatch(/OnBootSec=(65|66)\d\d\n/);
  await p.advance(100 * MINUTE);
  expect(Math.max(...(await waits(p)))).toBeLessThanOrEqual(WARM_SECONDS);
  const ledger = await p.ledger();
  expect(ledger.filter((e) => e.kind === 'drain' && e.why === 'token-expires').length).toBeGreaterThanOrEqual(1);
  expect(ledger.filter((e) => e.why === 'unresponsive')).toEqual([]);
});

it('the same when the tokens end unforeseen: the first job that waits tells', async () => {
  const p = await startTestFarm({ pools: POOLS });
  await p.advance(10 * MINUTE);
  const ended = new Set(p.runners().map(({ token }) => token));
  const known = p.gitlab.runnerByToken.bind(p.gitlab);
  Object.assign(p.gitlab, { runnerByToken: (token: string) => (ended.has(token) ? undefined : known(token)) });
  await p.advance(10 * MINUTE);
  const [, ...later] = await waits(p);
  expect(Math.max(...later)).toBeLessThanOrEqual(WARM_SECONDS);
});
