import { PHASES } from '../../lib/core/chart/grid.ts';
import { clockSeconds, dayTime } from '../../lib/core/chart/zone.ts';
import { DAY } from '../../lib/core/time.ts';
import { type Farm, type FarmWorker, stateOf } from '../model/farm.ts';
import type { Cost, Point } from '../model/points.ts';
import { duration, figure, machinesNote, money, reason } from '../model/view.ts';
import { byId, chip, element, none, table } from './dom.ts';

const MOST_WORKERS = 40;
const MOST_ACTIONS = 12;
/** The phases that need looking at come first. */
const ORDER = ['failed', 'draining', 'ordered', 'booting', 'busy', 'idle'];

export interface Times {
  readonly now: number;
  readonly zone: string;
}

export interface Figures {
  readonly newest: Point | undefined;
  readonly today: Cost | undefined;
  readonly month: Cost | undefined;
  readonly currency: string | undefined;
}

/** The numbers of now. */
export function showNow({ newest, today, month, currency }: Figures): void {
  const phases = PHASES.map((phase) => element('span', { class: 'part' }, chip(phase), ' ', element('b', {}, figure(newest?.[phase]))));
  const waits = newest?.oldestWait;
  byId('now', HTMLElement).replaceChildren(
    card('Machines', figure(newest?.machines), machinesNote(newest)),
    card('By state', element('span', { class: 'parts' }, ...phases), '', 'wide'),
    card('Waiting jobs', figure(newest?.pending), newest?.unmet === undefined ? '' : `${figure(newest.unmet)} without a worker in sight`),
    card('Longest wait', waits === undefined ? '–' : duration(waits * 1000), waits === 0 ? 'nothing waits' : ''),
    ...(today === undefined && month === undefined
      ? []
      : [costCard('Cost today', today, currency), costCard('Cost this month', month, currency)]),
  );
}

function card(title: string, value: string | Node, note: string, kind = ''): HTMLElement {
  const notes = note === '' ? [] : [element('dd', { class: 'note' }, note)];
  return element('div', { class: `card ${kind}` }, element('dt', {}, title), element('dd', { class: 'value' }, value), ...notes);
}

function costCard(title: string, cost: Cost | undefined, currency: string | undefined): HTMLElement {
  if (!cost) return card(title, '–', 'no price known');
  const share = cost.known / Math.max(1, cost.passed);
  const unit = currency === undefined ? [] : [' ', element('small', {}, currency)];
  const value = element('span', {}, money(cost.amount), ...unit);
  return card(title, value, share < 0.99 ? `known for ${Math.floor(share * 100)} % of the time` : '');
}

export function showAlarms(alarms: Farm['alarms'], { now, zone }: Times, pool: string | undefined): void {
  const raised = alarms.filter(
    (alarm) => alarm.state === 'raised' && (pool === undefined || alarm.pool === undefined || alarm.pool === pool),
  );
  byId('alarms', HTMLElement).hidden = raised.length === 0;
  byId('alarm-list', HTMLElement).replaceChildren(
    ...raised.map(({ kind, pool: of, text, since }) =>
      element(
        'li',
        {},
        element('b', {}, of === undefined ? kind : `${kind} ${of}`),
        ` ${text} `,
        element('span', { class: 'note' }, `for ${duration(now - since)}, since ${moment(since, now, zone)}`),
      ),
    ),
  );
}

const BY_HAND: Readonly<Record<string, string>> = { pause: 'paused', drain: 'drained to zero', roll: 'rolled', keep: 'kept' };

/** What people have told the farm to do, or to leave. */
export function showControls(controls: NonNullable<Farm['controls']>, { now, zone }: Times): void {
  const lines = controls.map(({ kind, target, since, until }) => {
    const end = until === undefined ? '' : `, until ${moment(Date.parse(until), now, zone)}`;
    const text = `${target === '_all' ? 'Every pool' : target} is ${BY_HAND[kind] ?? kind} by hand since ${moment(Date.parse(since), now, zone)}${end}.`;
    return element('p', { class: 'warning' }, text);
  });
  byId('by-hand', HTMLElement).replaceChildren(...lines);
}

/** Gives how many there are that are not shown. */
export function showWorkers(workers: readonly FarmWorker[], all: boolean, { now, zone }: Times, currency: string | undefined): number {
  const rank = (worker: FarmWorker) => ORDER.indexOf(stateOf(worker));
  const sorted = [...workers].sort((a, b) => rank(a) - rank(b) || (a.since < b.since ? 1 : -1));
  const shown = all ? sorted : sorted.slice(0, MOST_WORKERS);
  const priced = workers.some(({ costPerHour }) => costPerHour !== undefined);
  const parent = byId('workers', HTMLElement);
  if (shown.length === 0) parent.replaceChildren(none('There is no worker.'));
  else {
    parent.replaceChildren(
      table(
        'Workers',
        [
          { title: 'Worker', kind: 'name', cell: ({ name }) => name },
          { title: 'State', kind: 'short', cell: (worker) => chip(stateOf(worker)) },
          { title: 'For', kind: 'short', cell: ({ since }) => age(since, now, zone) },
          { title: 'Why', cell: ({ why }) => (why === undefined ? '' : reason(why)) },
          { title: 'Pool', kind: 'short', cell: ({ pool }) => pool },
          { title: 'Flavor', kind: 'short', cell: ({ flavor }) => flavor ?? '' },
          { title: 'Zone', kind: 'short', cell: ({ zone: at }) => at ?? '' },
          ...(priced
            ? [
                {
                  title: `${currency ?? 'Cost'} an hour`,
                  kind: 'number',
                  cell: ({ costPerHour }: FarmWorker) => (costPerHour === undefined ? '' : money(costPerHour)),
                } as const,
              ]
            : []),
        ],
        shown,
      ),
    );
  }
  return sorted.length - shown.length;
}

/** Gives how many there are that are not shown. */
export function showActions(actions: Farm['actions'], all: boolean, { now, zone }: Times): number {
  const shown = all ? actions : actions.slice(0, MOST_ACTIONS);
  const parent = byId('actions', HTMLElement);
  if (actions.length === 0) parent.replaceChildren(none('Nothing was done lately.'));
  else {
    parent.replaceChildren(
      table(
        'Last actions',
        [
          { title: 'Time', kind: 'short', cell: ({ time }) => moment(Date.parse(time), now, zone) },
          { title: 'Action', kind: 'short', cell: ({ kind }) => kind },
          { title: 'Worker', kind: 'name', cell: ({ worker }) => worker },
          { title: 'Why', cell: ({ why, alarm }) => (alarm === undefined ? reason(why) : `${reason(why)} (alarm: ${alarm})`) },
          { title: 'Outcome', cell: outcomeOf },
        ],
        shown,
      ),
    );
  }
  return actions.length - shown.length;
}

function outcomeOf({ outcome, code }: Farm['actions'][number]): HTMLElement {
  return element('span', { class: outcome === 'done' ? 'done' : 'failed-text' }, code === undefined ? outcome : `${outcome}: ${code}`);
}

export function showWaiting(waiting: Farm['waiting'], { now, zone }: Times): void {
  const parent = byId('waiting', HTMLElement);
  if (waiting.length === 0) parent.replaceChildren(none('No job waits.'));
  else {
    parent.replaceChildren(
      table(
        'Jobs that wait',
        [
          { title: 'Job', kind: 'name', cell: ({ jobId }) => String(jobId) },
          { title: 'Pool', kind: 'short', cell: ({ pool }) => pool },
          { title: 'For', kind: 'short', cell: ({ since }) => age(since, now, zone) },
        ],
        waiting.slice(0, 10),
      ),
      ...(waiting.length > 10 ? [none(`… and ${waiting.length === 50 ? 'at least ' : ''}${waiting.length - 10} more`)] : []),
    );
  }
}

export function showManagers(managers: Farm['managers'], { now, zone }: Times): void {
  const parent = byId('managers', HTMLElement);
  if (managers.length === 0) parent.replaceChildren(none('No cache manager reports here.'));
  else {
    parent.replaceChildren(
      table(
        'Caches',
        [
          { title: 'Manager', kind: 'name', cell: ({ name }) => name },
          { title: 'State', cell: ({ phase, problems }) => (problems.length === 0 ? phase : `${phase}: ${problems.join('; ')}`) },
          { title: 'Last heard of', kind: 'short', cell: ({ time }) => element('span', {}, age(time, now, zone), ' ago') },
        ],
        managers,
      ),
    );
  }
}

/** How long ago, with the time itself for those who point at it. */
function age(since: string, now: number, zone: string): HTMLElement {
  const at = Date.parse(since);
  if (Number.isNaN(at)) return element('span', {}, '–');
  return element('time', { datetime: since, title: dayTime(at, zone) }, duration(now - at));
}

function moment(at: number, now: number, zone: string): string {
  return Math.abs(now - at) < DAY / 2 ? clockSeconds(at, zone) : dayTime(at, zone);
}
