import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileConfig } from '../../lib/config/load/yaml.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import type { SandboxEvent } from '../../sandbox/context.ts';
import { type Farm, type FunctionKind, farmDocument, startFarm } from '../../testkit/farm.ts';
import { BundleProcess } from './bundle-process.ts';

const KINDS = ['webhook', 'scaler', 'reaper'] as const satisfies readonly FunctionKind[];

/** Where a configuration is to be, in a folder that is gone after the test. */
function configPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'scaler-bundle-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'scaler.json');
}

function started(name: FunctionKind, config: string): BundleProcess {
  const bundle = new BundleProcess(name, config);
  onTestFinished(() => bundle.close());
  return bundle;
}

interface Deployed {
  readonly farm: Farm;
  readonly config: string;
  readonly bundles: Readonly<Record<FunctionKind, BundleProcess>>;
  /** Resolves when an event of that kind has happened so many times. */
  happened(kind: string, times?: number): Promise<void>;
  /** Writes the configuration of this farm. */
  configure(): void;
}

/** A farm in real time whose three functions are the built bundles. */
async function deployed(options: { readonly configured?: boolean } = {}): Promise<Deployed> {
  const config = configPath();
  const bundles = { webhook: started('webhook', config), scaler: started('scaler', config), reaper: started('reaper', config) };
  const events: SandboxEvent[] = [];
  const waiting = new Set<() => void>();
  const farm = await startFarm({
    clock: new RunningClock(),
    onEvent: (event) => {
      events.push(event);
      for (const look of waiting) look();
    },
    functions: {
      webhook: () => (event, context) => bundles.webhook.call(event, context),
      scaler: () => (event, context) => bundles.scaler.call(event, context),
      reaper: () => (event, context) => bundles.reaper.call(event, context),
    },
  });
  onTestFinished(() => farm.close());
  const configure = () => writeFileSync(config, compileConfig(JSON.stringify(farmDocument(farm.sandbox, {}))).json);
  if (options.configured ?? true) configure();
  const happened = (kind: string, times = 1) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (events.filter((e) => e.kind === kind).length < times) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { farm, config, bundles, happened, configure };
}

function push(farm: Farm, jobs: number): void {
  const specs = Array.from({ length: jobs }, (_, i) => ({ name: `job-${i}`, tags: ['pool0'], durationMs: 60_000 }));
  farm.sandbox.gitlab.createPipeline('acme/product', specs);
}

function text(farm: Farm, key: string): string {
  return farm.sandbox.obs.bucket(farm.sandbox.bucket).get(key)?.body.toString() ?? '';
}

const TIMER = { version: 'v1.0', time: '2026-11-23T17:00:00+01:00', trigger_type: 'TIMER', trigger_name: 'reaper', user_event: '' };

describe('the bundles', () => {
  it.each(KINDS)('bundle %s exports a native async function, by which FunctionGraph knows an asynchronous handler', async (name) => {
    const { node, kind } = await started(name, configPath()).loaded;
    expect([node.startsWith('v'), kind]).toEqual([true, 'AsyncFunction']);
  });

  it('a hook event goes through the webhook’s and the scaler’s bundle and ends in an ECS create', async () => {
    const { farm, bundles, happened } = await deployed();
    push(farm, 2);
    await happened('server-created', 2);
    const vms = farm.sandbox.ecs.all().map((vm) => [vm.order.metadata.pool, vm.order.flavor.id]);
    expect(vms).toEqual(Array(2).fill(['pool0', 'c4.2xlarge.2']));
    expect(farm.sandbox.gitlab.runners.size).toBe(2);
    await happened('hook-delivered', 4);
    expect(bundles.webhook.log.filter((line) => line.includes('"wake":"sent"')).length).toBeGreaterThan(0);
    expect(bundles.webhook.log.every((line) => line.startsWith('{'))).toBe(true);
  });

  it('the reaper’s bundle launches by itself and writes the minute’s sample', async () => {
    const { farm, bundles } = await deployed();
    for (const hook of farm.sandbox.gitlab.hooks.values()) farm.sandbox.gitlab.hooks.delete(hook.id);
    push(farm, 1);
    await farm.tick();
    expect(farm.sandbox.ecs.all()).toHaveLength(1);
    const latest: unknown = JSON.parse(text(farm, 'counts/v1/latest.json'));
    expect(latest).toMatchObject({ version: 1, pools: [{ pool: 'pool0', pending: 1, machines: 0, coming: 1, limit: 20 }] });
    const day = new Date(farm.sandbox.ctx.clock.now()).toISOString().slice(0, 10);
    const series = text(farm, `counts/v1/day/${day.slice(0, 7).replace('-', '/')}/${day}.csv`)
      .trimEnd()
      .split('\n');
    expect(series).toEqual([
      'time,pool,machines,booting,idle,busy,draining,failed,pending,unmet,limit,oldest_wait,hourly_cost,coming',
      expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:00Z,pool0,0,0,0,0,0,0,1,0,20,\d{1,2},,1$/),
    ]);
    expect(bundles.reaper.log.some((line) => line.includes('"msg":"call done"') && line.includes('"ok":true'))).toBe(true);
  });

  it('three simultaneous first events in a fresh process of each bundle all succeed', async () => {
    const { farm } = await deployed();
    const { functions } = farm.sandbox;
    const three = <T>(call: () => Promise<T>) => Promise.all([call(), call(), call()]);
    const hooks = await three(() => functions.invoke('webhook', { httpMethod: 'POST', headers: {}, body: '', isBase64Encoded: true }));
    // Not signed, and told so: the function works.
    expect(hooks.map((h) => h.kind === 'ok' && JSON.parse(h.body).statusCode)).toEqual([401, 401, 401]);
    const scaled = await three(() => functions.invoke('scaler', {}));
    expect(scaled.map((s) => s.kind === 'ok' && JSON.parse(s.body).ok)).toEqual([true, true, true]);
    const ticked = await three(() => functions.invoke('reaper', TIMER));
    expect(ticked.map((t) => t.kind === 'ok' && JSON.parse(t.body).ok)).toEqual([true, true, true]);
  });

  it('a bundle whose configuration could not be loaded works at the next call', async () => {
    const { farm, configure } = await deployed({ configured: false });
    const { functions } = farm.sandbox;
    const ask = async (name: FunctionKind, event: unknown) => {
      const answer = await functions.invoke(name, event);
      return answer.kind === 'ok' ? JSON.parse(answer.body) : answer.kind;
    };
    const unsigned = { httpMethod: 'POST', headers: {}, body: '', isBase64Encoded: true };
    // Whether a hook is GitLab's can be decided without the configuration.
    expect(await ask('webhook', unsigned)).toMatchObject({ statusCode: 401, body: '' });
    expect(await ask('scaler', {})).toMatchObject({ ok: false, code: 'no-config' });
    expect(await ask('reaper', TIMER)).toMatchObject({ ok: false, code: 'no-config' });
    configure();
    expect(await ask('webhook', unsigned)).toMatchObject({ statusCode: 401 });
    expect(await ask('scaler', {})).toMatchObject({ ok: true });
    expect(await ask('reaper', TIMER)).toMatchObject({ ok: true });
  });
});
