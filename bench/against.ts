import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { defined } from '../lib/core/defined.ts';
import type { Build } from './build.ts';
import { runBurst } from './burst.ts';
import { runChild } from './child.ts';
import { pendingEvents } from './events.ts';
import { hooksToCreates } from './latency.ts';
import { runManyProjects } from './many-projects.ts';
import type { Row, Section } from './row.ts';
import { growth, runTick } from './scale.ts';
import { largest, median } from './statistics.ts';
import { startStub, webhookSettings } from './stub.ts';

/** What one run of a build shows, e.g. a tick: several lines read it. */
interface Comparison<T> {
  readonly name: string;
  run(build: Build): Promise<T>;
  readonly lines: readonly Line<T>[];
}

interface Line<T> {
  readonly what: string;
  readonly unit: Row['unit'];
  /** Ours divided by the other build's, at most. */
  readonly ratio?: number;
  /** Ours, at most or exactly; the other build's is shown then. */
  readonly most?: number;
  readonly exactly?: number;
  /** Sizes and counts. */
  readonly must?: true;
  read(result: T): number;
}

const MEGA = 1_000_000;
const shell = promisify(execFile);

/** Both builds in turn, A B A B: what the machine does meanwhile hits both. The figures are medians. */
export async function against(base: Build, ours: Build, options: { readonly quick: boolean; readonly tests: boolean }): Promise<Section> {
  const rounds = options.quick ? 1 : 3;
  const parts: ((base: Build, ours: Build) => Promise<readonly Row[]>)[] = [
    compare(SIZES, 1),
    compare(COLD, options.quick ? 7 : 20),
    compare(LATENCY, rounds),
    compare(TICK, rounds),
    compare(MANY_PROJECTS, 1),
    compare(BURST, rounds),
    compare(CHECK, rounds),
    ...(options.tests ? [compare(TESTS, 1)] : []),
  ];
  const rows: Row[] = [];
  for (const part of parts) rows.push(...(await part(base, ours)));
  return { name: `against ${base.name}`, rows };
}

function compare<T>({ name, run, lines }: Comparison<T>, rounds: number) {
  return async (base: Build, ours: Build): Promise<readonly Row[]> => {
    const results = { base: [] as T[], ours: [] as T[] };
    for (let round = 0; round < rounds; round += 1) {
      if (round === 0) console.error(`measuring ${name} …`);
      results.base.push(await run(base));
      results.ours.push(await run(ours));
    }
    return lines.map((line) => toRow(line, median(results.ours.map(line.read)), median(results.base.map(line.read)), base.name));
  };
}

function toRow<T>({ what, unit, ratio, most, exactly, must }: Line<T>, value: number, base: number, name: string): Row {
  const row = { unit, value, must: must === true };
  const both = `${what} (${name}: ${Number.isInteger(base) ? base : base.toPrecision(3)})`;
  if (most !== undefined) return { ...row, what: both, against: { kind: 'most', value: most } };
  if (exactly !== undefined) return { ...row, what: both, against: { kind: 'exactly', value: exactly } };
  return { ...row, what, against: { kind: 'peer', of: name, value: base, ...defined({ most: ratio }) } };
}

const SIZES: Comparison<Readonly<Record<'webhook' | 'scaler' | 'reaper', number>>> = {
  name: 'sizes',
  run: ({ bundles }) => {
    const size = (file: string) => readFileSync(file).byteLength / 1000;
    return Promise.resolve({ webhook: size(bundles.webhook), scaler: size(bundles.scaler), reaper: size(bundles.reaper) });
  },
  lines: [
    { what: 'webhook, bundle', unit: 'kB', most: 120, must: true, read: ({ webhook }) => webhook },
    { what: 'scaler, bundle', unit: 'kB', most: 360, must: true, read: ({ scaler }) => scaler },
    { what: 'reaper, bundle', unit: 'kB', most: 375, must: true, read: ({ reaper }) => reaper },
  ],
};

const COLD: Comparison<{ readonly webhook: number; readonly scaler: number }> = {
  name: 'cold start',
  run: async (build) => {
    const stub = await startStub();
    try {
      const { env, userData } = await webhookSettings(build, stub);
      const webhook = await runChild({ module: build.bundles.webhook, env, userData, batches: [{ events: pendingEvents(1), atOnce: 1 }] });
      const scaler = await runChild({ module: build.bundles.scaler });
      return { webhook: webhook.firstBatchMs, scaler: scaler.loadMs };
    } finally {
      stub.close();
    }
  },
  lines: [
    { what: 'webhook: cold import and first accepted event', unit: 'ms', ratio: 0.6, read: ({ webhook }) => webhook },
    { what: 'scaler: cold import', unit: 'ms', ratio: 0.75, read: ({ scaler }) => scaler },
  ],
};

const LATENCY: Comparison<Awaited<ReturnType<typeof hooksToCreates>>> = {
  name: 'hook to ECS create',
  run: (build) => hooksToCreates(build, 16),
  lines: [
    { what: 'hook to ECS create, 50 ms upstream, p50', unit: 'ms', ratio: 0.65, read: (hooks) => median(hooks.map(({ ms }) => ms)) },
    {
      what: 'upstream answers awaited one after the other',
      unit: '',
      most: 5,
      must: true,
      read: (hooks) => median(hooks.map(({ awaited }) => awaited)),
    },
  ],
};

const TICK: Comparison<Awaited<ReturnType<typeof runTick>>> = {
  name: 'a tick over 1,000 workers and 5,000 waiting jobs',
  run: runTick,
  lines: [
    { what: 'tick, 1,000 workers, 5,000 jobs: time', unit: 'ms', ratio: 0.5, read: ({ child }) => child.batches[0]?.ms ?? Number.NaN },
    { what: 'tick: requests', unit: '', most: 75, must: true, read: ({ requests }) => requests },
    { what: 'tick: growth of memory', unit: 'MB', most: 60, read: (tick) => growth(tick) / MEGA },
  ],
};

const MANY_PROJECTS: Comparison<Awaited<ReturnType<typeof runManyProjects>>> = {
  name: '340 projects with child pipelines',
  run: runManyProjects,
  lines: [
    { what: '340 projects with child pipelines: machines launched', unit: '', exactly: 1, must: true, read: ({ launched }) => launched },
    { what: '340 projects: requests', unit: '', ratio: 0.5, must: true, read: ({ requests }) => requests },
    { what: '340 projects: pass', unit: 'ms', read: ({ child }) => child.batches[0]?.ms ?? Number.NaN },
  ],
};

const BURST: Comparison<Awaited<ReturnType<typeof runBurst>>> = {
  name: '1,000 deliveries',
  run: runBurst,
  lines: [
    { what: '1,000 deliveries: all answered within', unit: 'ms', most: 1500, read: ({ sent }) => sent.ms },
    { what: '1,000 deliveries: longest answer', unit: 'ms', most: 1000, read: ({ sent }) => largest(sent.answers.map(({ ms }) => ms)) },
    { what: '1,000 deliveries: workers', unit: '', exactly: 100, must: true, read: ({ created }) => created },
  ],
};

/** User and system time of the command and its children, in milliseconds. */
const CHECK: Comparison<number> = {
  name: 'the command line',
  run: async ({ root }) => {
    const command = 'npm run --silent scaler -- check --config examples/scaler.yml >/dev/null 2>&1';
    // The first run may have to build.
    const { stdout } = await shell('bash', ['-c', `TIMEFORMAT='%U %S'; ${command}; { time ${command}; } 2>&1`], { cwd: root });
    const [user = Number.NaN, system = Number.NaN] = stdout.trim().split(' ').map(Number);
    return (user + system) * 1000;
  },
  lines: [{ what: 'npm run scaler -- check: CPU time', unit: 'ms', ratio: 0.25, read: (ms) => ms }],
};

const TESTS: Comparison<number> = {
  name: 'npm test (some ten minutes each)',
  run: async ({ root }) => {
    const began = performance.now();
    await shell('npm', ['test', '--silent'], { cwd: root, maxBuffer: 1e9 }).catch((error: unknown) =>
      console.error(String(error).slice(-500)),
    );
    return (performance.now() - began) / 1000;
  },
  lines: [{ what: 'npm test', unit: 's', ratio: 0.65, read: (s) => s }],
};
