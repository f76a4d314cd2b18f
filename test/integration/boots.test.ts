import { describe, expect, it } from 'vitest';
import { showConsole } from '../../cli/commands/console.ts';
import { explain } from '../../cli/commands/explain.ts';
import { explainWorker } from '../../lib/app/ledger/explain.ts';
import type { Fault } from '../../sandbox/faults.ts';
import { FAST_MACHINES, impatientServices, MINUTE, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const POOL = { limit: 4, idle_time: 20, max_builds: 1 };
const FAST = { ...FAST_MACHINES, pools: [POOL], composeServices: impatientServices(300) };
const EVER = 1_000_000;

const settled = async (p: TestFarm) => (await p.ledger()).filter((e) => e.kind === 'booted' || e.kind === 'boot-failed');

/** What a command prints about a worker. */
async function told(p: TestFarm, worker: string, json = false): Promise<{ readonly code: number; readonly out: string }> {
  let out = '';
  const output = { json, data: (text: string) => (out += `${text}\n`), say: () => undefined };
  const code = await p.run((services) => explain(services, { worker }, { now: p.clock.now(), days: 1 }, output));
  return { code, out };
}

async function printed(
  p: TestFarm,
  worker: string,
  lines = 200,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = '';
  let err = '';
  const output = { json: false, data: (text: string) => (out += text), say: (text: string) => (err += text) };
  const code = await p.run(({ cloud }) => showConsole(cloud, worker, lines, output));
  return { code, out, err };
}

describe('a worker that boots', () => {
  it('has its machine’s times and its phases in the ledger, and explain shows them', async () => {
    const p = await startTestFarm(FAST);
    p.push(1);
    await p.advance(3 * MINUTE);
    const [entry, ...more] = await settled(p);
    const names = [
      'cloud-init-started',
      'setup',
      'runner-version',
      'metadata-blocked',
      'docker-ready',
      'handoff',
      'ready',
      'runner-started',
    ];
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ kind: 'booted', createdAt: '2026-11-23T08:00:07Z', activeAt: '2026-11-23T08:00:13Z' });
    expect(entry?.phases).toEqual(names.map((name, i) => [name, i < 4 ? 4 : 10]));
    expect(p.faults.calls('ecs.console')).toBe(1);
    const { code, out } = await told(p, entry?.worker ?? '');
    expect(code).toBe(0);
    expect(out).toContain('order accepted at 2026-11-23T08:00:07Z (+0 s), VM active at 2026-11-23T08:00:13Z (+6 s)');
    expect(out).toMatch(/^ {8,}4\.0 s {2}setup {2}\+0\.0 s$/m);
    expect(out).toMatch(/^ {7,}10\.0 s {2}docker-ready {2}\+6\.0 s$/m);
  });

  it('and is first seen by a hook’s pass is told by the timer’s, with its phases and the time at which it was seen', async () => {
    const p = await startTestFarm(FAST);
    p.push(1);
    // The worker calls 16 s after the hook; another hook sees that before the timer does.
    p.clock.after(30 * SECOND, () => void p.push(1));
    await p.advance(50 * SECOND);
    expect([await settled(p), p.faults.calls('ecs.console')]).toEqual([[], 0]);
    await p.advance(MINUTE);
    const [entry] = await settled(p);
    expect(entry).toMatchObject({ kind: 'booted', seconds: 30, phases: expect.arrayContaining([['ready', 10]]) });
  });

  it('is told in any case while the timer is down', async () => {
    const p = await startTestFarm({ ...FAST, timer: false, pools: [{ ...POOL, max_builds: 0, idle_time: 3600 }] });
    for (let i = 0; i < 9; i++) p.clock.after(i * MINUTE, () => void p.push(1));
    await p.advance(9 * MINUTE);
    const entries = await settled(p);
    expect(entries.map(({ kind, seconds }) => [kind, seconds])).toEqual(Array(3).fill(['booted', 60]));
    expect(new Set(entries.map((e) => e.worker)).size).toBe(3);
    expect(p.faults.calls('ecs.console')).toBe(0);
  });
});

describe('a worker without its caches', () => {
  const worker = { ...FAST_MACHINES.worker, mode: 'cache-missing' } as const;

  it('says so in the ledger and in explain, although its VM is removed in the same pass', async () => {
    const p = await startTestFarm({ ...FAST, worker });
    p.push(1);
    await p.advance(MINUTE);
    const entries = await p.ledger();
    const failed = entries.find((e) => e.kind === 'boot-failed');
    const reap = entries.find((e) => e.kind === 'reap');
    expect(failed).toMatchObject({ why: 'off-before-contact', reason: 'cache-unavailable' });
    expect(failed?.phases?.map(([name]) => name)).toEqual([
      'cloud-init-started',
      'setup',
      'runner-version',
      'metadata-blocked',
      'failed',
      'finished',
    ]);
    expect([reap?.outcome, reap?.pass]).toEqual(['done', failed?.pass]);
    const { out } = await told(p, failed?.worker ?? '');
    expect(out).toMatch(/did not boot: off-before-contact, cache-unavailable/);
    expect(out).toContain('reason cache-unavailable: the caches could not be mounted');
  });
});

describe('a console that cannot be read', () => {
  const ways: readonly (Omit<Fault, 'operation' | 'times'> & { readonly name: string; readonly unread?: string })[] = [
    { name: '403 of IAM', status: 403, code: 'Pdp.0001', unread: 'Pdp.0001' },
    { name: '403 of Nova', status: 403, body: '{"forbidden":{"code":403,"message":"no"}}', unread: 'http-403' },
    { name: '404: the region has no such call', status: 404, body: '{"error_code":"APIG.0101","error_msg":"no API"}' },
    { name: '400: the action is discarded', status: 400, body: '{"badRequest":{"code":400,"message":"no such action"}}' },
    { name: '500', status: 500, code: 'Ecs.0000', unread: 'Ecs.0000' },
    { name: '429', status: 429, code: 'APIG.0308', unread: 'APIG.0308' },
    { name: 'silence', kind: 'hang', unread: 'timeout' },
    { name: 'half an answer', kind: 'half', unread: expect.stringMatching(/^E/) },
  ];
  it.each(ways)('$name: launches, boots, reaps and counts go on as without', async ({ name: _, unread, ...fault }) => {
    const lived = async (broken: boolean) => {
      let n = 0;
      // The first machine fails, the probe after it boots, and so do those that come later.
      const p = await startTestFarm({ ...FAST, worker: { ...FAST_MACHINES.worker, mode: () => (n++ === 0 ? 'cache-missing' : 'normal') } });
      if (broken) p.faults.inject({ operation: 'ecs.console', times: EVER, ...fault });
      p.push(1);
      p.clock.after(8 * MINUTE + 10 * SECOND, () => void p.push(3));
      await p.advance(20 * MINUTE);
      const entries = await p.ledger();
      return {
        ends: entries
          .filter((e) => e.kind !== 'plan')
          .map((e) => `${e.kind} ${e.why} ${e.outcome}`)
          .toSorted(),
        jobs: p.jobs().map((job) => job.status),
        left: [p.vms().length, p.runners().length, p.keys('handoff/').length],
        series: p.series(),
        p,
      };
    };
    const { p: good, ...expected } = await lived(false);
    const { p, ...got } = await lived(true);
    expect(got).toEqual(expected);
    expect(expected.jobs).toEqual(Array(4).fill('success'));
    const [first] = await settled(p);
    expect([first?.phases, first?.consoleUnread]).toEqual([undefined, unread]);
    expect((await settled(good)).every((e) => (e.phases?.length ?? 0) > 3)).toBe(true);
    // The first machine did fail: that is the one thing to be told.
    const errors = p.logs.filter((line) => line.includes('"level":"error"'));
    expect(errors).toEqual([expect.stringContaining('"alarm":"boots-failing","state":"raised"')]);
  });
});

it('nothing of a console goes to the log, and only plain words of it to the ledger', async () => {
  const canary = 'canary-on-the-console';
  const p = await startTestFarm({ ...FAST });
  p.push(2);
  await p.advance(5 * SECOND);
  p.clock.after(5 * SECOND, () => {
    for (const vm of p.vms()) {
      p.sandbox.ecs.print(
        vm.id,
        `\u001b[31mglrt-${canary} https://obs/h?Signature=${canary}\r\ngl-scaler worker=${vm.name} phase=${canary.toUpperCase()} uptime=1\r\n`,
      );
      p.sandbox.ecs.print(vm.id, `gl-scaler worker=${vm.name} said: ${canary}\r\n`);
    }
  });
  await p.advance(5 * MINUTE);
  expect((await settled(p)).map((e) => e.phases?.length)).toEqual([8, 8]);
  const stored = p
    .keys('')
    .filter((key) => !key.startsWith('handoff/'))
    .map((key) => p.text(key));
  expect([...p.logs, ...stored].filter((text) => text.toLowerCase().includes(canary))).toEqual([]);
  expect(p.logs.filter((line) => line.includes('gl-scaler'))).toEqual([]);
});

describe('a worker that hangs in its boot', () => {
  async function hanging(): Promise<{ readonly p: TestFarm; readonly name: string }> {
    const p = await startTestFarm({ ...FAST, worker: { ...FAST_MACHINES.worker, mode: 'broken-boot' } });
    p.push(1);
    await p.advance(90 * SECOND);
    return { p, name: p.vms()[0]?.name ?? '' };
  }

  it('is not finished yet: explain shows how far it came and how to see more', async () => {
    const { p, name } = await hanging();
    const { out } = await told(p, name);
    expect(out).toContain(`not finished yet; \`scaler console ${name}\` shows what it printed`);
    expect(out).toMatch(/ 4\.0 s {2}metadata-blocked/);
    expect((await told(p, name, true)).out).not.toContain('not settled');
  });

  it('is explained from the ledger alone where the cloud does not answer', async () => {
    const { p, name } = await hanging();
    p.faults.inject({ operation: 'ecs.*', times: EVER, status: 403, code: 'Pdp.0001' });
    const { code, out } = await told(p, name);
    expect([code, out]).toEqual([0, expect.stringMatching(/not finished yet.*\(its console cannot be read now: Pdp\.0001\)/)]);
  });

  it('shows its console, made harmless, as many lines as asked for', async () => {
    const { p, name } = await hanging();
    const { code, out } = await printed(p, name);
    expect(code).toBe(0);
    expect(out).toContain('[  OK  ] Started cloud-init.service');
    expect(out).not.toMatch(/[^\n\P{Cc}]/u);
    expect((await printed(p, name, 1)).out).toBe(`gl-scaler worker=${name} phase=metadata-blocked uptime=4.00`);
  });

  it('has none once it is gone, and none where the cloud offers none', async () => {
    const { p, name } = await hanging();
    p.faults.inject({ operation: 'ecs.console', times: 1, status: 404, body: '{"error_code":"APIG.0101","error_msg":"no API"}' });
    expect(await printed(p, name)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('does not offer it') });
    expect(await printed(p, `${name}x`)).toMatchObject({ code: 1, err: expect.stringContaining('explain --worker') });
    // A name that the cloud's own search would take for this one's.
    expect(await printed(p, name.slice(0, -1))).toMatchObject({ code: 1, out: '' });
  });

  it('is told with how far it came when its time is over', async () => {
    const { p, name } = await hanging();
    await p.advance(25 * MINUTE);
    const story = explainWorker(await p.ledger(), name);
    expect(story.lines.find((l) => l.text.includes('did not boot'))?.details?.at(-1)).toBe(
      'it came as far as "metadata-blocked", and no further within its time',
    );
  });
});
