import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deploy } from '../../deploy/commands/deploy.ts';
import { explain } from '../../deploy/commands/index.ts';
import { info } from '../../deploy/commands/info.ts';
import { invoke, invokeLocal } from '../../deploy/commands/invoke.ts';
import { logs } from '../../deploy/commands/logs.ts';
import { remove } from '../../deploy/commands/remove.ts';
import type { DeployInputs } from '../../deploy/inputs/deployment.ts';
import type { Bundles } from '../../deploy/inputs/package.ts';
import { GROUP } from '../../testkit/farm.ts';
import { type BenchOptions, type DeployBench, deployBench, deployedState } from './deploy-bench.ts';

/** Says what it was given; fails when it is told to. */
const code = Buffer.from(`
  exports.handler = async (event, context) => {
    console.log('called with ' + JSON.stringify(event));
    if (event.fail) throw new Error('told to fail');
    if (event.unwell) return { ok: false };
    return { event, name: context.getFunctionName(), secret: typeof context.getUserData('GITLAB_TOKEN') };
  };`);
const BUNDLES: Bundles = { webhook: code, scaler: code, reaper: code };

const started = (options: BenchOptions = {}) =>
  deployBench({ bundles: BUNDLES, provider: ({ gatewayId }) => ({ gateway: { id: gatewayId }, tags: { team: 'ci' } }), ...options });

/** The steps of one more deployment. */
async function stepsOf(bench: DeployBench, more: Partial<DeployInputs> = {}): Promise<readonly string[]> {
  bench.said.length = 0;
  await deploy(bench.inputs(more));
  return bench.said.flatMap((line) => /^\[\d+\/\d+\] (.*)/.exec(line)?.[1] ?? []);
}

describe('a deployment of what has changed', () => {
  it.each<[name: string, change: (bench: DeployBench) => void, steps: readonly string[]]>([
    ['a secret', ({ env }) => Object.assign(env, { GITLAB_TOKEN: 'glpat-new' }), ['scaler: new secrets', 'reaper: new secrets']],
    ['memory', ({ functions }) => Object.assign(functions.reaper ?? {}, { memorySize: 1024 }), ['reaper: memory MB 512 → 1024']],
    ['the limit', ({ functions }) => Object.assign(functions.reaper ?? {}, { maxInstances: 1 }), ['reaper: at most 1 instance (now 2)']],
    [
      'the schedule',
      ({ functions }) => Object.assign(functions.reaper ?? {}, { events: [{ timer: { rate: '2m' } }] }),
      ['reaper: remove the trigger gl-scaler-prod-reaper, which differs from serverless.yml', 'reaper: timer 2m'],
    ],
    [
      'tags',
      ({ provider }) => Object.assign(provider, { tags: {} }),
      ['scaler', 'reaper', 'webhook'].map((key) => `${key}: remove the tags team`),
    ],
    [
      'the gateway, to none',
      ({ provider }) => Object.assign(provider, { gateway: 'none' }),
      [
        'reaper: new code or configuration',
        'webhook: remove the trigger gl_scaler_prod_webhook',
        'remove the API group gl_scaler_prod from the gateway gateway',
        'remove the function gl-scaler-prod-webhook, which is no longer configured',
        'remove the function gl-scaler-prod-scaler, which is no longer configured',
      ],
    ],
  ])('%s', async (_, change, steps) => {
    const bench = await started();
    await deploy(bench.inputs());
    change(bench);
    const done = (await stepsOf(bench)).map((line) => line.replace(/^gl-scaler-prod-(?=\w+:)/, ''));
    expect(done.toSorted()).toEqual(steps.toSorted());
    expect(await stepsOf(bench)).toEqual([]);
  });

  it('opens the counts to whom serverless.yml names, nothing else, and closes them again', async () => {
    const bench = await started({ provider: { gateway: 'none', bucket: { create: true, countsFor: 'everybody' } } });
    const { sandbox, provider } = bench;
    const read = async (key: string) => (await fetch(`${sandbox.urls.obs}/${sandbox.bucket}/${key}`)).status;
    expect(await stepsOf(bench)).toContain('let everybody read counts/ of ci-fleet without a key');
    for (const key of ['counts/v1/latest.json', 'state/v1/a.json', 'index.html'])
      sandbox.obs.bucket(sandbox.bucket).put(key, Buffer.from('{}'), {});
    expect([await read('counts/v1/latest.json'), await read('state/v1/a.json'), await read('index.html')]).toEqual([200, 403, 403]);
    expect(await stepsOf(bench)).toEqual([]);
    Object.assign(provider, { bucket: { create: true } });
    expect(await stepsOf(bench)).toEqual(['stop others from reading counts/ of ci-fleet without a key']);
    expect(await read('counts/v1/latest.json')).toBe(403);
  });

  it('of one function alone', async () => {
    const bench = await started();
    await expect(deploy(bench.inputs(), { only: 'reaper' })).rejects.toThrow('Run osls deploy.');
    await deploy(bench.inputs());
    Object.assign(bench.functions.reaper ?? {}, { timeout: 50 });
    Object.assign(bench.functions.scaler ?? {}, { timeout: 50 });
    await deploy(bench.inputs(), { only: 'reaper' });
    const timeouts = deployedState(bench.sandbox).functions.map(({ name, timeout }) => [name, timeout]);
    expect(timeouts).toEqual([
      ['gl-scaler-prod-scaler', 60],
      ['gl-scaler-prod-reaper', 50],
      ['gl-scaler-prod-webhook', 10],
    ]);
  });

  it('two stages side by side do not know each other', async () => {
    const bench = await started({ provider: { gateway: 'none' } });
    await deploy(bench.inputs({ stage: 'prod' }));
    const document = JSON.parse(readFileSync(join(bench.dir, 'scaler.yml'), 'utf8'));
    writeFileSync(join(bench.dir, 'scaler.b.yml'), JSON.stringify({ ...document, bucket: { ...document.bucket, name: 'farm-b' } }));
    await deploy(bench.inputs({ stage: 'prod-b', provider: { ...bench.provider, config: 'scaler.b.yml' } }));
    expect(await stepsOf(bench, { stage: 'prod' })).toEqual([]);
    expect(deployedState(bench.sandbox).functions.map(({ name }) => name)).toEqual(['gl-scaler-prod-reaper', 'gl-scaler-prod-b-reaper']);
  });

  it("two stages never share one farm's bucket: one would take away what the other needs", async () => {
    const bench = await started();
    await deploy(bench.inputs({ stage: 'prod' }));
    await expect(deploy(bench.inputs({ stage: 'dev' }))).rejects.toThrow(
      'the bucket ci-fleet is already used by the deployment gl-scaler-prod',
    );
    // One that has come there before: it goes, and takes nothing with it.
    const dev = { stage: 'dev', provider: { ...bench.provider, agency: { create: true }, bucket: { create: false } } };
    const marked = bench.sandbox.deployed.all().map((f) => [f, f.config.description] as const);
    for (const [f] of marked) f.config.description = '';
    await deploy(bench.inputs(dev));
    for (const [f, description] of marked) f.config.description = description;
    const bucket = bench.sandbox.obs.bucket(bench.sandbox.bucket);
    bucket.put('state/v1/pools/a.json', Buffer.from('x'), {});
    bench.said.length = 0;
    await remove(bench.inputs(dev));
    expect(bench.said.at(-1)).toMatch(/gl-scaler-dev is removed\. Hooks, records and controls stay, .*gl-scaler-prod/);
    expect([
      bucket.get('state/v1/pools/a.json')?.body.toString(),
      bucket.list({ prefix: 'control/', delimiter: '', from: '', maxKeys: 9 }).objects,
    ]).toEqual(['x', []]);
    expect(deployedState(bench.sandbox).functions.map(({ name }) => name)).toEqual(marked.map(([{ name }]) => name));
  });

  it("a policy of the bucket that cannot be read is nobody's business who asks for none", async () => {
    const bench = await started();
    await deploy(bench.inputs());
    bench.sandbox.obs.bucket(bench.sandbox.bucket).documents.set('policy', '"a form that is not known"');
    await deploy(bench.inputs());
    Object.assign(bench.provider, { bucket: { create: true, countsFor: 'everybody' } });
    await expect(deploy(bench.inputs())).rejects.toThrow('is not in a form that is known here; it is left as it is');
  });

  it("an address of hooks that is not the deployment's own is taken for a proxy's", async () => {
    const of = (gitlab: object) =>
      started({ document: ({ urls }) => ({ gitlab: { url: urls.gitlab, scope: { group: GROUP }, ...gitlab } }) });
    const [without, proxied] = [await of({}), await of({ hook_url: 'https://proxy.example.com/hooks' })];
    for (const { inputs } of [without, proxied]) await deploy(inputs());
    expect(without.said.at(-1)).toContain('Set gitlab.hook_url in scaler.yml to this URL');
    expect(proxied.said.at(-1)).toContain('gitlab.hook_url in scaler.yml is https://proxy.example.com/hooks');
  });

  it('secrets of hooks are made once, and never again while a webhook has some', async () => {
    const bench = await started();
    await deploy(bench.inputs());
    writeFileSync(join(bench.dir, 'secrets.env'), '');
    await expect(deploy(bench.inputs())).rejects.toThrow('HOOK_TOKENS and HOOK_SIGNING_TOKENS are not set');
  });
});

describe('a mistake', () => {
  it.each<[name: string, mistake: (bench: DeployBench) => void, said: RegExp]>([
    ['no key', ({ env }) => delete env.OTC_ACCESS_KEY && delete env.OTC_SECRET_KEY, /^OTC_ACCESS_KEY and OTC_SECRET_KEY are not set/],
    ['a wrong key', ({ env }) => Object.assign(env, { OTC_SECRET_KEY: 'wrong' }), /AccessError: .*APIG.0301[^→]*→ A key or token is wrong/],
    ['no token', ({ env }) => delete env.GITLAB_TOKEN, /GITLAB_TOKEN is not set: put it into the environment or into/],
    [
      'a mistake in scaler.yml',
      ({ dir }) => writeFileSync(join(dir, 'scaler.yml'), 'gitlab: 1\n'),
      /mistakes:\n {2}\S+scaler.yml:1:1: gitlab: must be a section/,
    ],
    ['another region', ({ provider }) => Object.assign(provider, { region: 'eu-nl' }), /set provider.projectId to a project of eu-nl/],
    [
      'no secret of hooks that is set',
      ({ env, functions }) => {
        Object.assign(env, { HOOK_SIGNING_TOKENS: `whsec_${'A'.repeat(43)}=` });
        Object.assign(functions.webhook ?? {}, { secrets: ['HOOK_TOKENS'] });
      },
      /functions.webhook.secrets names HOOK_TOKENS, which is not set: the webhook would refuse every hook/,
    ],
    [
      'a gateway that does not exist',
      ({ provider }) => Object.assign(provider, { gateway: { id: 'gone' } }),
      /the gateway gone does not exist/,
    ],
  ])('is told in words, and nothing is changed: %s', async (_, mistake, said) => {
    const bench = await started();
    mistake(bench);
    const error = await deploy(bench.inputs()).catch((thrown: unknown) => thrown);
    expect(explain(error)).toMatch(said);
    expect(deployedState(bench.sandbox)).toMatchObject({ functions: [], agencies: [], policies: [], logs: [], groups: [] });
  });
});

describe('commands', () => {
  it('invoke shows what a function returned, and fails when it failed; logs shows what it wrote', async () => {
    const bench = await started();
    await deploy(bench.inputs());
    await invoke(bench.inputs(), { function: 'reaper', data: '{"a":1}' });
    expect(JSON.parse(bench.data.at(-1) ?? '')).toEqual({ event: { a: 1 }, name: 'gl-scaler-prod-reaper', secret: 'string' });
    await expect(invoke(bench.inputs(), { function: 'reaper', data: '{"unwell":true}' })).rejects.toThrow(
      /reaper ran, but reported problems/,
    );
    await expect(invoke(bench.inputs(), { function: 'reaper', data: '{"fail":true}' })).rejects.toThrow(
      /the function reaper failed[\s\S]*told to fail/,
    );
    bench.data.length = 0;
    await logs(bench.inputs(), { function: 'reaper' });
    expect(bench.data.join('\n')).toContain('called with {"a":1}');
    await expect(invoke(bench.inputs(), { function: 'other' })).rejects.toThrow('it has scaler, reaper, webhook');
    await expect(invoke(bench.inputs(), { function: 'reaper', data: '{' })).rejects.toThrow('the event is not JSON');
  });

  it('invoke local runs the function here, with the secrets of the environment', async () => {
    const bench = await started();
    await invokeLocal(bench.inputs(), { function: 'reaper', data: '{"a":1}' });
    expect(JSON.parse(bench.data.at(-1) ?? '')).toEqual({ event: { a: 1 }, name: 'reaper', secret: 'string' });
    await expect(invokeLocal(bench.inputs(), { function: 'reaper', data: '{"fail":true}' })).rejects.toThrow(
      'the function reaper failed: told to fail',
    );
    expect(deployedState(bench.sandbox).functions).toEqual([]);
  });

  it('remove of a stage that is not deployed leaves hook and bucket of the one that is', async () => {
    const bench = await started({
      document: ({ urls }) => ({ gitlab: { url: urls.gitlab, scope: { group: GROUP }, hook_url: 'https://hooks.example/gitlab' } }),
    });
    const { sandbox } = bench;
    await deploy(bench.inputs());
    const group = sandbox.gitlab.createGroup(GROUP);
    sandbox.gitlab.createHook(group, 'https://hooks.example/gitlab', { jobEvents: true, pushEvents: false });
    sandbox.obs.bucket(sandbox.bucket).put('control/v1/pause/_all.json', Buffer.from('{}'), {});
    const before = deployedState(sandbox);
    await remove(bench.inputs({ stage: 'prd' }));
    expect(bench.said.at(-1)).toMatch(/^Nothing to do: nothing of gl-scaler-prd is deployed/);
    expect(deployedState(sandbox)).toEqual(before);
    expect(sandbox.gitlab.hooks.size).toBe(1);
    expect(sandbox.obs.bucket(sandbox.bucket).list({ prefix: 'control/', delimiter: '', from: '', maxKeys: 9 }).objects).toHaveLength(1);
  });

  it.each([invoke, logs])('%o of a function that is not deployed says so', async (command) => {
    const bench = await started();
    await expect(command(bench.inputs(), { function: 'reaper' })).rejects.toThrow(/gl-scaler-prod-reaper does not exist: run osls deploy/);
  });

  it('info tells what is there, before and after', async () => {
    const bench = await started();
    await info(bench.inputs());
    expect(bench.data.at(-1)).toMatch(/bucket +ci-fleet \(does not exist\)[\s\S]*none: run osls deploy/);
    await deploy(bench.inputs());
    const output = { json: true, data: (text: string) => void bench.data.push(text), say: () => undefined };
    await info(bench.inputs({ output }));
    expect(JSON.parse(bench.data.at(-1) ?? '')).toMatchObject({
      name: 'gl-scaler-prod',
      hookUrl: expect.stringMatching(/^https:\/\/.*\/gitlab$/),
      functions: [
        { name: 'gl-scaler-prod-scaler' },
        { name: 'gl-scaler-prod-reaper', triggers: ['timer 1m'] },
        { triggers: ['POST /gitlab'] },
      ],
    });
  });
});
