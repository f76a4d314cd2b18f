import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { program } from '../../cli/program.ts';
import { FARM_KEY } from '../../lib/core/keys.ts';
import { SERIES_HEADER, sampleLine } from '../../lib/core/metrics/sample.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import { type Farm, farmDocument, GROUP, startFarm } from '../../testkit/farm.ts';

/** Clears the screen, sets the title, rings, colours by C1, turns the direction of writing, overwrites, and begins a line of its own. */
const EVIL = 'evil\u001b[2J\u001b]0;t\u0007\u009b31m\u202e\u2066\u200f\u0085\u2028\b\r\nFORGED line';
/** In text mode only lines, tabs and our own colours are left of control, format and separating characters. */
const RAW = /[\u2028\u2029]|[^\n\t\P{C}]/u;
const FORGED = /^\s*FORGED/m;
const JOB = 4711;
const NAMES = { GITLAB_TOKEN: '', HOOK_TOKENS: '', HOOK_SIGNING_TOKENS: '', OTC_ACCESS_KEY: '', OTC_SECRET_KEY: '' };

let farm: Farm;
let dir: string;
let worker: string;

interface Call {
  readonly args: readonly string[];
  /** What it says once it runs and waits to be stopped. */
  readonly until?: RegExp;
  /** None of the hostile text is seen by it, e.g. because it only writes. */
  readonly blind?: true;
  /** What it prints is a machine's own text, line by line. */
  readonly lines?: true;
}

/** How each command is called. One that is not here fails the first test below: what it prints of the world has to be tried, too. */
const CALLS: Readonly<Record<string, () => readonly Call[]>> = {
  check: () => [{ args: [], blind: true }],
  plan: () => [{ args: [] }, { args: ['--json'] }],
  tick: () => [{ args: [] }, { args: ['--json'] }],
  serve: () => [{ args: ['--port', '0', '--dashboard-port', '0'], until: /"call done"/ }],
  explain: () => [
    { args: ['--job', String(JOB)] },
    { args: ['--job', String(JOB), '--json'] },
    { args: ['--worker', worker] },
    { args: ['--worker', worker, '--json'] },
  ],
  console: () => [{ args: [worker], lines: true }],
  counts: () => [
    ...['table', 'csv', 'json', 'chart', 'openmetrics'].map((format) => ({ args: ['--from', 'yesterday', '--format', format] })),
    { args: ['--from', 'yesterday', '--format', 'svg'] },
    { args: ['--from', 'yesterday', '--format', 'svg', '--output', path.join(dir, 'counts.svg')], blind: true },
  ],
  report: () => [{ args: ['--from', '-2d'] }, { args: ['--from', '-2d', '--csv'] }, { args: ['--from', '-2d', '--json'] }],
  status: () => [{ args: [] }, { args: ['--json'] }, { args: ['--watch'], until: /last actions/ }],
  pause: () => [{ args: ['--reason', EVIL, '--by', EVIL] }, { args: ['--reason', EVIL, '--json'] }],
  resume: () => [{ args: [] }, { args: ['--json'], blind: true }],
  drain: () => [{ args: ['bitbake'] }, { args: ['bitbake', '--json'] }],
  undrain: () => [{ args: ['--all'] }, { args: ['--all', '--json'] }],
  roll: () => [{ args: ['bitbake'] }, { args: ['bitbake', '--end'] }, { args: ['bitbake', '--json'] }],
  keep: () => [{ args: [worker, '--reason', EVIL] }, { args: [worker, '--json'] }],
  release: () => [{ args: [worker] }, { args: [worker, '--json'], blind: true }],
  'manager render': () => [{ args: [], blind: true }],
  'manager status': () => [{ args: [] }, { args: ['--json'] }],
  'hook install': () => [{ args: hookArgs() }, { args: [...hookArgs(), '--json'] }],
  'hook status': () => [{ args: hookArgs() }, { args: [...hookArgs(), '--json'] }],
  'hook test': () => [{ args: hookArgs() }, { args: [...hookArgs(), '--json'] }],
  'hook remove': () => [{ args: hookArgs() }, { args: [...hookArgs(), '--json'] }],
  'hook rotate': () => [{ args: ['--secrets', path.join(dir, 'hook.env')], blind: true }],
  'dashboard publish': () => [{ args: ['--public'], blind: true }],
  'dashboard remove': () => [{ args: [], blind: true }],
  doctor: () => [{ args: [] }, { args: ['--json'] }],
  sandbox: () => [{ args: ['--port', '0'], until: /Ctrl-C/, blind: true }],
  demo: () => [{ args: ['--port', '0'], until: /waits \(pipeline/, blind: true }],
};

const hookArgs = () => [
  '--url',
  `${farm.sandbox.urls.gateway}/gitlab`,
  '--all-projects',
  '--group',
  GROUP,
  '--secrets',
  path.join(dir, 'hook.env'),
];

/** Of all commands, those of commands included, as the program itself has them. */
function leaves({ commands }: { readonly commands: readonly Named[] }, before: readonly string[] = []): readonly string[] {
  return commands.flatMap((c) => (c.commands.length === 0 ? [[...before, c.name()].join(' ')] : leaves(c, [...before, c.name()])));
}
interface Named {
  readonly commands: readonly Named[];
  name(): string;
}

/** Runs a command in this process, and ends one that waits as Ctrl-C does. */
async function run(name: string, { args, until }: Call): Promise<{ readonly out: string; readonly err: string }> {
  let out = '';
  let err = '';
  let stopped = false;
  const seen = () => {
    if (!until || stopped || !until.test(out + err)) return;
    stopped = true;
    setImmediate(() => process.emit('SIGINT'));
  };
  const keep = (add: (text: string) => void) => (chunk: unknown) => {
    add(String(chunk));
    seen();
    return true;
  };
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation(keep((text) => (out += text)));
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(keep((text) => (err += text)));
  try {
    await program.parseAsync(['--config', path.join(dir, 'scaler.yml'), ...name.split(' '), ...args], { from: 'user' });
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
    process.exitCode = undefined;
  }
  return { out, err };
}

const put = (key: string, text: string) => farm.sandbox.obs.bucket(farm.sandbox.bucket).put(key, Buffer.from(text), {});

/** What stands in the bucket, each text of it hostile. */
function poison(): void {
  const now = Date.now();
  const time = new Date(now).toISOString();
  const since = new Date(now - 600_000).toISOString();
  const one = { time, pass: 'p', trigger: EVIL, pool: 'bitbake', worker, why: EVIL, outcome: 'failed', code: EVIL, message: EVIL };
  const ledger = [
    { ...one, kind: 'launch', jobId: JOB, flavor: EVIL, zone: EVIL, alarm: EVIL },
    {
      ...one,
      kind: 'plan',
      pool: EVIL,
      waiting: [JOB],
      brakes: [{ why: EVIL, code: EVIL }],
      numbers: { [EVIL]: 1 },
      held: [{ worker, why: EVIL }],
    },
    { ...one, kind: 'boot-failed', reason: EVIL, createdAt: since, phases: [[EVIL, 1]], consoleUnread: EVIL },
    { ...one, kind: 'ran', jobs: [{ id: JOB, project: EVIL, name: EVIL, status: EVIL, queued: since, started: time }], jobsUnread: EVIL },
    {
      ...one,
      kind: 'ran',
      jobs: [{ id: JOB, project: EVIL, name: EVIL, status: EVIL, created: since, queued: since, started: time, finished: time }],
    },
    { ...one, kind: 'control', control: 'pause', subject: worker, state: 'begun', by: EVIL, reason: EVIL, until: EVIL },
    { ...one, kind: 'alarm', alarm: EVIL, subject: worker, text: EVIL, state: 'raised' },
    { ...one, kind: EVIL },
    { ...one, kind: 'blind', waiting: [JOB], unread: [{ source: EVIL, code: EVIL, message: EVIL }] },
  ];
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  put(`ledger/v1/${day(now).replaceAll('-', '/')}/hostile.ndjson`, ledger.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const counts = { machines: 2, booting: 0, idle: 0, busy: 1, draining: 1, failed: 0, pending: 1, limit: 4 };
  const pool = EVIL.replaceAll('\n', '');
  const yesterday = now - 86_400_000;
  put(
    `counts/v1/day/${day(yesterday).slice(0, 7).replace('-', '/')}/${day(yesterday)}.csv`,
    SERIES_HEADER + sampleLine({ ...counts, at: yesterday, pool }),
  );
  const said = { version: 1, since: now - 1000, by: EVIL, reason: EVIL };
  put('control/v1/pause/bitbake.json', JSON.stringify(said));
  put('control/v1/drain/bitbake.json', JSON.stringify({ ...said, reason: `${EVIL} again` }));
  put('control/v1/roll/bitbake.json', JSON.stringify({ ...said, before: now }));
  put(`control/v1/keep/${worker}.json`, JSON.stringify(said));
  const health = { name: EVIL, at: time, uptime: 9, phase: EVIL, reason: EVIL, disk: null, start_at: 1, hashserv: null };
  const mirrors = { count: 1, failed: [{ name: EVIL, error: EVIL }], late: [EVIL], oldest_seconds: null, unlisted: [EVIL] };
  const prune = { at: EVIL, mode: EVIL, refused: [EVIL], trees: { [EVIL]: { objects: 1, bytes: 1, moved: 1, moved_bytes: 1 } } };
  put('manager/v1/cache-1.json', JSON.stringify({ ...health, nfs: { active: false, threads: 1, clients: null }, mirrors, prune }));
  put(
    FARM_KEY,
    JSON.stringify({
      ...{ version: 1, time, installation: EVIL, currency: EVIL },
      pools: [{ name: EVIL, tags: [EVIL], limit: 4, flavors: [EVIL] }],
      workers: [{ name: worker, pool: EVIL, phase: EVIL, since, why: EVIL, flavor: EVIL, zone: EVIL }],
      waiting: [{ pool: EVIL, jobId: JOB, since }],
      actions: [{ time: since, kind: EVIL, pool: EVIL, worker: EVIL, why: EVIL, outcome: EVIL, code: EVIL }],
      alarms: [{ kind: 'hook', pool: EVIL, subject: EVIL, text: EVIL, since: now - 600_000, seen: now, state: 'raised' }],
      managers: [{ name: EVIL, time, phase: EVIL, problems: [EVIL] }],
    }),
  );
}

/** Everything that GitLab and OTC can be asked is refused, in hostile words. */
function refuse(): void {
  const { faults } = farm.sandbox.ctx;
  const xml = `<Error><Code>${EVIL}</Code><Message>${EVIL}</Message></Error>`;
  faults.inject({ operation: 'obs.*', times: 1e6, status: 403, body: xml });
  faults.inject({ operation: 'gitlab.*', times: 1e6, status: 403, body: JSON.stringify({ message: EVIL, error: EVIL }) });
  faults.inject({ operation: '*', times: 1e6, status: 403, body: JSON.stringify({ error_code: EVIL, error_msg: EVIL, message: EVIL }) });
}

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'scaler-hostile-'));
  const pools = [{ name: 'bitbake', tags: ['bitbake'], limit: 3 }];
  farm = await startFarm({ clock: new RunningClock(), hooks: false, pools, times: { acceptMs: 1, buildMs: 1, listLagMs: 0 } });
  const { gitlab, ecs, credentials } = farm.sandbox;
  const project = gitlab.createProject(`${GROUP}/${EVIL}`);
  gitlab.createPipeline(project, [{ name: EVIL, stage: EVIL, tags: ['bitbake'], durationMs: 60_000 }], { ref: EVIL, message: EVIL });
  // Another's runner with the pool's tags, which doctor names.
  const others = { locked: false, paused: false, protectedOnly: false, maximumTimeout: undefined, maintenanceNote: undefined };
  gitlab.createRunner({ type: 'instance_type', description: EVIL, tags: ['bitbake'], runUntagged: false, ...others });
  await farm.tick();
  worker = ecs.all()[0]?.name ?? '';
  const [vm] = ecs.all();
  if (vm) vm.console += `${EVIL}\r\n`;
  const document = {
    ...farmDocument(farm.sandbox, { pools }),
    manager: { name: 'cache-1', clients: [{ subnet: '10.0.1.0/24', access: 'rw' }], volume: { device: '/dev/vdb' } },
  };
  writeFileSync(path.join(dir, 'scaler.yml'), stringify(document));
  const { accessKey, secretKey } = credentials;
  Object.assign(NAMES, farm.secrets, { OTC_ACCESS_KEY: accessKey, OTC_SECRET_KEY: secretKey });
  for (const [name, value] of Object.entries(NAMES)) vi.stubEnv(name, value);
});
beforeEach(() => {
  farm.sandbox.ctx.faults.clear();
  poison();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await farm?.close();
  rmSync(dir, { recursive: true, force: true });
});

it('knows how to call every command that there is', () => {
  expect(Object.keys(CALLS).sort()).toEqual([...leaves(program)].sort());
});

describe.each(Object.keys(CALLS))('scaler %s', (name) => {
  it('prints nothing of a hostile world that moves the cursor or begins a line', async () => {
    for (const call of CALLS[name]?.() ?? []) {
      poison();
      const { out, err } = await run(name, call);
      const label = `${name} ${call.args.join(' ')}`;
      const forged = call.lines ? undefined : FORGED.exec(out + err)?.[0];
      expect({ label, raw: RAW.exec(out + err)?.[0], forged }).toEqual({ label });
      if (call.args.includes('--json')) expect(() => JSON.parse(out), err).not.toThrow();
      if (!call.blind) expect(`${label}\n${out}${err}`).toContain('FORGED');
    }
  });

  it('says why it could do nothing in one line, whatever it was told', async () => {
    const [call] = CALLS[name]?.() ?? [];
    if (!call || call.until) return;
    refuse();
    const { out, err } = await run(name, call);
    expect({ raw: RAW.exec(out + err)?.[0], forged: FORGED.exec(out + err)?.[0] }).toEqual({});
  });
});
