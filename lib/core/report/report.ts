import type { Costs } from '../costs.ts';
import { defined } from '../defined.ts';
import { type Spread, spread } from '../statistics.ts';
import { type BootFact, hasStarted, type JobFact, STEPS, type Step, type Timeline, timeline, type WaitFact } from './timeline.ts';
import { apportion, type MachineFact, type MachineUse, type TimeSpan, useOf } from './utilization.ts';

/** Something that the figures lack, and why. */
export interface Gap {
  readonly kind: string;
  readonly count: number;
  readonly text: string;
}

export interface ReportInput extends TimeSpan {
  /** Of this pool alone. */
  readonly pool?: string;
  /** Waits and rows of this project alone; pools and totals stay whole. */
  readonly project?: string;
  readonly costs?: Costs;
  readonly machines: readonly MachineFact[];
  /** Every job that a worker was given, each once. */
  readonly jobs: readonly JobFact[];
  readonly waits: ReadonlyMap<number, WaitFact>;
  readonly boots: ReadonlyMap<string, BootFact>;
  /** What was found missing already. */
  readonly gaps: readonly Gap[];
}

/** Amounts are in the currency's units, rounded so that they add up to the rounded total. */
export interface ProjectRow {
  readonly project: string;
  /** Jobs that began in the span. */
  readonly jobs: number;
  /** From pending to running, milliseconds. */
  readonly wait: Spread;
  readonly runMs: number;
  /** Boot and idle time of the machines that ran its jobs, by the jobs' own time. */
  readonly overheadMs: number;
  readonly cost?: number;
}

export interface PoolRow {
  readonly pool: string;
  readonly machines: number;
  readonly totalMs: number;
  readonly runMs: number;
  readonly bootMs: number;
  readonly idleMs: number;
  readonly unknownMs: number;
  /** Of the time whose use is known; absent without any. */
  readonly idleShare?: number;
  readonly cost?: number;
}

export interface Report extends TimeSpan {
  readonly pool?: string;
  readonly project?: string;
  readonly currency?: string;
  readonly steps: readonly (Spread & { readonly step: Step })[];
  readonly projects: readonly ProjectRow[];
  /** Machines that ran no job in the span: nobody's. */
  readonly jobless: { readonly machines: number; readonly totalMs: number; readonly cost?: number };
  readonly pools: readonly PoolRow[];
  readonly total: Omit<PoolRow, 'pool'>;
  readonly gaps: readonly Gap[];
  /** The jobs that began in the span, in that order. */
  readonly timelines: readonly Timeline[];
}

const DECIMALS = 4;

/** Puts together the report on a span. Jobs count where they began, machine time where it was spent. */
export function makeReport(input: ReportInput): Report {
  const { from, to, pool, project, costs } = input;
  const ofPool = (fact: { readonly pool: string }) => pool === undefined || fact.pool === pool;
  const ofProject = (row: { readonly project: string }) => project === undefined || row.project === project;
  const timelines = input.jobs
    .filter(hasStarted)
    .filter((job) => ofPool(job) && ofProject(job) && job.startedAt >= from && job.startedAt < to)
    .map((job) => timeline(job, input.waits.get(job.id), input.boots.get(job.worker)))
    .sort((a, b) => (a.job.startedAt ?? 0) - (b.job.startedAt ?? 0) || a.job.id - b.job.id);
  const uses = input.machines
    .filter(ofPool)
    .map((machine) => useOf(machine, input))
    .filter(({ totalMs }) => totalMs > 0);
  const priced = new Pricing(costs, uses);
  return {
    from,
    to,
    ...defined({ pool, project }),
    ...(costs && { currency: costs.currency }),
    steps: STEPS.map((step) => ({ step, ...spread(timelines.flatMap(({ steps }) => steps[step] ?? [])) })),
    ...projectRows(timelines, uses, priced, ofProject),
    ...poolRows(uses, priced),
    gaps: [...input.gaps, ...waitGaps(timelines), ...priced.gaps()],
    timelines,
  };
}

function projectRows(
  timelines: readonly Timeline[],
  uses: readonly MachineUse[],
  priced: Pricing,
  shown: (row: { readonly project: string }) => boolean,
): Pick<Report, 'projects' | 'jobless'> {
  const waits = groupBy(timelines, ({ job }) => job.project);
  const ran = groupBy(
    uses.flatMap((use) => use.jobs.map((job) => ({ ...job, price: priced.of(use) }))),
    ({ job }) => job.project,
  );
  const without = uses.filter(({ jobs }) => jobs.length === 0);
  const names = [...new Set([...waits.keys(), ...ran.keys()])].sort();
  const amounts = names.map((name) => sum((ran.get(name) ?? []).map(({ ms, overheadMs, price }) => BigInt(ms + overheadMs) * price)));
  const rest = sum(without.map((use) => BigInt(use.totalMs) * priced.of(use)));
  const money = priced.round([...amounts, rest]);
  const rows = names.map((name, i): ProjectRow => {
    const jobs = waits.get(name) ?? [];
    const time = ran.get(name) ?? [];
    return {
      project: name,
      jobs: jobs.length,
      wait: spread(jobs.flatMap(({ steps }) => steps['pending-running'] ?? [])),
      runMs: total(time, 'ms'),
      overheadMs: total(time, 'overheadMs'),
      ...priced.cost(money[i]),
    };
  });
  return {
    projects: rows.filter(shown),
    jobless: { machines: without.length, totalMs: total(without, 'totalMs'), ...priced.cost(money.at(-1)) },
  };
}

function poolRows(uses: readonly MachineUse[], priced: Pricing): Pick<Report, 'pools' | 'total'> {
  const pools = [...groupBy(uses, ({ machine }) => machine.pool)].sort(([a], [b]) => (a < b ? -1 : 1));
  const amounts = pools.map(([, some]) => sum(some.map((use) => BigInt(use.totalMs) * priced.of(use))));
  const money = priced.round(amounts);
  return {
    pools: pools.map(([pool, some], i) => ({ pool, ...useRow(some), ...priced.cost(money[i]) })),
    total: { ...useRow(uses), ...priced.cost(money.reduce((a, b) => a + b, 0n)) },
  };
}

function useRow(uses: readonly MachineUse[]): Omit<PoolRow, 'pool' | 'cost'> {
  const totalMs = total(uses, 'totalMs');
  const unknownMs = total(uses, 'unknownMs');
  const idleMs = total(uses, 'idleMs');
  return {
    machines: uses.length,
    totalMs,
    runMs: uses.reduce((all, { jobs }) => all + total(jobs, 'ms'), 0),
    bootMs: total(uses, 'bootMs'),
    idleMs,
    unknownMs,
    ...(totalMs > unknownMs ? { idleShare: idleMs / (totalMs - unknownMs) } : {}),
  };
}

function waitGaps(timelines: readonly Timeline[]): readonly Gap[] {
  const count = timelines.filter(({ steps }) => steps['pending-running'] === undefined).length;
  return count === 0 ? [] : [{ kind: 'no-wait', count, text: 'jobs of which GitLab does not tell when they became pending' }];
}

/** Prices in whole billionths, so that sums are exact; an amount is one of these times milliseconds. */
class Pricing {
  readonly #costs: Costs | undefined;
  readonly #unpriced: readonly MachineUse[];

  constructor(costs: Costs | undefined, uses: readonly MachineUse[]) {
    this.#costs = costs;
    this.#unpriced = costs ? uses.filter(({ machine }) => costs.flavors[machine.flavor ?? ''] === undefined) : [];
  }

  of({ machine }: MachineUse): bigint {
    return BigInt(Math.round((this.#costs?.flavors[machine.flavor ?? ''] ?? 0) * 1e9));
  }

  /** In units of the last decimal; together exactly the rounded sum. */
  round(amounts: readonly bigint[]): readonly bigint[] {
    const unit = (3_600_000n * 1_000_000_000n) / 10n ** BigInt(DECIMALS);
    return apportion((sum(amounts) + unit / 2n) / unit, amounts);
  }

  cost(units: bigint | undefined): { readonly cost?: number } {
    return this.#costs && units !== undefined ? { cost: Number(units) / 10 ** DECIMALS } : {};
  }

  gaps(): readonly Gap[] {
    if (!this.#costs) return [{ kind: 'no-prices', count: 0, text: 'no prices are configured (costs), so nothing is said about money' }];
    const flavors = [...new Set(this.#unpriced.map(({ machine }) => machine.flavor ?? 'unknown flavor'))].sort();
    const text = `machines without a price, which cost nothing here: ${flavors.join(', ')}`;
    return flavors.length === 0 ? [] : [{ kind: 'no-price', count: this.#unpriced.length, text }];
  }
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((a, b) => a + b, 0n);
}

function total<K extends string>(items: readonly Readonly<Record<K, number>>[], key: K): number {
  return items.reduce((all, item) => all + item[key], 0);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
