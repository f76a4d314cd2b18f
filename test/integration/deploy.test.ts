import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../cli/shared/environment.ts';
import { hook } from '../../cli/shared/hooks.ts';
import { invoke } from '../../deploy/commands/invoke.ts';
import { HookAdmin } from '../../lib/gitlab/hooks/admin.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { SandboxEvent } from '../../sandbox/context.ts';
import { GROUP } from '../../testkit/farm.ts';
import { type BenchOptions, type DeployBench, deployBench, deployedState } from './deploy-bench.ts';
import { Osls } from './osls-process.ts';

const QUICK = { times: { acceptMs: 50, buildMs: 300, deleteMs: 50, listLagMs: 50 }, worker: { bootMs: 300 } };

/** A sandbox whose happenings can be waited for. */
async function watched(options: BenchOptions = {}) {
  const events: SandboxEvent[] = [];
  const waiting = new Set<() => void>();
  const onEvent = (event: SandboxEvent) => {
    events.push(event);
    for (const look of waiting) look();
  };
  const bench = await deployBench({ ...options, sandbox: { ...QUICK, onEvent, ...options.sandbox } });
  const happened = (kind: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (events.some((event) => event.kind === kind)) resolve();
      };
      waiting.add(look);
      look();
    });
  return { bench, events, happened };
}

const withGateway: BenchOptions['provider'] = ({ gatewayId }) => ({ gateway: { id: gatewayId } });
/** The address at which the sandbox's gateway listens, in place of the group's own. */
const withHookUrl: BenchOptions['document'] = ({ urls }) => ({
  gitlab: { url: urls.gitlab, scope: { group: GROUP }, hook_url: `${urls.gateway}/gitlab` },
});

/** As a person does after a deployment. */
async function installHook({ dir, env, said }: DeployBench): Promise<number> {
  const config = loadConfig(`${dir}/scaler.yml`);
  const forge = new HookAdmin({ url: config.settings.gitlabUrl, token: env.GITLAB_TOKEN ?? '', clock: systemClock });
  const say = (text: string) => void said.push(text);
  return await hook('install', { secrets: `${dir}/secrets.env` }, config, forge, { json: false, data: say, say });
}

function keysOf({ sandbox }: DeployBench): readonly string[] {
  const { objects } = sandbox.obs.bucket(sandbox.bucket).list({ prefix: '', delimiter: '', from: '', maxKeys: 1000 });
  return objects.map(({ key }) => key);
}

describe('osls', () => {
  it('deploys, finds nothing to do, serves hooks and ticks, and removes all but the counts', async () => {
    // A worker leaves a second after its last job.
    // The removal waits as long as a function may run.
    const functions = { scaler: { timeout: 10 }, reaper: { timeout: 10 } };
    const { bench, happened } = await watched({ provider: withGateway, document: withHookUrl, functions, pools: [{ idle_time: 1 }] });
    const { sandbox } = bench;
    const osls = new Osls(bench);

    const planned = await osls.run('deploy', '--dry-run');
    expect(planned).toMatchObject({ code: 0, out: expect.stringContaining('create the agency gl-scaler-prod for FunctionGraph') });
    expect(deployedState(sandbox)).toMatchObject({ functions: [], agencies: [], groups: [], logs: [] });

    const first = await osls.run('deploy');
    expect([first.code, first.err]).toEqual([
      0,
      expect.stringMatching(/gl-scaler-prod is deployed\.[\s\S]*Hooks go to https:\/\/.*\/gitlab/),
    ]);
    const second = await osls.run('deploy');
    expect([second.code, second.err]).toEqual([0, expect.stringContaining('Nothing to do')]);

    // osls itself adds to what it has read for this command.
    const local = await osls.run('invoke', 'local', '-f', 'reaper');
    expect([local.code, local.out]).toEqual([0, expect.stringContaining('"turnstile": "ran"')]);

    expect(await installHook(bench)).toBe(0);
    sandbox.gitlab.createPipeline(`${GROUP}/product`, [{ name: 'build', tags: ['pool0'], durationMs: 1000 }]);
    await happened('server-created');
    expect(sandbox.ecs.all().map((vm) => vm.order.metadata['managed-by'])).toEqual(['sandbox']);

    const early = await osls.run('remove');
    expect([early.code, early.out]).toEqual([1, expect.stringMatching(/1 worker exists.*pool0-.*osls remove --drain/)]);
    expect(deployedState(sandbox).functions).toHaveLength(3);

    const last = osls.start('remove', '--drain');
    await last.said('waiting for 1 worker');
    while (sandbox.ecs.all().length > 0) await invoke(bench.inputs(), { function: 'reaper' });
    expect(bench.data.at(-1)).toContain('"ok": true');
    expect(await last.ended).toMatchObject({ code: 0, err: expect.stringContaining('gl-scaler-prod is removed') });
    expect(deployedState(sandbox)).toMatchObject({ functions: [], agencies: [], policies: [], logs: [], groups: [] });
    expect([...sandbox.gitlab.hooks.values()]).toEqual([]);
    expect(new Set(keysOf(bench).map((key) => key.split('/')[0]))).toEqual(new Set(['counts', 'ledger']));
  });

  it('that is killed while it waits for a change is mended by the next one', async () => {
    const { bench } = await watched({ provider: withGateway });
    const { sandbox } = bench;
    const osls = new Osls(bench);
    for (const [operation, step, signal] of [
      ['iam.agency-create', 'create the agency', 'SIGKILL'],
      ['fgs.trigger-create', 'gl-scaler-prod-reaper: timer', 'SIGKILL'],
      ['fgs.trigger-create', 'gl-scaler-prod-reaper: timer', 'SIGINT'],
    ] as const) {
      sandbox.ctx.faults.inject({ operation, times: 1, kind: 'hang' });
      const killed = osls.start('deploy');
      await killed.said(step);
      killed.child.kill(signal);
      const told = signal === 'SIGINT' && { code: 130, signal: null, err: expect.stringContaining('run the same command again') };
      expect(await killed.ended).toMatchObject(told || { code: null, signal });
      sandbox.ctx.faults.clear();
    }
    expect(await osls.run('deploy')).toMatchObject({ code: 0, err: expect.stringContaining('gl-scaler-prod is deployed') });
    expect(await osls.run('deploy')).toMatchObject({ code: 0, err: expect.stringContaining('Nothing to do') });
    expect(deployedState(sandbox)).toMatchObject({
      agencies: [['gl-scaler-prod', ['gl-scaler-prod-project'], ['gl-scaler-prod-account']]],
    });
  });

  it.each<[name: string, mistake: Readonly<Record<string, unknown>>, said: RegExp]>([
    ['an unknown key', { agncy: 1 }, /Configuration error at 'provider': unrecognized property 'agncy'/],
    ['an agency that does not exist', { agency: { name: 'mine' } }, /the agency mine does not exist/],
  ])('says in a line what is wrong in serverless.yml: %s', async (_, mistake, said) => {
    const { bench } = await watched({ provider: { gateway: 'none', ...mistake } });
    const { code, out, err } = await new Osls(bench).run('deploy');
    expect([code, `${out}${err}`]).toEqual([1, expect.stringMatching(said)]);
    expect(`${out}${err}`).not.toMatch(/\n\s+at /);
    expect(deployedState(bench.sandbox).functions).toEqual([]);
  });
});
