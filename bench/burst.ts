import type { Job } from '../sandbox/gitlab/model.ts';
import type { Build } from './build.ts';
import { type BenchFarm, ledgerEntries, startBenchFarm } from './farm.ts';
import type { Row, Section } from './row.ts';
import { type Senders, type Sent, startSenders } from './senders.ts';
import { largest, quantile } from './statistics.ts';

const DELIVERIES = 1000;
const REHEARSAL = 400;
const JOBS = 300;
const LIMIT = 100;
/** GitLab's Sidekiq sends with so many threads at most in a large installation, and the webhook is deployed with as many instances. */
const SENDERS = 50;
const WITHIN_MS = 1000;
const ALL_WITHIN_MS = 1500;
const MOST_PASSES = 10;

export interface Burst {
  readonly sent: Sent;
  /** From the first delivery to each create. */
  readonly creates: readonly number[];
  readonly passes: number;
  readonly created: number;
  readonly names: number;
  readonly runners: number;
}

/** A thousand hooks at once, most of them doubled: the farm must answer all, launch up to the limit, and think only a few times. */
export async function burst(build: Build): Promise<Section> {
  return { name: `burst: ${DELIVERIES} deliveries for ${JOBS} pending jobs, limit ${LIMIT}`, rows: rows(await runBurst(build)) };
}

export async function runBurst(build: Build): Promise<Burst> {
  const created: number[] = [];
  const names = new Set<unknown>();
  const bench = await startBenchFarm(build, {
    pools: [{ limit: LIMIT }],
    onEvent: ({ kind, fields }) => {
      if (kind !== 'server-created') return;
      created.push(performance.now());
      names.add(fields.name);
    },
  });
  const senders = startSenders();
  try {
    const jobs = makeJobs(bench);
    await warmUp(bench, senders, jobs);
    const deliveries = Array.from({ length: DELIVERIES }, (_, i) => jobs[i % jobs.length]).flatMap((job) =>
      job ? [bench.delivery(job)] : [],
    );
    const began = performance.now();
    const sent = await senders.send(bench.hookUrl, deliveries, SENDERS);
    await bench.settled();
    const { ecs, gitlab } = bench.farm.sandbox;
    return {
      sent,
      creates: created.map((at) => at - began),
      passes: await ledgerEntries(bench, 'plan'),
      created: ecs.created,
      names: names.size,
      runners: gitlab.runners.size,
    };
  } finally {
    senders.close();
    await bench.close();
  }
}

/** Authentic hooks that wake nobody, so that every sender has its connection and every instance its code: what a cold one costs is measured apart. */
async function warmUp({ delivery, hookUrl }: BenchFarm, senders: Senders, [job]: readonly Job[]): Promise<void> {
  if (!job) return;
  const finished = Array.from({ length: REHEARSAL }, () => delivery({ ...job, status: 'success' }));
  await senders.send(hookUrl, finished, SENDERS);
}

function makeJobs({ farm }: BenchFarm): readonly Job[] {
  const specs = Array.from({ length: JOBS / 10 }, (_, i) => ({ name: `image-${i}`, tags: ['pool0'] }));
  return Array.from({ length: 10 }, (_, i) => farm.sandbox.gitlab.createPipeline(`acme/layer-${i}`, specs).jobs).flat();
}

/** Their times are more the harness's than the functions'. */
const SHARED = 'GitLab, OTC, OBS and gateway are one process; the senders, the webhooks and the scalers one more each';

function rows({ sent: { answers, ms }, creates, passes, created, names, runners }: Burst): readonly Row[] {
  const times = answers.map((answer) => answer.ms);
  const must = (what: string, value: number, expected: number): Row => ({
    what,
    value,
    unit: '',
    against: { kind: 'exactly', value: expected },
    must: true,
  });
  return [
    must('answered with anything but 200', answers.filter(({ status }) => status !== 200).length, 0),
    {
      what: `longest answer (p50 ${quantile(times, 0.5).toFixed(0)} ms)`,
      value: largest(times),
      unit: 'ms',
      against: { kind: 'most', value: WITHIN_MS },
      must: false,
      note: SHARED,
    },
    {
      what: `all deliveries, ${SENDERS} senders`,
      value: ms,
      unit: 'ms',
      against: { kind: 'most', value: ALL_WITHIN_MS },
      must: false,
    },
    must('workers created', created, LIMIT),
    must('of different names', names, LIMIT),
    must('runners created', runners, LIMIT),
    { what: 'reconcile passes', value: passes, unit: '', against: { kind: 'most', value: MOST_PASSES }, must: true },
    { what: 'first hook to the first create', value: creates[0] ?? Number.NaN, unit: 'ms', must: false },
    { what: 'first hook to half of the creates', value: quantile(creates, 0.5), unit: 'ms', must: false },
    { what: 'first hook to the last create', value: largest(creates), unit: 'ms', must: false },
  ];
}
