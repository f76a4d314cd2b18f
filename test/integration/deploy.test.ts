import { describe, expect, it } from 'vitest';
import { GROUP } from '../../cli/farm.ts';
import { hook } from '../../cli/hook.ts';
import { loadConfig } from '../../cli/session.ts';
import { HookAdmin } from '../../lib/gitlab/hook-admin.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { SandboxEvent } from '../../sandbox/context.ts';
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

/** As a person does after a deployment, but at the address that the sandbox listens on. */
async function installHook({ sandbox, dir, env, said }: DeployBench): Promise<number> {
  const config = loadConfig(`${dir}/scaler.yml`);
  const forge = new HookAdmin({ url: sandbox.urls.gitlab, token: env.GITLAB_TOKEN ?? '', clock: systemClock });
  const say = (text: string) => void said.push(text);
  const options = { url: `${sandbox.urls.gateway}/gitlab`, secrets: `${dir}/secrets.env` };
  return await hook('install', options, config, forge, { json: false, data: say, say });
}

function pushJob({ sandbox }: DeployBench): void {
  sandbox.gitlab.createProject?.(`${GROUP}/product`);
  sandbox.gitlab.createPipeline(`${GROUP}/product`, [{ name: 'build', tags: ['pool0'], durationMs: 600_000 }]);
}

describe('osls', () => {
  it('deploys, finds nothing to do, serves hooks, and removes all but the counts', async () => {
    const { bench, happened } = await watched({ provider: withGateway });
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

    expect(await installHook(bench)).toBe(0);
    pushJob(bench);
    await happened('server-created');
    expect(sandbox.ecs.all().map((vm) => vm.order.metadata['managed-by'])).toEqual(['sandbox']);

    const early = await osls.run('remove');
    expect([early.code, early.out]).toEqual([1, expect.stringMatching(/1 workers exist.*pool0-.*osls remove --drain/)]);
  });
});
