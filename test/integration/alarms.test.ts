import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSeries } from '../../lib/app/counts/read.ts';
import type { FarmStatus } from '../../lib/app/status/schema.ts';
import { dayKey, FARM_KEY } from '../../lib/core/keys.ts';
import { floorMinute, toIso } from '../../lib/core/time.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { GROUP, HOOK_PATH } from '../../testkit/farm.ts';
import { FAST_MACHINES, impatientServices, MINUTE, startTestFarm, type TestFarm, type TestFarmOptions } from '../../testkit/test-farm.ts';

const POOL = { limit: 2, idle_time: 20, max_builds: 1, boot_timeout: 60 };
const FAST = { ...FAST_MACHINES, pools: [POOL], composeServices: impatientServices(300) } satisfies TestFarmOptions;
const EVER = 1_000_000;
const DAY = 1440 * MINUTE;

function topic({ region, projectId, smn }: Sandbox): string {
  return smn.createTopic(region, projectId, 'ci-alarms');
}

const withTopic = (sandbox: Sandbox) => ({ alarms: { oldest_pending: '10m', smn_topic: topic(sandbox) } });

/** Messages to the topic, without the installation. */
function messages(p: TestFarm): readonly string[] {
  return p.sandbox.smn.published.map(({ subject }) => subject.replace('sandbox: ', ''));
}

function farm(p: TestFarm): FarmStatus {
  return JSON.parse(p.text(FARM_KEY));
}

async function inLedger(p: TestFarm): Promise<readonly string[]> {
  return (await p.ledger()).filter(({ kind }) => kind === 'alarm').map(({ alarm, state }) => `${alarm} ${state}`);
}

describe('an alarm', () => {
  it('says that the periods of a pool cannot be evaluated; its jobs and the other pools are served', async () => {
    const periods = [{ periods: ['* * * * * * *'], timezone: 'UTC', idle_count: 1, idle_time: 60 }];
    const p = await startTestFarm({ ...FAST_MACHINES, pools: [{ ...POOL, periods }, POOL], document: withTopic });
    // A zone that this Node does not know: what a newer Node has checked can be unknown to the one that runs.
    const [first] = p.farm.config.settings.pools;
    Object.assign(first?.pool.periods[0] ?? {}, { timezone: 'Mars/Olympus' });
    p.push([{}, { tags: ['pool1'] }]);
    await p.advance(3 * MINUTE);
    expect(messages(p)).toEqual(['periods (pool0)']);
    expect(farm(p).alarms[0]?.text).toContain('time zone Mars/Olympus');
    expect(p.jobs().map(({ status }) => status)).toEqual(['running', 'running']);
    Object.assign(first?.pool.periods[0] ?? {}, { timezone: 'UTC' });
    await p.advance(2 * MINUTE);
    expect(messages(p)).toEqual(['periods (pool0)', 'over: periods (pool0)']);
  });

  it('of a job that waits too long goes to topic, ledger and counts, once each way', async () => {
    const p = await startTestFarm({ ...FAST, document: withTopic });
    p.faults.inject({ operation: 'ecs.create', times: EVER, status: 403, code: 'Ecs.0010' });
    p.push(1);
    await p.advance(15 * MINUTE);
    expect(messages(p)).toEqual(['launching-paused (pool0)', 'oldest-pending (pool0)']);
    const latest = JSON.parse(p.text('counts/v1/latest.json'));
    expect(latest.alarms).toContainEqual(
      expect.objectContaining({ kind: 'oldest-pending', pool: 'pool0', text: expect.stringMatching(/^a job has waited for 1\d min/) }),
    );
    expect(Number(p.series().at(-1)?.oldest_wait)).toBeGreaterThan(800);

    // The next attempt is made 16 minutes after the fourth refusal, and the alarm is over ten minutes after the last sign of it.
    p.faults.clear();
    await p.advance(30 * MINUTE);
    expect(messages(p).slice(2).sort()).toEqual(['over: launching-paused (pool0)', 'over: oldest-pending (pool0)']);
    expect([...(await inLedger(p))].sort()).toEqual([
      'launching-paused cleared',
      'launching-paused raised',
      'oldest-pending cleared',
      'oldest-pending raised',
    ]);
    expect(farm(p).alarms).toEqual([]);
  });

  it('of machines that do not boot', async () => {
    const p = await startTestFarm({ ...FAST, document: withTopic, worker: { bootMs: 3_600_000 } });
    p.push(1);
    await p.advance(6 * MINUTE);
    expect(messages(p)).toContain('boots-failing (pool0)');
  });

  it('of everything sold out', async () => {
    const p = await startTestFarm({ ...FAST, document: withTopic });
    p.faults.inject({ operation: 'ecs.create', times: EVER, status: 400, code: 'Ecs.0319' });
    p.push(1);
    await p.advance(9 * MINUTE);
    expect(messages(p)).toContain('sold-out (pool0)');
  });

  it('of a source that cannot be read names it, and is over when it can', async () => {
    const p = await startTestFarm({ ...FAST, document: withTopic });
    p.faults.inject({ operation: 'ecs.list', times: EVER, status: 500 });
    await p.advance(6 * MINUTE);
    expect(messages(p)).toEqual(['unread (pool0 servers)']);
    p.faults.clear();
    await p.advance(6 * MINUTE);
    expect(messages(p)).toEqual(['unread (pool0 servers)', 'over: unread (pool0 servers)']);
  });

  it('of a timer that has paused', async () => {
    const p = await startTestFarm({ ...FAST, document: withTopic, timer: false });
    await p.tick();
    await p.advance(20 * MINUTE);
    await p.tick();
    expect(messages(p)).toEqual(['timer-late']);
  });

  it('of a line of the counts that is ahead of the clock, while the day goes on', async () => {
    const p = await startTestFarm({ ...FAST, document: withTopic });
    await p.advance(2 * MINUTE);
    const day = dayKey(p.clock.now());
    const at = floorMinute(p.clock.now()) + 30 * MINUTE;
    const sample = p.text(day).trim().split('\n').at(-1) ?? '';
    const line = `${sample.replace(/^[^,]+,[^,]+/, `${toIso(at)},gone`)}\n`;
    await p.run((services) => services.store.append(day, p.text(day).length, line));
    await p.advance(10 * MINUTE);
    expect(messages(p)).toEqual(['clock']);
    expect(farm(p).alarms).toMatchObject([{ kind: 'clock', text: expect.stringContaining(`a line of gone for ${toIso(at)}`) }]);
    const rows = await p.run((services) => readSeries(services.store, { from: at - DAY, to: at, step: '1m', append: true }));
    expect(rows).toHaveLength(12);
    await p.advance(25 * MINUTE);
    expect(messages(p)).toEqual(['clock', 'over: clock']);
  });

  it('of a hook that is gone, sends no job events, or has no secret', async () => {
    const document = (sandbox: Sandbox) => {
      const { gitlab, smn: _, ...rest } = { gitlab: { url: sandbox.urls.gitlab, scope: { group: GROUP } }, smn: sandbox.smn };
      return { ...rest, ...withTopic(sandbox), gitlab: { ...gitlab, hook_url: `${sandbox.urls.gateway}${HOOK_PATH}` } };
    };
    const p = await startTestFarm({ ...FAST, document });
    const [hook] = [...p.gitlab.hooks.values()];
    if (!hook) throw new Error('no hook');
    await p.advance(12 * MINUTE);
    expect(messages(p)).toEqual([]);
    hook.jobEvents = false;
    await p.advance(11 * MINUTE);
    expect(farm(p).alarms).toMatchObject([{ kind: 'hook', text: expect.stringContaining('job events') }]);
    hook.jobEvents = true;
    Object.assign(hook, { token: undefined, signingToken: undefined });
    await p.advance(11 * MINUTE);
    expect(farm(p).alarms).toMatchObject([{ kind: 'hook', text: expect.stringContaining('neither a secret nor a signing token') }]);
    p.gitlab.hooks.delete(hook.id);
    await p.advance(11 * MINUTE);
    expect(farm(p).alarms).toMatchObject([{ kind: 'hook', text: expect.stringContaining('no hook') }]);
    expect(messages(p)).toEqual(['hook']);
  });

  it('of the caches carries what the manager says', async () => {
    const p = await startTestFarm({ ...FAST, document: withTopic });
    const health = {
      name: 'cache-1',
      at: new Date(p.clock.now()).toISOString().replace(/\.\d+/, ''),
      uptime: 1,
      phase: 'failed',
      reason: 'nfs',
    };
    const rest = { disk: null, start_at: 85, nfs: { active: false, threads: 0, clients: 0 }, prune: null, hashserv: null };
    const mirrors = { count: 0, failed: [], late: [], oldest_seconds: null, unlisted: [] };
    p.bucket().put('manager/v1/cache-1.json', Buffer.from(JSON.stringify({ ...health, ...rest, mirrors })), {});
    await p.advance(8 * MINUTE);
    expect(messages(p)).toEqual(['caches (cache-1)']);
    expect(farm(p).managers).toMatchObject([{ name: 'cache-1', phase: 'failed' }]);
  });

  it('that the topic does not take is tried again, and told once', async () => {
    const p = await startTestFarm({ ...FAST, document: withTopic, timer: false });
    p.faults.inject({ operation: 'smn.publish', times: 2, status: 500 });
    await p.tick();
    await p.advance(20 * MINUTE);
    for (let tick = 0; tick < 4; tick++) {
      await p.tick();
      await p.advance(40_000);
    }
    expect(messages(p)).toEqual(['timer-late']);
    expect(p.logged('alarm not sent; the next tick tries again')).toHaveLength(2);
  });

  it('goes to a webhook as JSON; its address is nowhere', async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (data) => (body += data));
      request.on('end', () => {
        bodies.push(body);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const secret = 'T0KEN-of-the-chat';
    const p = await startTestFarm({
      ...FAST_MACHINES,
      pools: [POOL],
      timer: false,
      secrets: { ALARM_WEBHOOK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/${secret}` },
    });
    await p.tick();
    await p.advance(20 * MINUTE);
    await p.tick();
    expect(JSON.parse(bodies[0] ?? '{}')).toMatchObject({
      text: expect.stringMatching(/^sandbox: timer-late: no tick ran/),
      installation: 'sandbox',
      alarm: { kind: 'timer-late', state: 'raised' },
    });
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    for (let tick = 0; tick < 14; tick++) {
      await p.tick();
      await p.advance(40_000);
    }
    const everything = [...p.logs, ...p.keys('').map((key) => p.text(key))].join('\n');
    expect(everything).toContain('alarm not sent');
    expect(everything).not.toContain(secret);
  });
});

describe('the farm view', () => {
  it('shows workers, waiting jobs and actions, with prices, and no secret', async () => {
    const costs = { currency: 'EUR', flavors: { 'c4.2xlarge.2': 0.5, 'c3.4xlarge.2': 1 } };
    const p = await startTestFarm({ ...FAST, document: { costs } });
    p.push(3);
    await p.advance(3 * MINUTE);
    const view = farm(p);
    expect(view).toMatchObject({ installation: 'sandbox', currency: 'EUR', pools: [{ name: 'pool0', limit: 2 }] });
    expect(view.workers).toHaveLength(2);
    expect(view.workers[0]).toMatchObject({ pool: 'pool0', phase: 'busy', flavor: 'c4.2xlarge.2', costPerHour: 0.5 });
    expect(view.waiting).toHaveLength(1);
    expect(view.actions.filter(({ kind }) => kind === 'launch')).toHaveLength(2);
    expect(p.series().at(-1)?.hourly_cost).toBe('1');

    const since = view.workers[0]?.since;
    await p.advance(MINUTE);
    expect(farm(p).workers[0]?.since).toBe(since);
    const text = p.text(FARM_KEY);
    for (const runner of p.runners()) expect(text).not.toContain(runner.token);
    for (const secret of [...Object.values(p.farm.secrets), p.sandbox.credentials.secretKey, 'Signature='])
      expect(text).not.toContain(secret);
  });

  it('keeps what was seen of a pool that cannot be read, and survives a broken object', async () => {
    const p = await startTestFarm(FAST);
    p.push(1);
    await p.advance(3 * MINUTE);
    p.faults.inject({ operation: 'ecs.list', times: EVER, status: 500 });
    await p.advance(2 * MINUTE);
    expect(farm(p).workers).toHaveLength(1);
    p.faults.clear();
    p.bucket().put(FARM_KEY, Buffer.from('{'), {});
    await p.advance(MINUTE);
    expect(farm(p).version).toBe(1);
  });
});
