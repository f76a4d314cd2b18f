import pMap from 'p-map';
import type { Job } from '../sandbox/gitlab/model.ts';
import { type BenchFarm, ledgerEntries, startBenchFarm } from './farm.ts';
import type { Row, Section } from './row.ts';
import { largest, quantile } from './statistics.ts';

const DELIVERIES = 1000;
const JOBS = 300;
const LIMIT = 100;
/** GitLab's Sidekiq sends with so many threads at most in a large installation, and the webhook is deployed with as many instances. */
const SENDERS = 50;
const WITHIN_MS = 1000;
const MOST_PASSES = 10;

interface Sent {
  readonly statuses: readonly number[];
  readonly times: readonly number[];
  readonly ms: number;
  /** Milliseconds from the first delivery to each create. */
  readonly creates: readonly number[];
}

/** A thousand hooks at once, most of them doubled: the farm must answer all, launch up to the limit, and think only a few times. */
export async function burst(): Promise<Section> {
  const created: number[] = [];
  const names = new Set<unknown>();
  const bench = await startBenchFarm({
    pools: [{ limit: LIMIT }],
    onEvent: ({ kind, fields }) => {
      if (kind !== 'server-created') return;
      created.push(performance.now());
      names.add(fields.name);
    },
  });
  try {
    const jobs = makeJobs(bench);
    await warmUp(bench, jobs);
    const began = performance.now();
    const sent = await sendAll(bench, jobs);
    await bench.settled();
    const result = { ...sent, creates: created.map((at) => at - began) };
    const passes = await ledgerEntries(bench, 'plan');
    const { sandbox } = bench.farm;
    return {
      name: `burst: ${DELIVERIES} deliveries for ${JOBS} pending jobs, limit ${LIMIT}`,
      rows: rows(result, passes, sandbox.ecs.created, names.size, sandbox.gitlab.runners.size),
    };
  } finally {
    await bench.close();
  }
}

function makeJobs({ farm }: BenchFarm): readonly Job[] {
  const specs = Array.from({ length: JOBS / 10 }, (_, i) => ({ name: `image-${i}`, tags: ['pool0'] }));
  return Array.from({ length: 10 }, (_, i) => farm.sandbox.gitlab.createPipeline(`acme/layer-${i}`, specs).jobs).flat();
}

/** One authentic hook that wakes nobody: code is compiled and the connections stand before the clock starts. */
async function warmUp(bench: BenchFarm, jobs: readonly Job[]): Promise<void> {
  const [job] = jobs;
  if (!job) return;
  const finished = bench.hook({ ...job, status: 'success' });
  await pMap(Array.from({ length: SENDERS * 2 }), () => finished(), { concurrency: SENDERS });
}

async function sendAll(bench: BenchFarm, jobs: readonly Job[]): Promise<Omit<Sent, 'creates'>> {
  const hooks = Array.from({ length: DELIVERIES }, (_, i) => jobs[i % jobs.length]).flatMap((job) => (job ? [bench.hook(job)] : []));
  const began = performance.now();
  const answers = await pMap(hooks, (hook) => hook(), { concurrency: SENDERS });
  return { statuses: answers.map(({ status }) => status), times: answers.map(({ ms }) => ms), ms: performance.now() - began };
}

function rows(sent: Sent, passes: number, created: number, names: number, runners: number): readonly Row[] {
  const { statuses, times, creates, ms } = sent;
  const late = "sandbox, senders and all functions share one process here: the time is the machine's more than the functions'";
  const must = (what: string, value: number, expected: number): Row => ({
    what,
    value,
    unit: '',
    against: { kind: 'exactly', value: expected },
    must: true,
  });
  return [
    must('answered with anything but 200', statuses.filter((status) => status !== 200).length, 0),
    {
      what: `longest answer (p50 ${quantile(times, 0.5).toFixed(0)} ms)`,
      value: largest(times),
      unit: 'ms',
      against: { kind: 'most', value: WITHIN_MS },
      must: false,
    },
    {
      what: `all deliveries, ${SENDERS} senders`,
      value: ms,
      unit: 'ms',
      against: { kind: 'most', value: WITHIN_MS },
      must: false,
      note: late,
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
