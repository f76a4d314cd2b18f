import { dayIn, dayKey, INDEX_KEY, MOST_PARTS, monthKey, partKey, rawKey } from '../../lib/core/keys.ts';
import { minuteRow, parseRollup, rollUp, type SeriesRow } from '../../lib/core/metrics/rollup.ts';
import { parseSamples, type Sample } from '../../lib/core/metrics/sample.ts';
import { DAY, MINUTE } from '../../lib/core/time.ts';

/** A day is written to no more this long after its end. */
const CLOSED_AFTER = 10 * MINUTE;
/** A day's object that ends this long before it should, or has a longer hole, goes on in another part, or has not got its newest minutes yet. */
const LAG = 3 * MINUTE;
const MOST_RAW = 20;

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  /** `Content-Range`, where it can be seen. */
  readonly range?: string | undefined;
}

/** Reads an object below the page's address, from a byte on if that is said. Rejects when there is no answer. */
export type Read = (key: string, from?: number) => Promise<Answer>;

/** The lines of one object so far. */
interface Known {
  readonly samples: readonly Sample[];
  /** Bytes up to the end of the last complete line. */
  readonly length: number;
  readonly closed: boolean;
}

interface Rolled {
  readonly through: string;
  readonly rows: readonly SeriesRow[];
}

/**
 * The series as the page reads it: the lines of each day once, then only what is new; days that have closed from their month's hours. An object that
 * may not be read and one that is not there look the same to somebody without a key (403): both are no data.
 */
export class Counts {
  readonly #read: Read;
  readonly #objects = new Map<string, Known>();
  readonly #months = new Map<string, Rolled>();
  /** When a part of a day was last found not to be there. */
  readonly #missing = new Map<string, number>();
  #through: string | undefined;
  #lookedAtIndex = Number.NEGATIVE_INFINITY;

  constructor(read: Read) {
    this.#read = read;
  }

  /** Reads what the span needs and is not here yet. `recorded`: when the farm was last looked after. */
  async refresh(span: { readonly from: number; readonly to: number }, recorded: number | undefined, now: number): Promise<void> {
    await this.#readIndex(now);
    const through = this.#through === undefined ? Number.NEGATIVE_INFINITY : Date.parse(this.#through) + DAY;
    const today = startOf(now);
    // The last two days by minute, whatever is shown: for the newest day and what it cost. Older ones only where no rollup has them.
    const first = Math.min(today - DAY, Math.max(startOf(span.from), through));
    const days = Array.from({ length: Math.max(0, (today - first) / DAY) + 1 }, (_, i) => first + i * DAY);
    for (const key of this.#objects.keys()) if (Date.parse(dayIn(key) ?? '') < first) this.#objects.delete(key);
    const months = monthsOf(startOf(span.from), Math.min(through, now));
    await Promise.all([...days.map((day) => this.#readDay(day, recorded, now)), ...months.map((month) => this.#readMonth(month))]);
  }

  /** Minutes from what was read of the days themselves. */
  minutes({ from, to }: { readonly from: number; readonly to: number }): readonly SeriesRow[] {
    return this.#samples(startOf(from), to)
      .filter(({ at }) => at >= from && at < to)
      .map(minuteRow);
  }

  hours({ from, to }: { readonly from: number; readonly to: number }): readonly SeriesRow[] {
    const closed = this.#through === undefined ? from : Math.max(from, Date.parse(this.#through) + DAY);
    const rolled = [...this.#months.values()].flatMap(({ rows }) => rows.filter(({ at }) => at < closed));
    const recent = rollUp(this.#samples(closed, to), '1h');
    return [...rolled, ...recent].filter(({ at }) => at >= from && at < to);
  }

  #samples(from: number, to: number): readonly Sample[] {
    const samples: Sample[] = [];
    for (let day = startOf(from); day < to; day += DAY) {
      const own = partsOf(day).flatMap((key) => this.#objects.get(key)?.samples ?? []);
      const held = new Set(own.map(({ at }) => at));
      const raw = this.#objects.get(rawOf(day))?.samples ?? [];
      samples.push(...own, ...raw.filter(({ at }) => !held.has(at)));
    }
    return samples;
  }

  /** How far the rollups reach. Looked at again when another day must have come to them. */
  async #readIndex(now: number): Promise<void> {
    const due = this.#through === undefined || Date.parse(this.#through) + 2 * DAY + CLOSED_AFTER < now;
    if (!due || Math.abs(now - this.#lookedAtIndex) < CLOSED_AFTER) return;
    this.#lookedAtIndex = now;
    const { status, body } = await this.#read(INDEX_KEY);
    const found = status === 200 ? /"through":"(\d{4}-\d{2}-\d{2})"/.exec(text(body))?.[1] : undefined;
    // A day that is not over is in no rollup, whatever the index says.
    if (found !== undefined && Date.parse(found) + DAY <= now) this.#through = found;
  }

  async #readMonth(month: string): Promise<void> {
    const through = this.#through ?? '';
    if (this.#months.get(month)?.through === through) return;
    const { status, body } = await this.#read(monthKey(month));
    this.#months.set(month, { through, rows: status === 200 ? parseRollup(text(body)) : [] });
  }

  async #readDay(day: number, recorded: number | undefined, now: number): Promise<void> {
    const due = Math.min(day + DAY, recorded ?? 0) - LAG;
    const samples: Sample[] = [];
    for (const key of partsOf(day)) {
      const mayGoOn = newestOf(samples, recorded ?? now) < due || (hasHole(samples) && now - (this.#missing.get(key) ?? 0) >= CLOSED_AFTER);
      if (!mayGoOn) return;
      const known = await this.#readLines(key, now > day + DAY + CLOSED_AFTER);
      if (known.samples.length === 0) {
        this.#missing.set(key, now);
        break;
      }
      samples.push(...known.samples);
    }
    const newest = newestOf(samples, recorded ?? now);
    if (newest < due && day === startOf(recorded ?? 0)) await this.#readRaw(day, Math.max(newest + MINUTE, day), recorded ?? 0);
  }

  async #readLines(key: string, closed: boolean): Promise<Known> {
    const before = this.#objects.get(key) ?? { samples: [], length: 0, closed: false };
    if (before.closed) return before;
    const answer = await this.#read(key, before.length > 0 ? before.length : undefined);
    const after = grown(before, answer) ?? grown(EMPTY, await this.#read(key)) ?? EMPTY;
    const known = { ...after, closed };
    this.#objects.set(key, known);
    return known;
  }

  /** The newest minutes of a bucket that cannot append are objects of their own for a while. */
  async #readRaw(day: number, from: number, recorded: number): Promise<void> {
    const newest = Math.floor(recorded / MINUTE) * MINUTE;
    const first = await this.#read(rawKey(newest));
    if (first.status !== 200) return;
    const times: number[] = [];
    for (let at = newest - MINUTE; at >= from && times.length < MOST_RAW; at -= MINUTE) times.push(at);
    const others = await Promise.all(times.reverse().map(async (at) => await this.#read(rawKey(at))));
    const samples = [...others, first].flatMap(({ status, body }) => (status === 200 ? parseSamples(text(body)) : []));
    this.#objects.set(rawOf(day), { samples, length: 0, closed: false });
  }
}

/** The newest minute that had come at a time: a line may be ahead of the clock. */
function newestOf(samples: readonly Sample[], until: number): number {
  return samples.reduce((last, { at }) => (at <= until ? Math.max(last, at) : last), Number.NEGATIVE_INFINITY);
}

/** Minutes that are missing within the lines may be in the day's next part. */
function hasHole(samples: readonly Sample[]): boolean {
  const times = samples.map(({ at }) => at).sort((a, b) => a - b);
  return times.some((at, i) => at - (times[i - 1] ?? at) > LAG);
}

const EMPTY: Known = { samples: [], length: 0, closed: false };

/** What is known after an answer; `undefined` when the object is another one than before and must be read anew. */
function grown(before: Known, { status, body, range }: Answer): Known | undefined {
  if (status === 200) return linesOf(EMPTY, body);
  if (status === 416) {
    const size = /\/(\d+)$/.exec(range ?? '')?.[1];
    return size !== undefined && Number(size) < before.length ? undefined : before;
  }
  if (status === 403 || status === 404) return EMPTY;
  if (status !== 206) throw new Error(`HTTP ${status}`);
  const start = /^bytes (\d+)-/.exec(range ?? '')?.[1];
  return start !== undefined && Number(start) !== before.length ? undefined : linesOf(before, body);
}

function linesOf(before: Known, body: Uint8Array): Known {
  const end = body.lastIndexOf(10) + 1;
  return { samples: [...before.samples, ...parseSamples(text(body.subarray(0, end)))], length: before.length + end, closed: false };
}

/** A day's object, and those in which it goes on. */
function partsOf(day: number): readonly string[] {
  const key = dayKey(day);
  return Array.from({ length: MOST_PARTS }, (_, i) => partKey(key, i + 1));
}

function rawOf(day: number): string {
  return `raw ${dayKey(day)}`;
}

function monthsOf(from: number, to: number): readonly string[] {
  const months = new Set<string>();
  for (let at = from; at < to; at += DAY) months.add(new Date(at).toISOString().slice(0, 7));
  return [...months];
}

function startOf(at: number): number {
  return Math.floor(at / DAY) * DAY;
}

function text(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}
