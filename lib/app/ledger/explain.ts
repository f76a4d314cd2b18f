import { onTheirWay } from '../../core/plural.ts';
import { formatDuration, fromIso, toIso } from '../../core/time.ts';
import type { ReadEntry } from './schema.ts';
import { adviceLine, bootLines } from './sentences/boot.ts';
import { controlText } from './sentences/controls.ts';
import { ranByJob, ranByWorker, ranLines } from './sentences/jobs.ts';
import { brakeText } from './sentences/limits.ts';

/** What the ledger says about one job or one worker, as sentences with a time, oldest first. */
export interface Explanation {
  readonly lines: readonly ExplanationLine[];
  readonly entries: readonly ReadEntry[];
}

export interface ExplanationLine {
  readonly time: string;
  readonly text: string;
  readonly details?: readonly string[];
}

/** Everything that was decided about a job: when it was first seen waiting, what was launched for it, and what kept it waiting. */
export function explainJob(entries: readonly ReadEntry[], jobId: number): Explanation {
  const launches = entries.filter((e) => e.kind === 'launch' && e.jobId === jobId);
  const workers = new Set(launches.flatMap((e) => (e.worker ? [e.worker] : [])));
  const plans = entries.filter((e) => (e.kind === 'plan' || e.kind === 'blind') && e.waiting?.includes(jobId));
  const ran = entries.filter((e) => e.jobs?.some((job) => job.id === jobId));
  const unseen = unseenIn(entries, plans, ran, jobId);
  const about = entries.filter(
    (e) =>
      launches.includes(e) ||
      plans.includes(e) ||
      ran.includes(e) ||
      unseen.includes(e) ||
      isHeldBy(e, plans) ||
      isStop(e, plans) ||
      (e.kind !== 'ran' && e.worker !== undefined && workers.has(e.worker)),
  );
  const told = about.filter((e) => !plans.includes(e) || unseen.includes(e) || plans[0] === e || plans.at(-1) === e || isNews(e, plans));
  return { lines: told.map((e) => ({ time: e.time, text: sentence(e, jobId) })), entries: about };
}

/** Passes that may have missed the job because what waits could not be read, or not all of it: one for each reason that follows another. */
function unseenIn(
  entries: readonly ReadEntry[],
  plans: readonly ReadEntry[],
  ran: readonly ReadEntry[],
  jobId: number,
): readonly ReadEntry[] {
  const from = plans[0]?.time ?? '';
  const started = ran.flatMap((e) => e.jobs?.find(({ id }) => id === jobId)?.started ?? [])[0];
  const reasons = new Map<string, string>();
  return entries.filter((e) => {
    if ((e.kind !== 'plan' && e.kind !== 'blind') || e.time < from || (started !== undefined && e.time > started)) return false;
    const isUnread = e.kind === 'blind' || (e.unread?.some(({ source }) => source === 'jobs') && !e.waiting?.includes(jobId));
    const reason = isUnread ? (e.unread ?? []).map(({ source, code }) => `${source} ${code}`).join() : '';
    const isNew = reason !== '' && reasons.get(e.pool) !== reason;
    reasons.set(e.pool, reason);
    return isNew;
  });
}

/** Who has paused or drained the job's pool while it waited, and until when. */
function isHeldBy({ kind, control, pool, time }: ReadEntry, plans: readonly ReadEntry[]): boolean {
  const [first] = plans;
  const last = plans.at(-1);
  if (kind !== 'control' || (control !== 'pause' && control !== 'drain') || !first || !last) return false;
  return time >= first.time && time <= last.time && (pool === '' || plans.some((plan) => plan.pool === pool));
}

/** An alarm that nothing was launched while it waited: for its pool, or for all of them. */
function isStop({ kind, alarm, pool, time }: ReadEntry, plans: readonly ReadEntry[]): boolean {
  const [first] = plans;
  if (kind !== 'alarm' || alarm !== 'launching-stopped' || !first || time < first.time) return false;
  return (pool === '' || plans.some((plan) => plan.pool === pool)) && time <= toIso((fromIso(plans.at(-1)?.time ?? '') ?? 0) + 120_000);
}

/** Everything that was done to a worker, how it booted, and when it was left alone. */
export function explainWorker(entries: readonly ReadEntry[], worker: string): Explanation {
  const about = entries.filter(
    (e) =>
      e.worker === worker ||
      ((e.kind === 'alarm' || e.kind === 'control') && e.subject === worker) ||
      e.held?.some((h) => h.worker === worker),
  );
  const launchedAt = about.find((e) => e.kind === 'launch')?.time;
  const lines = about.map((e) => ({ time: e.time, text: sentence(e, undefined, worker), ...details(e, launchedAt) }));
  return { lines, entries: about };
}

/** Whether the worker was launched and nothing tells yet what became of it. */
export function isUnsettled({ entries }: Explanation): boolean {
  const launched = entries.some((e) => e.kind === 'launch' && (e.outcome === 'done' || e.outcome === 'unclear'));
  return launched && !entries.some((e) => isEnd(e) || ((e.kind === 'reap' || e.kind === 'forget') && e.outcome === 'done'));
}

function isEnd({ kind }: ReadEntry): boolean {
  return kind === 'booted' || kind === 'boot-failed';
}

function details(e: ReadEntry, launchedAt: string | undefined): { readonly details?: readonly string[] } {
  if (e.kind === 'ran') return { details: ranLines(e.jobs ?? []) };
  // Without a VM nothing can have been printed, and the sentence says why there was none.
  if (!isEnd(e) || e.createdAt === undefined) return {};
  const boot = { ...e, launchedAt };
  return { details: [...bootLines(boot), ...(e.kind === 'boot-failed' ? [adviceLine(boot)] : [])] };
}

/** A plan that kept the job waiting for another reason than the one before it. */
function isNews(entry: ReadEntry, plans: readonly ReadEntry[]): boolean {
  const before = plans[plans.indexOf(entry) - 1];
  const reasons = (e: ReadEntry | undefined) => JSON.stringify([e?.kind, e?.brakes?.map((b) => b.why), e?.unread?.map((u) => u.source)]);
  return reasons(before) !== reasons(entry);
}

function sentence(e: ReadEntry, jobId?: number, worker?: string): string {
  switch (e.kind) {
    case 'plan':
      return planSentence(e, jobId, worker);
    case 'blind':
      return `pool ${e.pool}: nothing could be decided: ${unreadOf(e)}`;
    case 'launch':
      return `${outcomeOf(e)} launch of ${e.worker ?? 'a worker'} (${e.why}${e.flavor ? `, ${e.flavor} in ${e.zone}` : ''})${problemOf(e)}`;
    case 'booted':
      return `${e.worker} asked GitLab for a job, ${afterLaunch(e)}`;
    case 'boot-failed':
      return `${e.worker} did not boot: ${e.why}${e.reason ? `, ${e.reason}` : ''} (${afterLaunch(e)})`;
    case 'ran':
      return jobId === undefined ? ranByWorker(e) : ranByJob(e, jobId);
    case 'control':
      return controlSentence(e);
    case 'alarm':
      return `alarm ${e.alarm}${e.state === 'cleared' ? ' is over' : ''}: ${e.text ?? ''}`;
    default:
      return `${outcomeOf(e)} ${e.kind} of ${e.worker}: ${e.why}${e.alarm ? ` — alarm: ${e.alarm}` : ''}${problemOf(e)}`;
  }
}

function planSentence(e: ReadEntry, jobId: number | undefined, worker: string | undefined): string {
  const held = e.held?.find((h) => h.worker === worker);
  if (held) return `left alone: ${held.why}`;
  return jobId === undefined || e.waiting?.includes(jobId) ? waitingSentence(e, jobId) : unseenSentence(e);
}

function controlSentence(e: ReadEntry): string {
  const text = controlText({ ...e, kind: e.control ?? '', target: e.subject ?? '' });
  return e.state === 'ended' ? `over: ${text}` : text;
}

function waitingSentence(e: ReadEntry, jobId: number | undefined): string {
  const n = e.numbers ?? {};
  const place = jobId === undefined ? '' : `${(e.waiting?.indexOf(jobId) ?? 0) + 1} of ${n.demand ?? '?'}`;
  const seen = `pool ${e.pool}: waiting, ${place}; machines ${n.machines}/${n.limit} (booting ${n.booting}, idle ${n.idle}, busy ${n.busy})${n.coming ? `, ${onTheirWay(n.coming)}` : ''}`;
  const brakes = (e.brakes ?? []).map(brakeText);
  return brakes.length > 0 ? `${seen}; held back: ${brakes.join('; ')}` : seen;
}

function unseenSentence(e: ReadEntry): string {
  const jobs = (e.unread ?? []).filter(({ source }) => source === 'jobs');
  const isWhole = jobs.some(({ part }) => part === undefined);
  return `pool ${e.pool}: not seen waiting${isWhole ? '' : ', or among what could not be read'}: ${unreadOf({ ...e, unread: jobs })}`;
}

function outcomeOf(e: ReadEntry): string {
  return { done: 'done:', failed: 'FAILED:', skipped: 'skipped:', unclear: 'unclear:' }[e.outcome ?? ''] ?? '';
}

function problemOf(e: ReadEntry): string {
  return e.code ? ` — ${e.code}${e.message ? `: ${e.message}` : ''}` : '';
}

function unreadOf(e: ReadEntry): string {
  return (e.unread ?? []).map((u) => `${u.part ?? u.source} could not be read (${u.code}: ${u.message})`).join('; ');
}

function afterLaunch({ seconds }: ReadEntry): string {
  return seconds === undefined ? 'some time after its launch' : `${formatDuration(seconds * 1000, 'fine')} after its launch`;
}
