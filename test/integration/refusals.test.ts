import { expect, it } from 'vitest';
import { explainJob } from '../../lib/app/ledger/explain.ts';
import { FAST_MACHINES, HOUR, impatientServices, MINUTE, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const EVER = 1_000_000;
const FAST = { ...FAST_MACHINES, composeServices: impatientServices() };
const MISSING = { operation: 'ims.images', times: EVER, status: 200, body: JSON.stringify({ images: [] }) };

const statuses = (p: TestFarm) => p.jobs().map(({ status }) => status);
/** Minutes between the calls, rounded. */
const gaps = (times: readonly number[]) => times.slice(1).map((at, i) => Math.round((at - (times[i] ?? 0)) / MINUTE));

async function brakes(p: TestFarm) {
  const plans = (await p.ledger()).filter((e) => e.kind === 'plan');
  return plans.flatMap((e) => (e.brakes ?? []).filter((b) => b.why === 'paused').map((b) => ({ ...b, time: Date.parse(e.time) })));
}

async function failures(p: TestFarm, message: RegExp) {
  return (await p.ledger()).filter((e) => e.kind === 'launch' && e.outcome === 'failed' && message.test(e.message ?? ''));
}

it('a missing image: no runner is made, one attempt at a time is, ever less often, and all of it says when the next one is', async () => {
  const p = await startTestFarm({ ...FAST, pools: [{ limit: 19 }] });
  p.faults.inject(MISSING);
  p.push(19);
  await p.advance(HOUR - 2 * MINUTE);
  expect([p.faults.calls('gitlab.runner-create'), p.faults.calls('ecs.create'), p.keys('handoff/')]).toEqual([0, 0, []]);
  const refused = (await failures(p, /no active image named/)).map(({ time }) => Date.parse(time));
  expect(refused.length).toBeLessThanOrEqual(8);
  const attempts = [...new Set(refused)];
  expect(gaps(attempts)).toEqual([2, 4, 8, 16]);

  const next = /ordering is paused after image-missing: the next attempt at 2026-11-23T0[89]:\d\d:\d\dZ/;
  expect((await brakes(p)).at(-1)).toMatchObject({ code: 'image-missing', until: expect.any(Number) });
  const [job] = p.jobs();
  expect(explainJob(await p.ledger(), job?.id ?? 0).lines.map(({ text }) => text)).toContainEqual(expect.stringMatching(next));
  const { alarms } = JSON.parse(p.text('counts/v1/farm.json'));
  expect(alarms).toContainEqual(expect.objectContaining({ kind: 'launching-paused', state: 'raised', text: expect.stringMatching(next) }));
});

it('when the image is there again, the one attempt that runs opens the way for all others', async () => {
  const p = await startTestFarm({ ...FAST, pools: [{ limit: 19 }] });
  p.faults.inject(MISSING);
  p.push(6);
  await p.advance(10 * MINUTE);
  p.faults.clear();
  // The attempt after 14 minutes, and the others when it runs.
  await p.advance(9 * MINUTE);
  expect([p.count('server-created'), statuses(p).includes('pending')]).toEqual([6, false]);
  await p.advance(20 * MINUTE);
  expect([statuses(p), p.vms(), p.runners()]).toEqual([Array(6).fill('success'), [], []]);
  expect(JSON.parse(p.text('state/v1/pools/pool0.json'))).not.toHaveProperty('pause');
});

it('a changed setting is tried at once', async () => {
  const p = await startTestFarm({ ...FAST, pools: [{ limit: 5, machine: { image: 'nobody-has-this' } }] });
  p.push(1);
  await p.advance(20 * MINUTE);
  expect(p.vms()).toEqual([]);
  // The next attempt would be ten minutes away.
  Object.assign(p.farm.config.settings.pools[0]?.machine ?? {}, { image: { name: 'Standard_Debian_12_amd64_latest' } });
  await p.advance(2 * MINUTE);
  expect(statuses(p)).not.toContain('pending');
});

it('a quota: the room that a machine leaves is used at once, one attempt at a time looks for more, and none is made while none can be', async () => {
  const p = await startTestFarm({ ...FAST, pools: [{ limit: 19, max_builds: 1 }] });
  p.sandbox.ecs.setQuota({ servers: 2 });
  p.push(10);
  await p.advance(HOUR);
  expect(statuses(p)).toEqual(Array(10).fill('success'));
  // Ten for the jobs, those of the first wave that were refused, and one that came while a machine was being deleted.
  expect(p.faults.calls('gitlab.runner-create')).toBeLessThanOrEqual(10 + 8 + 2);
  expect(await failures(p, /the quota of servers is used up: 2 of 2/)).not.toEqual([]);
});

it('sold out everywhere: one runner at a time is made and deleted, not one for each waiting job', async () => {
  const p = await startTestFarm({ ...FAST, pools: [{ limit: 19 }] });
  for (const flavor of ['c4.2xlarge.2', 'c3.4xlarge.2'])
    for (const zone of ['eu-de-01', 'eu-de-02']) p.sandbox.ecs.sellOut(flavor, zone, {});
  p.push(16);
  await p.advance(HOUR);
  expect(p.faults.calls('gitlab.runner-create')).toBeLessThanOrEqual(16 + 20);
  p.sandbox.ecs.restock();
  await p.advance(5 * MINUTE);
  expect(statuses(p)).not.toContain('pending');
});

it('an error that is not understood is a refusal, too', async () => {
  const p = await startTestFarm({ ...FAST, pools: [{ limit: 19 }], hooks: false });
  p.faults.inject({
    operation: 'ecs.create',
    times: EVER,
    status: 400,
    body: JSON.stringify({ error: { code: 'Ecs.4711', message: 'new' } }),
  });
  p.push(19);
  await p.advance(HOUR);
  expect(p.faults.calls('gitlab.runner-create')).toBeLessThanOrEqual(19 + 5);
  expect([p.vms(), p.runners(), p.keys('handoff/')]).toEqual([[], [], []]);
});
