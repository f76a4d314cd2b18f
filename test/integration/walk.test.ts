import { describe, expect, it } from 'vitest';
import { DEFAULT_CATALOGUE } from '../../sandbox/otc/ecs/catalogue.ts';
import { FAST_MACHINES, impatientServices, MINUTE, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const FAST = { ...FAST_MACHINES, hooks: false, composeServices: impatientServices() };
const [FIRST] = DEFAULT_CATALOGUE.networks;
const SECOND = '157ee789-03ea-45b1-a698-76c92660dd84';
const SIZE = 2 ** 12 - 5;

/** Two subnets of one VPC with so many addresses left. */
function subnets(left: number, leftOfSecond: number) {
  const [network, ...others] = DEFAULT_CATALOGUE.networks;
  if (!network) throw new Error('the catalogue is empty');
  const both = [
    { ...network, usedByOthers: SIZE - left },
    { ...network, subnetId: SECOND, subnetName: 'more', usedByOthers: SIZE - leftOfSecond },
  ];
  return { ...DEFAULT_CATALOGUE, networks: [...both, ...others] };
}

const placed = (p: TestFarm) => p.vms().map(({ order }) => order.subnetId);
const statuses = (p: TestFarm) => p.jobs().map(({ status }) => status);
const machine = { subnet_id: [FIRST?.subnetId, SECOND] };

describe('a list of subnets', () => {
  it('is walked when one has no address left, and that is remembered', async () => {
    const p = await startTestFarm({ ...FAST, catalogue: subnets(2, 100), pools: [{ limit: 10, machine }] });
    p.push(5);
    await p.advance(MINUTE);
    expect(placed(p).sort()).toEqual([FIRST?.subnetId, FIRST?.subnetId, SECOND, SECOND, SECOND].sort());
    expect(JSON.parse(p.text('state/v1/pools/pool0.json')).refusals).toContainEqual(
      expect.objectContaining({ subnet: FIRST?.subnetId, code: 'Ecs.0012' }),
    );
    const orders = p.faults.calls('ecs.create');
    p.push(2);
    await p.advance(MINUTE);
    // Not one of them asks for the full subnet.
    expect([p.faults.calls('ecs.create'), placed(p).filter((id) => id === SECOND).length]).toEqual([orders + 2, 5]);
    expect((await p.ledger()).filter((e) => e.kind === 'alarm')).toEqual([]);
  });

  it('where all are full is as a quota: what goes is replaced, and one at a time is tried', async () => {
    const p = await startTestFarm({ ...FAST, catalogue: subnets(1, 1), pools: [{ limit: 10, max_builds: 1, machine }] });
    p.push(6);
    await p.advance(40 * MINUTE);
    expect(statuses(p)).toEqual(Array(6).fill('success'));
    const failed = (await p.ledger()).filter((e) => e.kind === 'launch' && e.outcome === 'failed');
    expect(failed.map(({ message }) => message)).toContainEqual(`no subnet has a free address: ${FIRST?.subnetId}, ${SECOND}`);
    expect(p.runners()).toEqual([]);
  });

  it('of one is as one subnet: a full one pauses the ordering', async () => {
    const p = await startTestFarm({ ...FAST, catalogue: subnets(0, 10), pools: [{ limit: 10 }] });
    p.push(1);
    await p.advance(3 * MINUTE);
    expect([p.vms(), p.runners()]).toEqual([[], []]);
    expect(JSON.parse(p.text('state/v1/pools/pool0.json')).pause).toMatchObject({ code: 'Ecs.0012', refused: { kind: 'quota' } });
  });
});

describe('two pools with the same tags', () => {
  const pools = (first: object) => [
    { name: 'first', limit: 2, tags: ['x'], ...first },
    { name: 'second', limit: 10, tags: ['x'] },
  ];
  const of = (p: TestFarm, pool: string) =>
    p.events.filter((e) => e.kind === 'server-created' && String(e.fields.name).startsWith(`${pool}-`)).length;
  const push = (p: TestFarm, n: number) => p.push(Array.from({ length: n }, () => ({ tags: ['x'] })));

  it('the second serves what is beyond the limit of the first, and nothing else', async () => {
    const p = await startTestFarm({ ...FAST, pools: pools({}) });
    push(p, 2);
    await p.advance(MINUTE);
    expect([of(p, 'first'), of(p, 'second')]).toEqual([2, 0]);
    push(p, 3);
    await p.advance(MINUTE);
    expect([of(p, 'first'), of(p, 'second')]).toEqual([2, 3]);
    await p.advance(20 * MINUTE);
    expect([statuses(p), p.vms()]).toEqual([Array(5).fill('success'), []]);
  });

  it('the second serves what the first cannot buy a machine for', async () => {
    const p = await startTestFarm({ ...FAST, pools: pools({ machine: { flavors: ['c3.4xlarge.2'] } }) });
    for (const zone of ['eu-de-01', 'eu-de-02']) p.sandbox.ecs.sellOut('c3.4xlarge.2', zone, {});
    push(p, 2);
    await p.advance(3 * MINUTE);
    expect([of(p, 'first'), of(p, 'second'), statuses(p).includes('pending')]).toEqual([0, 2, false]);
  });
});
