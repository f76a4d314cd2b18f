import { describe, expect, it } from 'vitest';
import { GITLAB_CALLS } from '../../lib/gitlab/calls.ts';
import { type Caller, OTC_CALLS } from '../../lib/otc/calls.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { GROUP, HOOK_PATH } from '../../testkit/farm.ts';
import {
  FAST_MACHINES,
  impatientServices,
  MINUTE,
  neverRan,
  PROJECT,
  SECOND,
  startTestFarm,
  type TestFarm,
  type TestFarmOptions,
} from '../../testkit/test-farm.ts';

type FunctionName = Exclude<Caller, 'cli' | 'deploy'>;

/** Scopes of the documentation; nothing else is asked of whoever makes the token. */
const SCOPES = ['read_api', 'create_runner', 'manage_runner'];
/** What the sandbox calls otherwise: one path of OTC's API, two purposes of ours. */
const SANDBOX_NAMES: Readonly<Record<string, string>> = { 'functiongraph.wake': 'fgs.invoke-async', 'functiongraph.config': 'fgs.config' };
/** Calls that are not the scaler's: workers' runners, and deliveries to the gateway. */
const NOT_OURS = /^gateway\.|^gitlab\.(register|verify|unregister|job-request|job-update|job-trace|trace|runner-delete-self)$/;

/** Calls that a day like these does not need, and when they are made. */
const ON_DEMAND = {
  'ecs.quotas': 'an order was refused for a quota before (test/integration/refusals.test.ts)',
  'gitlab.group': 'the list of runners did not tell the id of the group (test/unit/gitlab/client.test.ts)',
  'gitlab.project': 'the same, of a project',
  'obs.head': 'a range was refused without a word about the size (test/unit/otc/obs/client.test.ts)',
} as const;

const OTC = Object.entries(OTC_CALLS as Readonly<Record<string, { readonly usedBy: readonly string[] }>>);
const GITLAB = Object.entries(GITLAB_CALLS as Readonly<Record<string, { readonly usedBy: readonly string[] }>>);

/** The sandbox's names of what these functions may call. */
function allowed(...functions: readonly FunctionName[]): readonly string[] {
  const used = [...OTC, ...GITLAB].filter(([, { usedBy }]) => functions.some((name) => usedBy.includes(name)));
  return [...new Set(used.map(([name]) => SANDBOX_NAMES[name] ?? name))].toSorted();
}

const called = (p: TestFarm) => p.faults.operations().filter((operation) => !NOT_OURS.test(operation));
const beyond = (p: TestFarm, names: readonly string[]) => called(p).filter((operation) => !names.includes(operation));

/** The token of exactly the documented rights, and every feature that makes calls of its own. */
async function farm(options: TestFarmOptions = {}, { admin = false, scopes = SCOPES } = {}): Promise<TestFarm> {
  const document = ({ urls, smn, region, projectId }: Sandbox) => ({
    gitlab: { url: urls.gitlab, scope: options.scope ?? { group: GROUP }, hook_url: `${urls.gateway}${HOOK_PATH}` },
    alarms: { oldest_pending: '10m', smn_topic: smn.createTopic(region, projectId, 'ci-alarms') },
  });
  const p = await startTestFarm({
    ...FAST_MACHINES,
    pools: [{ limit: 4, idle_time: 20, max_builds: 1, boot_timeout: 60, machine: { public_ip: { bandwidth: 10 } } }],
    document,
    composeServices: impatientServices(),
    ...options,
  });
  const token = p.gitlab.createToken({ scopes, admin, roles: { [GROUP]: 50 } }).value;
  for (const name of ['scaler', 'reaper']) p.sandbox.functions.configure(name, { userData: { ...p.farm.secrets, GITLAB_TOKEN: token } });
  return p;
}

/** Demand by hook, a create that is not answered, one that fails after it was accepted, an alarm. */
async function day(p: TestFarm): Promise<void> {
  const job = (): void => void p.push([{ durationMs: 40 * SECOND }, { durationMs: 30 * SECOND }]);
  job();
  p.clock.after(10 * MINUTE, () => p.faults.inject({ operation: 'ecs.create', times: 1, kind: 'lost' }));
  p.clock.after(10 * MINUTE + SECOND, job);
  p.clock.after(15 * MINUTE, () => p.sandbox.ecs.sellOut('c4.2xlarge.2', 'eu-de-01', { async: true }));
  p.clock.after(15 * MINUTE + SECOND, job);
  p.clock.after(25 * MINUTE, () => p.sandbox.ecs.restock());
  p.clock.after(30 * MINUTE, () => p.faults.inject({ operation: 'ecs.create', times: 40, status: 403, code: 'Ecs.0010' }));
  p.clock.after(30 * MINUTE + SECOND, job);
  p.clock.after(36 * MINUTE, () => p.faults.clear());
  await p.advance(50 * MINUTE);
}

/** More idle workers than the pool keeps, and a VM without a runner. */
async function removals(p: TestFarm): Promise<void> {
  p.push(Array.from({ length: 3 }, () => ({ durationMs: 30 * SECOND })));
  await p.advance(2 * MINUTE);
  neverRan(p);
  await p.advance(8 * MINUTE);
}

async function oneJob(p: TestFarm): Promise<void> {
  p.push([{ durationMs: 40 * SECOND }]);
  await p.advance(6 * MINUTE);
}

interface Scenario {
  readonly name: string;
  readonly functions: readonly FunctionName[];
  readonly options?: TestFarmOptions;
  readonly admin?: boolean;
  readonly live: (p: TestFarm) => Promise<void>;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'all three functions', functions: ['webhook', 'scaler', 'reaper'], live: day },
  { name: 'hooks alone', functions: ['webhook', 'scaler'], options: { timer: false }, live: day },
  { name: 'the timer alone', functions: ['reaper'], options: { hooks: false }, live: day },
  {
    name: 'removals',
    functions: ['reaper'],
    options: { hooks: false, pools: [{ limit: 4, idle_count: 1, idle_time: 20, boot_timeout: 60 }] },
    live: removals,
  },
  { name: 'a project', functions: ['webhook', 'scaler', 'reaper'], options: { scope: { project: PROJECT } }, live: oneJob },
  {
    name: 'the whole installation',
    functions: ['webhook', 'scaler', 'reaper'],
    options: { scope: { instance: true } },
    admin: true,
    live: oneJob,
  },
];

describe('the rights of the documentation', () => {
  it('are enough, no function makes a call that it was not written down for, and each call that was written down is made', async () => {
    const seen = new Set<string>();
    for (const { name, functions, options, admin = false, live } of SCENARIOS) {
      const p = await farm(options, { admin });
      await live(p);
      const ended = p.jobs().every(({ status }) => status === 'success');
      // Without the timer nothing repairs what went wrong.
      expect({ name, ended, unread: p.logged('hook not looked at') }).toEqual({ name, ended: functions.includes('reaper'), unread: [] });
      expect({ name, beyond: beyond(p, allowed(...functions)) }).toEqual({ name, beyond: [] });
      for (const operation of called(p)) seen.add(operation);
    }
    const unseen = allowed('webhook', 'scaler', 'reaper').filter((operation) => !seen.has(operation));
    expect(unseen).toEqual(Object.keys(ON_DEMAND).toSorted());
  });

  it.each([
    { without: 'read_api', made: 0, left: 0 },
    { without: 'create_runner', made: 0, left: 0 },
    // Runners are made, serve their job, and nobody may delete them.
    { without: 'manage_runner', made: 1, left: 1 },
  ])('are not enough without $without', async ({ without, made, left }) => {
    const p = await farm({}, { scopes: SCOPES.filter((scope) => scope !== without) });
    p.push([{ durationMs: 30 * SECOND }]);
    await p.advance(6 * MINUTE);
    expect([p.count('runner-created'), p.runners().length]).toEqual([made, left]);
  });

  it.each(Object.entries(GITLAB_CALLS))(
    'name for %s a scope of the documentation, and api for nothing but changing hooks',
    (name, { scopes }) => {
      const wanted = /^gitlab\.hook-(create|update|delete|test)$/.test(name) ? ['api'] : SCOPES;
      expect(scopes.filter((scope) => !wanted.includes(scope))).toEqual([]);
    },
  );
});
