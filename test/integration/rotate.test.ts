import { describe, expect, it } from 'vitest';
import type { ServicesInputs } from '../../lib/runtime/compose.ts';
import { GROUP } from '../../testkit/farm.ts';
import {
  FAST_MACHINES,
  HOUR,
  impatientServices,
  MINUTE,
  SECOND,
  startTestFarm,
  type TestFarm,
  type TestFarmOptions,
} from '../../testkit/test-farm.ts';

const POOL = { limit: 6, idle_time: 20, max_builds: 1, boot_timeout: 60 };
const SCOPES = ['read_api', 'create_runner', 'manage_runner'];

const newToken = (p: TestFarm) => p.gitlab.createToken({ scopes: SCOPES, roles: { [GROUP]: 50 } });

/** What a deployment with another GITLAB_TOKEN does to a function: new instances with the new secrets; a running call ends with the old ones. */
function deployToken(p: TestFarm, name: 'scaler' | 'reaper', value: string): void {
  p.sandbox.functions.configure(name, { userData: { ...p.farm.secrets, GITLAB_TOKEN: value } });
}

function revokeOld(p: TestFarm): void {
  const old = p.gitlab.tokens.get(p.farm.secrets.GITLAB_TOKEN ?? '');
  if (!old) throw new Error('the farm has no token');
  old.revoked = true;
}

/** A job each half minute, for as long. */
function stream(p: TestFarm, ms: number): void {
  for (let at = 0; at < ms; at += 30 * SECOND) p.clock.after(at, () => void p.push([{ durationMs: 40 * SECOND }]));
}

const farm = (options: TestFarmOptions = {}) =>
  startTestFarm({ ...FAST_MACHINES, pools: [POOL], composeServices: impatientServices(), ...options });
const refusals = (p: TestFarm) =>
  p.logs.filter((line) => /"code":"(401|invalid_token|unauthorized|http-401|APIG\.0301)"|\b401\b/i.test(line));
const unserved = (p: TestFarm) => p.jobs().filter(({ status }) => status !== 'success').length;
/** From a job's creation to its start, in seconds; the longest. */
const longestWait = (p: TestFarm) => Math.max(...p.jobs().map((job) => ((job.startedAt ?? Number.NaN) - job.createdAt) / SECOND));

describe('GITLAB_TOKEN is replaced while jobs come', () => {
  it('new one made, both functions deployed one after the other, old one revoked: no call is refused, no job waits longer', async () => {
    const p = await farm();
    const fresh = newToken(p).value;
    stream(p, 30 * MINUTE);
    p.clock.after(10 * MINUTE + 3 * SECOND, () => deployToken(p, 'scaler', fresh));
    p.clock.after(12 * MINUTE + 1 * SECOND, () => deployToken(p, 'reaper', fresh));
    p.clock.after(13 * MINUTE, () => revokeOld(p));
    await p.advance(40 * MINUTE);
    expect([p.jobs().length, unserved(p), refusals(p), p.gitlab.killedJobs]).toEqual([60, 0, [], []]);
    expect(longestWait(p)).toBeLessThan(MINUTE / SECOND);
    // Runners that the old token made are taken away with the new one.
    expect([p.vms().length, p.runners().length, p.keys('handoff/')]).toEqual([0, 0, []]);
  });

  it('old one revoked too early: jobs wait for the deployment, nothing is killed, deleted or forgotten, and all are served', async () => {
    const p = await farm();
    const fresh = newToken(p).value;
    stream(p, 10 * MINUTE);
    p.clock.after(4 * MINUTE + 3 * SECOND, () => revokeOld(p));
    await p.advance(5 * MINUTE);
    const [created, deleted] = [p.count('server-created'), p.count('server-deleted')];
    await p.advance(5 * MINUTE);
    expect([p.count('server-created'), p.count('server-deleted')]).toEqual([created, deleted]);
    expect(refusals(p).length).toBeGreaterThan(0);
    for (const name of ['scaler', 'reaper'] as const) deployToken(p, name, fresh);
    await p.advance(15 * MINUTE);
    expect([p.jobs().length, unserved(p), p.gitlab.killedJobs, p.vms().length, p.runners().length]).toEqual([20, 0, [], 0, 0]);
  });
});

describe('the keys of the agency', () => {
  it('that have run out between two calls of a warm instance are not used again', async () => {
    const keys: string[] = [];
    const compose = impatientServices();
    const p = await farm({
      timer: false,
      composeServices: (inputs: ServicesInputs) => {
        keys.push(inputs.credentials.accessKey);
        return compose(inputs);
      },
    });
    for (const name of ['webhook', 'scaler', 'reaper'] as const) {
      const definition = p.sandbox.functions.definition(name);
      // One handler for every instance: whatever a module keeps is kept, as if the instance had never been idle for too long.
      if (definition) p.sandbox.functions.configure(name, { load: () => definition.handler });
    }
    p.push([{ durationMs: 40 * SECOND }]);
    await p.advance(5 * MINUTE);
    await p.tick();
    // They live for a day (FunctionGraph user guide, "Configuring Agency Permissions").
    await p.advance(25 * HOUR);
    const before = new Set(keys);
    p.push([{ durationMs: 40 * SECOND }]);
    await p.advance(2 * SECOND);
    expect(p.count('server-created')).toBe(2);
    await p.advance(5 * MINUTE);
    await p.tick();
    const after = keys.filter((key) => !before.has(key));
    expect([before.size > 0, after.length > 1, unserved(p), refusals(p)]).toEqual([true, true, 0, []]);
  });
});

describe("a worker's runner token", () => {
  it('is good for its worker, and for nothing when that is gone', async () => {
    const p = await farm();
    const verify = (token: string) =>
      fetch(`${p.sandbox.urls.gitlab}/api/v4/runners/verify`, { method: 'POST', body: new URLSearchParams({ token }) });
    p.push(1);
    await p.advance(2 * MINUTE);
    const [token = ''] = p.runners().map((runner) => runner.token);
    expect((await verify(token)).status).toBe(200);
    await p.advance(15 * MINUTE);
    expect([p.runners().length, (await verify(token)).status]).toEqual([0, 403]);
  });
});
