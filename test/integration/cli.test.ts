import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseService } from '../../deploy/inputs/schema.ts';
import { SecretCredentials } from '../../lib/otc/credentials.ts';
import { Obs } from '../../lib/otc/obs/client.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import { type Farm, farmDocument, GROUP, startFarm } from '../../testkit/farm.ts';

const root = path.resolve(import.meta.dirname, '../..');
let farm: Farm;
let dir: string;
let config: string;
let env: Record<string, string>;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(
  args: readonly string[],
  more: Record<string, string> = {},
): {
  child: ChildProcess;
  ended: Promise<Ended>;
  err: () => string;
  out: () => string;
} {
  const all = { PATH: process.env.PATH ?? '', HOME: dir, ...env, ...more };
  const child = spawn(process.execPath, [path.join(root, 'scripts/scaler.mjs'), ...args], { cwd: root, env: all });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  return { child, ended, err: () => err, out: () => out };
}

const scaler = (args: readonly string[], more?: Record<string, string>) => start(['--config', config, ...args], more).ended;

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 20));
}

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'scaler-cli-'));
  farm = await startFarm({ clock: new RunningClock(), hooks: false, pools: [{ name: 'bitbake', tags: ['bitbake'], limit: 3 }] });
  farm.sandbox.gitlab.createProject(`${GROUP}/widgets`);
  config = path.join(dir, 'scaler.yml');
  const pools = [{ name: 'bitbake', tags: ['bitbake'], limit: 3 }];
  writeFileSync(config, stringify(farmDocument(farm.sandbox, { pools })));
  const { accessKey, secretKey } = farm.sandbox.credentials;
  env = { ...farm.secrets, OTC_ACCESS_KEY: accessKey, OTC_SECRET_KEY: secretKey };
});
afterAll(async () => {
  await farm?.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('scaler', () => {
  it('check: says that all is in order, for people and for programs', async () => {
    const people = await scaler(['check']);
    expect(people).toMatchObject({ code: 0 });
    expect(people.out).toContain('bitbake (at most 3)');
    expect(JSON.parse((await scaler(['check', '--json'])).out)).toMatchObject({ ok: true, pools: [{ pool: 'bitbake', limit: 3 }] });
  });

  it('check: tells all mistakes at once with their lines, and no stack', async () => {
    const bad = path.join(dir, 'bad.yml');
    writeFileSync(bad, readFileSync(config, 'utf8').replace('limit: 3', 'limitt: 3').replace('region: eu-de', 'region: 7'));
    const { code, err } = await start(['--config', bad, 'check']).ended;
    expect(code).toBe(2);
    expect(err).toMatch(/limitt.*limit/s);
    expect(err).toMatch(/bad\.yml:\d+:\d+: pools/);
    expect(err).toContain('region');
    expect(err).not.toMatch(/\n\s+at /);
  });

  it.each([
    { name: 'no such file', args: ['--config', '/no/such/scaler.yml', 'check'], text: 'cannot be read' },
    { name: 'an unknown command', args: ['chekc'], text: 'check' },
    { name: 'an unknown option', args: ['plan', '--jsom'], text: '--json' },
    { name: 'an unknown command below another', args: ['hook', 'instal'], text: 'install' },
    { name: 'a group without its command', args: ['manager'], text: 'Usage: scaler manager' },
    { name: 'explain without a subject', args: ['explain'], text: '--job ID or --worker NAME' },
    { name: 'a port beyond the last', args: ['serve', '--port', '65536'], text: 'from 0 to 65535' },
    { name: "a dashboard's port beyond the last", args: ['serve', '--dashboard-port', '99999'], text: 'from 0 to 65535' },
    { name: 'a port with too few after it for a sandbox', args: ['sandbox', '--port', '65533'], text: 'from 0 to 65532' },
    { name: 'a port with too few after it for the demo', args: ['demo', '--port', '65532'], text: 'from 0 to 65531' },
    { name: 'a number that is none', args: ['explain', '--job', 'x'], text: 'whole number' },
  ])('a mistake of the caller is told without a stack: $name', async ({ args, text }) => {
    const { code, err } = await start(args).ended;
    expect(code).toBe(2);
    expect(err).toContain(text);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it.each([
    { args: ['plan'], without: 'GITLAB_TOKEN' },
    { args: ['serve', '--port', '0'], without: 'GITLAB_TOKEN' },
    { args: ['serve', '--port', '0'], without: 'OTC_ACCESS_KEY' },
    { args: ['status'], without: 'OTC_ACCESS_KEY' },
    { args: ['counts'], without: 'OTC_ACCESS_KEY' },
  ])('$args without $without ends with 2 and the name of what is missing', async ({ args, without }) => {
    const less = without === 'GITLAB_TOKEN' ? { GITLAB_TOKEN: '' } : { OTC_ACCESS_KEY: '', OTC_SECRET_KEY: '' };
    const { code, err } = await scaler(args, less);
    expect(code).toBe(2);
    expect(err).toMatch(new RegExp(`^${without}\\b.* not set: this command reads its secrets from the environment\\.\n$`));
  });

  it('plan changes nothing, tick does it, explain tells it', async () => {
    const { jobs } = farm.sandbox.gitlab.createPipeline(`${GROUP}/widgets`, [
      { name: 'image', stage: 'build', tags: ['bitbake'], durationMs: 60_000 },
    ]);
    const job = jobs[0]?.id ?? 0;
    const plan = await scaler(['--verbose', 'plan']);
    expect(plan.out).toContain(`launch one worker: demand (job ${job})`);
    const called = plan.err.split('\n').filter((line) => /^[a-z-]+[.][a-z-]+ 200 \d+ ms$/.test(line));
    expect(called).toEqual(expect.arrayContaining([expect.stringContaining('gitlab.graphql'), expect.stringContaining('ecs.list')]));
    for (const secret of Object.values(env)) expect(plan.err).not.toContain(secret);
    expect(farm.sandbox.ecs.all()).toHaveLength(0);

    const tick = await scaler(['tick', '--json']);
    expect(tick.code).toBe(0);
    const [action] = JSON.parse(tick.out).reports[0].pools[0].actions;
    expect(action).toMatchObject({ kind: 'launch', why: 'demand', jobId: job, outcome: 'done' });
    expect(farm.sandbox.ecs.all().map((vm) => vm.name)).toEqual([action.worker]);

    const explained = await scaler(['explain', '--job', String(job)]);
    expect(explained.out).toContain(`done: launch of ${action.worker} (demand`);
    expect((await scaler(['explain', '--worker', action.worker])).out).toMatch(/done: launch.*\nnot finished yet/);
    const unknown = await scaler(['console', 'nobody', '--lines', '5']);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('has no VM named nobody')]);
    const nobody = await scaler(['explain', '--worker', 'nobody']);
    expect(nobody).toMatchObject({ code: 1 });
    expect(nobody.out).toContain('does not mention nobody');
  });

  it('pause is seen by plan, needs only the bucket, and is ended by resume', async () => {
    const bucketOnly = { GITLAB_TOKEN: '' };
    const paused = await scaler(['pause', 'bitbake', '--for', '2h', '--reason', 'repairs', '--by', 'eva', '--json'], bucketOnly);
    expect([paused.code, JSON.parse(paused.out)]).toMatchObject([
      0,
      { ok: true, controls: [{ kind: 'pause', target: 'bitbake', by: 'eva', reason: 'repairs' }] },
    ]);
    expect((await scaler(['plan'])).out).toMatch(
      /by hand: pool bitbake is paused: nothing is created, nothing deleted until \S+ \(eva: repairs\)/,
    );
    expect(await scaler(['drain', 'bitbak'], bucketOnly)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no pool bitbak\. .*bitbake\.\n$/),
    });
    const resumed = await scaler(['resume'], bucketOnly);
    expect([resumed.code, resumed.out]).toEqual([
      0,
      expect.stringMatching(/^Ended: pool bitbake is paused.*\nNothing is paused, drained, rolled or kept now\.\n$/s),
    ]);
  });

  it('serve takes hooks, answers them as the function does, and ends when told', async () => {
    const { child, ended, err } = start(['--config', config, 'serve', '--port', '0']);
    await until(() => /http:\S+/.test(err()));
    const url = /http:\S+\d/.exec(err())?.[0] ?? '';
    const post = (token: string) => fetch(url, { method: 'POST', headers: { 'x-gitlab-token': token }, body: '{"object_kind":"build"}' });
    expect((await post('wrong')).status).toBe(401);
    expect((await fetch(url)).status).toBe(405);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  it('serve scales up for a hook, without waiting for its timer', async () => {
    const before = farm.sandbox.ecs.all().length;
    const plain = { HOOK_SIGNING_TOKENS: '' };
    const { child, ended, err, out } = start(['--config', config, 'serve', '--port', '0', '--every', '3600'], plain);
    await until(() => out().includes('"call done"'));
    const project = farm.sandbox.gitlab.findProject(`${GROUP}/widgets`);
    const { jobs } = farm.sandbox.gitlab.createPipeline(`${GROUP}/widgets`, [
      { name: 'more', stage: 'build', tags: ['bitbake'], durationMs: 60_000 },
    ]);
    const hook = { object_kind: 'build', build_id: jobs[0]?.id, build_status: 'pending', project_id: project?.id, runner: null };
    const headers = { 'x-gitlab-token': farm.secrets.HOOK_TOKENS ?? '' };
    const answer = await fetch(/http:\S+\d/.exec(err())?.[0] ?? '', { method: 'POST', headers, body: JSON.stringify(hook) });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    // More than is looked into: GitLab, which closes its connections, still sees it through and gets 200; a stranger does not.
    const large = `{"object_kind":"build","commit":{"message":"${'m'.repeat(20_000_000)}"}}`;
    expect(await postOnce(err(), large, headers)).toBe(200);
    expect(await postOnce(err(), '{}', { 'x-gitlab-token': 'wrong' })).toBe(401);
    await until(() => farm.sandbox.ecs.all().length > before);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});

/** As GitLab posts: on a connection of its own. The status of the answer. */
function postOnce(stderr: string, body: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(/http:\S+\d/.exec(stderr)?.[0] ?? '', {
      method: 'POST',
      agent: false,
      headers: { ...headers, connection: 'close' },
    });
    call.on('response', (response) => resolve(response.resume().statusCode));
    call.on('error', reject);
    call.end(body);
  });
}

describe('scaler sandbox', () => {
  it('prints what a shell needs, writes a configuration that fits, and ends when told', async () => {
    const file = path.join(dir, 'sandbox.yml');
    const deployment = path.join(dir, 'sandbox.serverless.yml');
    const { child, ended, err, out: shown } = start(['sandbox', '--port', '0', '--write-config', file, '--write-serverless', deployment]);
    await until(() => err().includes('Ctrl-C'));
    expect((await start(['--config', file, 'check']).ended).code).toBe(0);
    const { provider, ...rest } = parse(readFileSync(deployment, 'utf8'));
    const service = parseService({ service: rest.service, functions: rest.functions, provider, stage: provider.stage });
    const [, otc, obs] = /OTC (\S+) +OBS (\S+)/.exec(err()) ?? [];
    const endpoints = { functiongraph: otc, apig: otc, iam: otc, lts: otc, obs };
    expect(service).toMatchObject({ stage: 'sandbox', provider: { config: 'sandbox.yml', secrets: 'sandbox.secrets.env', endpoints } });
    // What it counts is closed to those without a key, as in a real bucket, until somebody opens it.
    const keys = Object.fromEntries([...shown().matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]));
    const bucket = new Obs({
      endpoint: obs ?? '',
      bucket: parse(readFileSync(file, 'utf8')).bucket.name,
      credentials: new SecretCredentials(keys.OTC_ACCESS_KEY ?? '', keys.OTC_SECRET_KEY ?? ''),
      clock: new RunningClock(),
    });
    await bucket.put('counts/v1/latest.json', '{}');
    const anonymous = async () => (await fetch(`${obs}/${parse(readFileSync(file, 'utf8')).bucket.name}/counts/v1/latest.json`)).status;
    expect(await anonymous()).toBe(403);
    await start(['--config', file, 'dashboard', 'publish', '--public'], keys).ended;
    expect(await anonymous()).toBe(200);
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(code).toBe(0);
    expect(out).toMatch(/^export GITLAB_TOKEN=\S+\nexport OTC_ACCESS_KEY=/);
    expect(out).toMatch(/^export OTC_PROJECT_ID=[0-9a-f]{32}\nexport OTC_GATEWAY_ID=[0-9a-f]{32}$/m);
  });
});

describe('scaler doctor', () => {
  it('examines the sandbox from the command line, and says what is wrong without a stack', async () => {
    const { code, out, err } = await scaler(['doctor', '--json', '--probe']);
    const told = JSON.parse(out);
    expect(told.findings.filter(({ level }: { level: string }) => level === 'error')).toEqual([]);
    expect([code, told.ok]).toEqual([0, true]);
    expect(err).toBe('');
    const dead = await scaler(['doctor'], { GITLAB_TOKEN: 'glpat-nobody' });
    expect(dead.code).toBe(1);
    expect(dead.out).toMatch(/ERROR {3}token-refused: .*\n\s+→ make a new token/);
    expect(dead.out + dead.err).not.toMatch(/\n\s+at |glpat-nobody/);
  });

  it.each([
    { name: 'an option that it does not have', args: ['doctor', '--fix'] },
    { name: 'a deployment without its configuration', args: ['sandbox', '--write-serverless', 'x.yml'] },
    { name: 'a configuration that is not there', args: ['--config', '/no/such/scaler.yml', 'doctor'] },
  ])('ends with 2 for a mistake of the caller: $name', async ({ args }) => {
    const { code, err } = await start(args).ended;
    expect(code).toBe(2);
    expect(err).not.toMatch(/\n\s+at /);
  });
});
