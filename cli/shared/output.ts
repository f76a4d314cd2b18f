import { controlText } from '../../lib/app/ledger/sentences/controls.ts';
import { brakeText } from '../../lib/app/ledger/sentences/limits.ts';
import type { ActionEntry } from '../../lib/app/ledger/types.ts';
import type { PoolReport, Report } from '../../lib/app/reconcile/reconcile.ts';
import { counted, onTheirWay } from '../../lib/core/plural.ts';
import type { CallRecord } from '../../lib/http/on-call.ts';
import { clean, escaped, shown } from './printable.ts';

/** Where commands write. `data` is what was asked for; `say` is for people and goes to standard error, so that `--json` can be piped. */
export interface Output {
  readonly json: boolean;
  data(text: string): void;
  say(text: string): void;
  /** Empties the screen, where there is one. */
  clear?(): void;
}

export function standardOutput(json: boolean): Output {
  return {
    json,
    data: (text) => void process.stdout.write(`${json ? escaped(text) : shown(text)}\n`),
    say: (text) => void process.stderr.write(`${shown(text)}\n`),
    clear: () => {
      if (process.stdout.isTTY && !json) process.stdout.write('\u001b[H\u001b[2J');
    },
  };
}

/** One call to GitLab or OTC, as `--verbose` shows it. */
export function renderCall({ name, status, code, ms }: CallRecord): string {
  return `${name} ${status ?? code} ${ms} ms`;
}

/** A report for people: what was seen, what would be or was done, and why. */
export function renderReport(report: Report): string {
  return clean(report.pools).map(renderPool).join('\n\n');
}

function renderPool(pool: PoolReport): string {
  const said = pool.said.map((control) => `  by hand: ${controlText(control)}`);
  const unread = pool.unread.map((u) => `  ! ${u.part ?? u.source} could not be read: ${u.code}: ${u.message}`);
  if (!pool.plan) return [`${pool.pool}: no plan possible`, ...said, ...unread].join('\n');
  const { numbers: n, actions, held, brakes, brokenZone } = pool.plan;
  const phases = (['booting', 'idle', 'busy', 'draining', 'failed'] as const).map((p) => `${n[p]} ${p}`).join(', ');
  const period = n.period === undefined ? '' : `, period ${n.period + 1} active`;
  const broken =
    brokenZone === undefined ? [] : [`  ! its periods cannot be evaluated (time zone ${brokenZone}); the pool's own values apply`];
  const head = [
    `${pool.pool}: ${n.machines} of at most ${counted(n.limit, 'machine')} (${phases})${n.coming ? `, ${onTheirWay(n.coming)}` : ''}`,
    `  ${jobsText(pool, n)}; idle target ${n.idleTarget}${period}`,
  ];
  const todo = pool.actions.length > 0 ? pool.actions.map(renderDone) : renderPlanned(actions);
  const left = held.map((h) => `  leave ${h.worker}: ${h.why}`);
  return [...head, ...said, ...unread, ...broken, ...todo, ...brakes.map((b) => `  held back: ${brakeText(b)}`), ...left].join('\n');
}

/** Jobs by what they have: a worker, one that this pass orders, or none. Before and after the pass's own actions, which may fail. */
function jobsText({ actions, plan }: PoolReport, { demand, unmet, unreadParts }: NonNullable<PoolReport['plan']>['numbers']): string {
  if (demand === undefined) return 'waiting jobs: unknown';
  const wanted = (plan?.actions ?? []).filter((a) => a.kind === 'launch' && a.jobId !== undefined).length;
  const launches = actions.filter((a) => a.kind === 'launch' && a.jobId !== undefined);
  const ordered = launches.filter((a) => a.outcome === 'done').length;
  const own = actions.length > 0 ? `${ordered} just ordered` : `${wanted} to be ordered now`;
  const without = unmet + (actions.length > 0 ? wanted - ordered : 0);
  const parts = [`${Math.max(0, demand - unmet - wanted)} with a worker`, ...(wanted > 0 ? [own] : []), `${without} without`];
  return `waiting jobs: ${demand}${unreadParts ? ' or more' : ''}${demand > 0 ? `: ${parts.join(', ')}` : ''}`;
}

function renderPlanned(actions: NonNullable<PoolReport['plan']>['actions']): readonly string[] {
  if (actions.length === 0) return ['  nothing to do'];
  return actions.map((a) => {
    if (a.kind === 'launch') return `  launch one worker: ${a.why}${a.jobId === undefined ? '' : ` (job ${a.jobId})`}`;
    return `  ${a.kind} ${a.worker}: ${a.why}`;
  });
}

function renderDone(a: ActionEntry): string {
  const problem = a.code ? ` — ${a.code}${a.message ? `: ${a.message}` : ''}` : '';
  const job = a.jobId === undefined ? '' : ` (job ${a.jobId})`;
  return `  ${a.outcome}: ${a.kind} ${a.worker}: ${a.why}${job}${a.alarm ? ` ALARM ${a.alarm}` : ''}${problem}`;
}
