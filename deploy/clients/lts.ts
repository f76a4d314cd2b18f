import * as z from 'zod';
import type { OtcHttp } from '../../lib/otc/http.ts';
import { absent, nothing } from './fgs.ts';

/* Log groups, their streams, and what is in them. Source: OTC Log Tank Service API reference, "Log Group Management", "Querying Logs". */

const groupsSchema = z.object({
  log_groups: z.array(z.object({ log_group_id: z.string(), log_group_name: z.string(), ttl_in_days: z.number().nullish() })),
});
const streamsSchema = z.object({ log_streams: z.array(z.object({ log_stream_id: z.string(), log_stream_name: z.string() })) });
const madeGroup = z.object({ log_group_id: z.string() });
const madeStream = z.object({ log_stream_id: z.string() });
const linesSchema = z.object({
  logs: z.array(z.object({ content: z.string(), line_num: z.string().nullish() })).nullish(),
});

export interface LogGroup {
  readonly id: string;
  readonly name: string;
  readonly days?: number;
}

export interface LogLine {
  readonly content: string;
  /** Tells it from others of the stream. */
  readonly id: string;
}

export class LogAdmin {
  readonly #http: OtcHttp;
  readonly #groups: string;

  constructor({ http, endpoint, projectId }: { readonly http: OtcHttp; readonly endpoint: string; readonly projectId: string }) {
    this.#http = http;
    this.#groups = `${endpoint}/v2/${projectId}/groups`;
  }

  async groups(): Promise<readonly LogGroup[]> {
    const call = { name: 'lts.groups', kind: 'read', method: 'GET', schema: groupsSchema } as const;
    const { log_groups } = await this.#http.call({ ...call, url: this.#groups });
    return log_groups.map((g) => ({
      id: g.log_group_id,
      name: g.log_group_name,
      ...(typeof g.ttl_in_days === 'number' && { days: g.ttl_in_days }),
    }));
  }

  async createGroup(name: string, days: number): Promise<string> {
    const json = { log_group_name: name, ttl_in_days: days };
    const call = { name: 'lts.group-create', kind: 'create', method: 'POST', json, schema: madeGroup } as const;
    return (await this.#http.call({ ...call, url: this.#groups })).log_group_id;
  }

  /** With its streams. */
  async removeGroup(id: string): Promise<void> {
    const call = { name: 'lts.group-delete', kind: 'delete', method: 'DELETE', schema: nothing } as const;
    await absent(this.#http.call({ ...call, url: `${this.#groups}/${id}` }));
  }

  async streams(groupId: string): Promise<Readonly<Record<string, string>>> {
    const call = { name: 'lts.streams', kind: 'read', method: 'GET', schema: streamsSchema } as const;
    const { log_streams } = await this.#http.call({ ...call, url: `${this.#groups}/${groupId}/streams` });
    return Object.fromEntries(log_streams.map((s) => [s.log_stream_name, s.log_stream_id]));
  }

  async createStream(groupId: string, name: string): Promise<string> {
    const call = {
      name: 'lts.stream-create',
      kind: 'create',
      method: 'POST',
      json: { log_stream_name: name },
      schema: madeStream,
    } as const;
    return (await this.#http.call({ ...call, url: `${this.#groups}/${groupId}/streams` })).log_stream_id;
  }

  async removeStream(groupId: string, id: string): Promise<void> {
    const call = { name: 'lts.stream-delete', kind: 'delete', method: 'DELETE', schema: nothing } as const;
    await absent(this.#http.call({ ...call, url: `${this.#groups}/${groupId}/streams/${id}` }));
  }

  /** Lines of a span, oldest first; times in milliseconds since the epoch. */
  async lines(
    place: { readonly groupId: string; readonly streamId: string },
    from: number,
    to: number,
    limit: number,
  ): Promise<readonly LogLine[]> {
    const json = { start_time: String(from), end_time: String(to), limit, is_desc: false };
    const call = { name: 'lts.query', kind: 'read', method: 'POST', json, schema: linesSchema } as const;
    const url = `${this.#groups}/${place.groupId}/streams/${place.streamId}/content/query`;
    return ((await this.#http.call({ ...call, url })).logs ?? []).map(({ content, line_num }) => ({ content, id: line_num ?? content }));
  }
}
