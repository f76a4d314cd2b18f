import { gridOf } from '../lib/core/chart/grid.ts';
import { clockSeconds, dayTime, startOfDay, startOfMonth } from '../lib/core/chart/zone.ts';
import { FARM_KEY } from '../lib/core/keys.ts';
import { DAY, MINUTE } from '../lib/core/time.ts';
import { Counts, type Read } from './model/counts.ts';
import { type Farm, parseFarm, stateOf } from './model/farm.ts';
import { combine, costOf } from './model/points.ts';
import { duration, hashOf, isStale, pollEvery, SPANS, type SpanName, spanOf, type View, viewOf } from './model/view.ts';
import { Charts } from './view/charts.ts';
import { byId, element } from './view/dom.ts';
import { showActions, showAlarms, showControls, showManagers, showNow, showWaiting, showWorkers } from './view/panels.ts';
import { applyTheme, remember, remembered } from './view/settings.ts';

const LOCAL = Intl.DateTimeFormat().resolvedOptions().timeZone;
const READ_MS = 20_000;
/** Clocks may differ by so much. */
const AHEAD_MS = 5 * MINUTE;

let view: View = viewOf(location.hash);
let zone = remembered('zone') === 'UTC' ? 'UTC' : LOCAL;
let farm: Farm | undefined;
/** Why the last look gave nothing; absent when it did. */
let failure: string | undefined;
/** What the server's clock is ahead of this machine's: its answers say the time, and only theirs counts. */
let ahead = 0;
let looked = false;
const all = { workers: false, actions: false };
let timer: ReturnType<typeof setTimeout> | undefined;
let looking = false;
/** Something else was asked for during a look: look again after it. */
let again = false;

const read: Read = async (key, from) => {
  const headers: Record<string, string> = from === undefined ? {} : { Range: `bytes=${from}-` };
  const answer = await fetch(new URL(key, document.baseURI), {
    headers,
    cache: 'no-store',
    credentials: 'same-origin',
    signal: AbortSignal.timeout(READ_MS),
  });
  const theirs = Date.parse(answer.headers.get('date') ?? '');
  if (!Number.isNaN(theirs)) ahead = theirs - Date.now();
  return {
    status: answer.status,
    body: new Uint8Array(await answer.arrayBuffer()),
    range: answer.headers.get('content-range') ?? undefined,
  };
};

const counts = new Counts(read);
const charts = new Charts();
const now = () => Date.now() + ahead;

/** One look at the bucket, and the next one a minute later; none while nobody looks at the page. */
async function look(): Promise<void> {
  clearTimeout(timer);
  again = looking;
  if (looking) return;
  looking = true;
  try {
    const { status, body } = await read(FARM_KEY);
    if (status === 200) farm = parseFarm(new TextDecoder().decode(body)) ?? farm;
    else if (status === 403 || status === 404) farm = undefined;
    else throw new Error(`HTTP ${status}`);
    await refresh();
    failure = undefined;
  } catch (error) {
    failure = error instanceof Error && error.message.startsWith('HTTP') ? error.message : 'no answer';
  }
  looking = false;
  looked = true;
  // Before anything is drawn: whatever fails there, the page looks again.
  if (again) timer = setTimeout(() => void look());
  else if (document.visibilityState === 'visible') timer = setTimeout(() => void look(), pollEvery(location.search));
  render();
}

async function refresh(): Promise<void> {
  const span = spanOf(view.span, now());
  const from = Math.min(span.from, startOfMonth(now(), zone));
  await counts.refresh({ from, to: span.to }, recordedAt(), now());
}

/** When the farm was last looked after; `undefined` when that is not known, or a time that has not come. */
function recordedAt(): number | undefined {
  const at = Date.parse(farm?.time ?? '');
  return at <= now() + AHEAD_MS ? at : undefined;
}

function render(): void {
  const at = now();
  const span = spanOf(view.span, at);
  const { step } = SPANS[view.span];
  const rows = step === MINUTE ? counts.minutes(span) : counts.hours(span);
  const grid = gridOf(combine(rows, view.pool), span, step);
  charts.show({ grid, span: view.span, zone });

  const newest = combine(counts.minutes({ from: at - DAY, to: at }), view.pool).at(-1);
  const cost = (from: number) => costOf(mixed(from, at), from, at, view.pool);
  const currency = farm?.currency;
  showNow({ newest, today: cost(startOfDay(at, zone)), month: cost(startOfMonth(at, zone)), currency });
  const times = { now: at, zone };
  const mine = <T extends { readonly pool: string }>(entries: readonly T[]) =>
    entries.filter(({ pool }) => view.pool === undefined || pool === view.pool);
  const { value: phase } = byId('phase', HTMLSelectElement);
  const workers = mine(farm?.workers ?? []).filter((worker) => phase === '' || stateOf(worker) === phase);
  offer('more-workers', showWorkers(workers, all.workers, times, currency), workers.length, all.workers);
  showControls(farm?.controls ?? [], times);
  showAlarms(farm?.alarms ?? [], times, view.pool);
  const actions = mine(farm?.actions ?? []);
  offer('more-actions', showActions(actions, all.actions, times), actions.length, all.actions);
  showWaiting(mine(farm?.waiting ?? []), times);
  showManagers(farm?.managers ?? [], times);
  renderHead(newest?.at);
  renderPools(rows.map(({ pool }) => pool));
}

/** The button that shows the whole list, where there is more of it. */
function offer(id: string, left: number, length: number, whole: boolean): void {
  const button = byId(id, HTMLButtonElement);
  button.hidden = left === 0 && !whole;
  button.textContent = whole ? 'Show fewer' : `Show all ${length}`;
}

/** Hours of closed days and minutes of the rest: both ends of a day are exact where minutes are there. */
function mixed(from: number, to: number) {
  const recent = Math.max(from, Math.floor(to / DAY - 1) * DAY);
  return [...counts.hours({ from, to: recent }), ...counts.minutes({ from: recent, to })];
}

/** The age of what is shown: the newest of the farm's view and of its counts. */
function renderHead(newest: number | undefined): void {
  const at = Math.max(recordedAt() ?? 0, newest ?? 0);
  const age = now() - at;
  const name = farm?.installation ?? '';
  document.title = name === '' ? 'CI workers' : `${name} · CI workers`;
  byId('title', HTMLElement).textContent = name === '' ? 'CI workers' : name;
  const read = at === 0 ? '' : `Recorded ${duration(age)} ago, at ${clockSeconds(at, zone)} (${zone})`;
  byId('age', HTMLElement).textContent = read;
  const words = warning(at, age);
  const holder = byId('warning', HTMLElement);
  // Said only when it changes: it is read aloud.
  if (holder.textContent !== words) holder.replaceChildren(...(words === '' ? [] : [element('p', { class: 'warning' }, words)]));
}

function warning(at: number, age: number): string {
  if (!looked) return '';
  const last = at === 0 ? '' : ` What is shown was recorded at ${dayTime(at, zone)}.`;
  if (failure !== undefined) return `The counts could not be read (${failure}); it is tried again.${last}`;
  if (at === 0) return 'Nothing is recorded yet, or counts/ may not be read from here.';
  // To the minute, and not counted on: it is read aloud.
  return isStale(age)
    ? `Old numbers: nothing was recorded since ${dayTime(at, zone)}. Probably the timer has stopped; the farm may look different now.`
    : '';
}

function renderPools(seen: readonly string[]): void {
  const select = byId('pool', HTMLSelectElement);
  const known = farm ? farm.pools.map(({ name }) => name) : seen;
  const names = [...new Set([...known, ...(view.pool === undefined ? [] : [view.pool])])];
  const there = [...select.options].map(({ value }) => value);
  if (JSON.stringify(there) !== JSON.stringify(['', ...names])) {
    select.replaceChildren(element('option', { value: '' }, 'All pools'), ...names.map((name) => element('option', { value: name }, name)));
  }
  select.value = view.pool ?? '';
}

/** Shows something else: at once what is here already, and the rest when it has come. */
function change(next: View): void {
  view = next;
  history.replaceState(null, '', `${location.search}${hashOf(view)}`);
  render();
  void look();
}

function start(): void {
  applyTheme(remembered('theme'));
  const spans = byId('spans', HTMLElement);
  for (const [name, { label }] of Object.entries(SPANS)) {
    const radio = element('input', { type: 'radio', name: 'span', value: name, id: `span-${name}` });
    radio.checked = name === view.span;
    radio.addEventListener('change', () => change({ ...view, span: name as SpanName }));
    spans.append(radio, element('label', { for: `span-${name}` }, label));
  }
  const zones = byId('zone', HTMLSelectElement);
  zones.append(element('option', { value: LOCAL }, LOCAL), ...(LOCAL === 'UTC' ? [] : [element('option', { value: 'UTC' }, 'UTC')]));
  zones.value = zone;
  zones.addEventListener('change', () => {
    zone = zones.value;
    remember('zone', zone);
    change(view);
  });
  byId('pool', HTMLSelectElement).addEventListener('change', ({ currentTarget }) => {
    const { value } = currentTarget as HTMLSelectElement;
    change({ span: view.span, ...(value === '' ? {} : { pool: value }) });
  });
  const theme = byId('theme', HTMLSelectElement);
  theme.value = remembered('theme') ?? 'auto';
  theme.addEventListener('change', () => {
    remember('theme', theme.value);
    applyTheme(theme.value);
    charts.redraw();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.redraw());
  const phase = byId('phase', HTMLSelectElement);
  for (const name of ['busy', 'idle', 'booting', 'ordered', 'draining', 'failed']) phase.append(element('option', { value: name }, name));
  phase.addEventListener('change', render);
  for (const list of ['workers', 'actions'] as const) {
    byId(`more-${list}`, HTMLButtonElement).addEventListener('click', () => {
      all[list] = !all[list];
      render();
    });
  }
  byId('controls', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());
  addEventListener('hashchange', () => {
    view = viewOf(location.hash);
    byId(`span-${view.span}`, HTMLInputElement).checked = true;
    render();
    void look();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void look();
    else clearTimeout(timer);
  });
  // The age grows between two looks.
  setInterval(() => document.visibilityState === 'visible' && looked && render(), 15_000);
  render();
  void look();
}

start();
