import type { SandboxContext } from '../../context.ts';
import { Ids } from '../ids.ts';
import { Refused } from '../refused.ts';

export interface LogLine {
  readonly at: number;
  readonly number: number;
  readonly content: string;
}

export interface LogStream {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly lines: LogLine[];
}

export interface LogGroup {
  readonly id: string;
  readonly name: string;
  readonly days: number;
  readonly createdAt: number;
  readonly streams: Map<string, LogStream>;
}

export interface LogQuery {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly newestFirst: boolean;
  /** The number of the line that the last page ended with. */
  readonly after?: number;
  readonly keywords?: string;
}

const LINES_PER_STREAM = 5000;

/** Log Tank Service: groups, streams and lines (OTC LTS API reference). */
export class Lts {
  readonly groups = new Map<string, LogGroup>();
  readonly #ctx: SandboxContext;
  readonly #ids = new Ids('lts');
  #lines = 0;

  constructor(ctx: SandboxContext) {
    this.#ctx = ctx;
  }

  createGroup(name: string, days: number): LogGroup {
    if ([...this.groups.values()].some((g) => g.name === name)) throw new Refused(400, 'LTS.0103', 'The log group name already exists.');
    const group = { id: this.#ids.uuid(), name, days, createdAt: this.#ctx.clock.now(), streams: new Map<string, LogStream>() };
    this.groups.set(group.id, group);
    return group;
  }

  createStream(groupId: string, name: string): LogStream {
    const group = this.groups.get(groupId);
    if (!group) throw new Refused(400, 'LTS.0201', 'The log group is not existed');
    const taken = [...group.streams.values()].some((s) => s.name === name);
    if (taken) throw new Refused(400, 'LTS.0205', 'The log stream name already exists.');
    const stream = { id: this.#ids.uuid(), name, createdAt: this.#ctx.clock.now(), lines: [] };
    group.streams.set(stream.id, stream);
    return stream;
  }

  stream(groupId: string, streamId: string): LogStream | undefined {
    return this.groups.get(groupId)?.streams.get(streamId);
  }

  /** What a function without a stream of its own logs to when its collection is merely switched on. */
  automatic(functionName: string): { readonly group: LogGroup; readonly stream: LogStream } {
    const name = 'functiongraph.log.group.auto';
    const group = [...this.groups.values()].find((g) => g.name === name) ?? this.createGroup(name, 3);
    return { group, stream: [...group.streams.values()].find((s) => s.name === functionName) ?? this.createStream(group.id, functionName) };
  }

  /** Lines for a stream that is gone are lost. */
  write(groupId: string, streamId: string, content: string): void {
    const lines = this.stream(groupId, streamId)?.lines;
    if (!lines) return;
    lines.push({ at: this.#ctx.clock.now(), number: ++this.#lines, content });
    if (lines.length > LINES_PER_STREAM) lines.shift();
  }

  query(stream: LogStream, { from, to, limit, newestFirst, after, keywords }: LogQuery): readonly LogLine[] {
    const wanted = stream.lines.filter((l) => l.at >= from && l.at <= to && (keywords === undefined || l.content.includes(keywords)));
    const ordered = newestFirst ? wanted.reverse() : wanted;
    const rest = after === undefined ? ordered : ordered.filter((l) => (newestFirst ? l.number < after : l.number > after));
    return rest.slice(0, limit);
  }
}
