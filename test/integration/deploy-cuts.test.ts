import { expect, it } from 'vitest';
import { loadConfig } from '../../cli/shared/environment.ts';
import { deploy } from '../../deploy/commands/deploy.ts';
import { remove as removeNow } from '../../deploy/commands/remove.ts';
import type { DeployInputs } from '../../deploy/inputs/deployment.ts';
import type { Bundles } from '../../deploy/inputs/package.ts';
import { Images } from '../../lib/app/workers/images.ts';
import { Launcher } from '../../lib/app/workers/launch.ts';
import { readSecrets } from '../../lib/config/secrets.ts';
import { EMPTY_POOL_STATE } from '../../lib/core/launches/types.ts';
import { SecretCredentials } from '../../lib/otc/credentials.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { composeServices } from '../../lib/runtime/compose.ts';
import { startDeadline } from '../../lib/runtime/deadline.ts';
import { createLog } from '../../lib/runtime/log.ts';
import type { Fault } from '../../sandbox/faults.ts';
import { NEW_GATEWAY } from '../unit/deploy/builders.ts';
import { type DeployBench, deployBench, deployedState } from './deploy-bench.ts';

const code = Buffer.from('exports.handler = async () => ({ ok: true });');
const BUNDLES: Bundles = { webhook: code, scaler: code, reaper: code };

/** Without the time that passes under way are given. */
const remove = (inputs: DeployInputs, sleep: (ms: number) => Promise<void> = async () => undefined) => removeNow(inputs, { sleep });

/** Always the same secrets: their digest is part of what is compared. */
async function bench(): Promise<DeployBench> {
  const made = await deployBench({
    bundles: BUNDLES,
    sandbox: { times: { acceptMs: 0, listLagMs: 0 } },
    provider: ({ gatewayId }) => ({ gateway: { id: gatewayId, domain: 'hooks.example.com' }, tags: { team: 'ci' } }),
  });
  Object.assign(made.env, { HOOK_TOKENS: 'a-token-of-hooks', GITLAB_TOKEN: 'a-token-of-gitlab' });
  return made;
}

/** The configuration in the zip names the sandbox's ports. */
function stateOf({ sandbox }: DeployBench) {
  const { functions, ...others } = deployedState(sandbox);
  return { ...others, functions: functions.map(({ digest: _, ...of }) => of) };
}

/** Lets the first `reads` calls pass and hits the next: as often as a call that may be repeated is. */
function cutAfter({ sandbox }: DeployBench, reads: number, kind: Fault['kind']): void {
  const { faults } = sandbox.ctx;
  faults.clear();
  faults.inject({ operation: '*', times: reads, kind: 'delay', delayMs: 0 });
  faults.inject({ operation: '*', times: 3, ...(kind && { kind }) });
}

/** How many calls a look takes. */
async function readsOf(at: DeployBench): Promise<number> {
  const { faults } = at.sandbox.ctx;
  faults.clear();
  const before = faults.calls();
  await deploy(at.inputs(), { dryRun: true });
  return faults.calls() - before;
}

/** Runs until nothing fails any more, each time cut at the first change: before it reached OTC, and then when the answer was lost. */
async function cutEverywhere(at: DeployBench, run: () => Promise<void>, reads: () => Promise<number>): Promise<number> {
  for (let cuts = 0; cuts < 200; cuts++) {
    cutAfter(at, await reads(), cuts % 2 === 0 ? 'reset' : 'lost');
    const failed = await run().then(
      () => undefined,
      (error: unknown) => error,
    );
    at.sandbox.ctx.faults.clear();
    if (failed === undefined) return cuts;
    expect(String(failed)).toMatch(/^Error: step 1 of \d+ failed: .*\n.*no answer.*\nNo step was done before it/);
  }
  throw new Error('it never ended');
}

it('a deployment that is cut at every change, before it and after it, ends in the state of one that was not', async () => {
  const whole = await bench();
  await deploy(whole.inputs());
  const cut = await bench();
  const cuts = await cutEverywhere(
    cut,
    () => deploy(cut.inputs()),
    () => readsOf(cut),
  );
  // Two for each of the steps but the bucket's, whose calls may be repeated.
  expect(cuts).toBeGreaterThan(40);
  expect(stateOf(cut)).toEqual(stateOf(whole));
  cut.said.length = 0;
  await deploy(cut.inputs());
  expect(cut.said.at(-1)).toMatch(/^Nothing to do/);
});

it('so does one that makes a gateway, too, and there is never a second one', async () => {
  const at = await bench();
  Object.assign(at.provider, { gateway: { create: NEW_GATEWAY, domain: 'hooks.example.com' } });
  at.sandbox.apig.buildMs = 0;
  at.sandbox.apig.deleteMs = 0;
  const cuts = await cutEverywhere(
    at,
    () => deploy(at.inputs()),
    () => readsOf(at),
  );
  expect(cuts).toBeGreaterThan(40);
  expect(stateOf(at).gateways).toEqual([
    ['gateway', 'Running'],
    ['gl-scaler-prod', 'Running'],
  ]);
  for (const kind of ['reset', 'lost'] as const) {
    at.sandbox.ctx.faults.inject({ operation: 'apig.instance-delete', times: 1, kind });
    await expect(remove(at.inputs())).rejects.toThrow(/^step \d+ of \d+ failed/);
  }
  await remove(at.inputs());
  expect(stateOf(at)).toMatchObject({ functions: [], groups: [], gateways: [['gateway', 'Running']] });
});

it('a removal that is cut at every kind of change, before it and after it, leaves nothing but the counts', async () => {
  const at = await bench();
  await deploy(at.inputs());
  const { sandbox } = at;
  const { faults } = sandbox.ctx;
  const bucket = sandbox.obs.bucket(sandbox.bucket);
  for (const key of ['handoff/v1/a.toml', 'state/v1/pools/a.json', 'counts/v1/latest.json', 'ledger/v1/a.ndjson']) {
    bucket.put(key, Buffer.from('x'), {});
  }
  const changes = ['fgs.trigger-delete', 'fgs.delete', 'apig.domain-unbind', 'apig.group-delete', 'lts.group-delete'];
  for (const operation of [...changes, 'iam.agency-delete', 'iam.role-delete']) {
    for (const kind of ['reset', 'lost'] as const) {
      faults.inject({ operation, times: 1, kind });
      await expect(remove(at.inputs())).rejects.toThrow(/^step \d+ of \d+ failed/);
    }
  }
  await remove(at.inputs());
  const { lifecycle, ...left } = stateOf(at);
  expect(left).toEqual({ functions: [], agencies: [], policies: [], logs: [], groups: [], gateways: [['gateway', 'Running']] });
  expect(lifecycle).toContain('handoff/');
  const { objects } = bucket.list({ prefix: '', delimiter: '', from: '', maxKeys: 100 });
  expect(objects.map(({ key }) => key)).toEqual(['counts/v1/latest.json', 'ledger/v1/a.ndjson']);
  await remove(at.inputs());
});

/** The end of a pass that had decided before. */
async function launchOne({ dir, sandbox }: DeployBench): Promise<void> {
  const config = loadConfig(`${dir}/scaler.yml`);
  const { accessKey, secretKey } = sandbox.credentials;
  const token = sandbox.gitlab.createToken({ scopes: ['api'], admin: true }).value;
  const services = composeServices({
    config,
    secrets: readSecrets((key) => (key === 'GITLAB_TOKEN' ? token : undefined)),
    credentials: new SecretCredentials(accessKey, secretKey),
    clock: systemClock,
    log: createLog({ clock: systemClock, write: () => undefined }),
  });
  const [pool] = config.settings.pools;
  if (!pool) throw new Error('no pool');
  const { deadline, end } = startDeadline(10_000);
  const images = new Images(services.cloud, deadline.act);
  const pass = { id: services.ulid(systemClock.now()), trigger: 'hook', time: systemClock.now() } as const;
  const context = { services, settings: config.settings, deadline, pass };
  const launcher = new Launcher(context, { settings: pool, memory: EMPTY_POOL_STATE, images, machines: 0 });
  const launched = await launcher.launch({ kind: 'launch', why: 'idle-target' });
  end();
  expect(launched).toMatchObject({ outcome: 'done' });
}

it('a removal beside another deployment of the same farm refuses while workers exist, drain or not', async () => {
  const at = await bench();
  Object.assign(at.provider, { gateway: 'none' });
  const { deployed } = at.sandbox;
  await deploy(at.inputs({ stage: 'dev' }));
  const marked = deployed.all().map((f) => [f, f.config.description] as const);
  // As if the two had been deployed before there were marks.
  for (const [f] of marked) f.config.description = '';
  await deploy(at.inputs());
  for (const [f, description] of marked) f.config.description = description;
  await launchOne(at);
  for (const drain of [false, true])
    await expect(removeNow(at.inputs(), { drain })).rejects.toThrow(/1 worker exists.*gl-scaler-dev uses the same bucket/);
  expect(deployed.all().map(({ name }) => name)).toContain('gl-scaler-prod-reaper');
});

it('a removal waits for passes that run still, and keeps the functions when one of them has launched', async () => {
  const at = await bench();
  await deploy(at.inputs());
  const waited: number[] = [];
  const launching = remove(at.inputs(), async (ms) => {
    waited.push(ms);
    await launchOne(at);
  });
  await expect(launching).rejects.toThrow(/1 worker exists.*osls deploy, and then osls remove --drain/);
  // As long as a function may run, and a VM may be listed late.
  expect(waited).toEqual([expect.closeTo(70_000, -4)]);
  expect(deployedState(at.sandbox).functions).toHaveLength(3);
  // Those that begin meanwhile launch nothing.
  expect(at.sandbox.obs.bucket(at.sandbox.bucket).list({ prefix: 'control/', delimiter: '', from: '', maxKeys: 9 }).objects).toMatchObject([
    { key: 'control/v1/drain/_all.json' },
  ]);
});

it.each(['fgs.list', 'fgs.triggers', 'iam.roles', 'lts.groups', 'apig.group', 'obs.*'])(
  'when %s cannot be read nothing is changed',
  async (operation) => {
    const at = await bench();
    await deploy(at.inputs());
    at.functions.reaper = { ...at.functions.reaper, memorySize: 1024 };
    const before = stateOf(at);
    at.sandbox.ctx.faults.inject({ operation, times: 100, status: 503 });
    await expect(deploy(at.inputs())).rejects.toThrow(operation.replace('*', ''));
    expect(stateOf(at)).toEqual(before);
  },
);
