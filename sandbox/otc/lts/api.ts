import * as z from 'zod';
import { jsonOf, type SandboxRequest } from '../../http.ts';
import type { Service } from '../error-formats.ts';
import { checked, found, Refused } from '../refused.ts';
import type { LogGroup, LogLine, Lts } from './lts.ts';

const Name = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9-][\w.-]*$/)
  .regex(/[^.]$/);
const GroupBody = z.strictObject({ log_group_name: Name, ttl_in_days: z.number().int().min(1).max(365) });
const StreamBody = z.strictObject({ log_stream_name: Name, ttl_in_days: z.number().int().min(1).max(365).optional() });
const Millis = z
  .string()
  .regex(/^\d{13}$/)
  .transform(Number);
const QueryBody = z.strictObject({
  start_time: Millis,
  end_time: Millis,
  limit: z.number().int().min(1).max(5000).default(50),
  is_desc: z.boolean().default(false),
  is_count: z.boolean().optional(),
  keywords: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  line_num: z.string().regex(/^\d+$/).optional(),
  search_type: z.enum(['init', 'forwards', 'backwards']).optional(),
});

/** Log Tank Service, `/v2/{project_id}/groups` (OTC LTS API reference, "Log Group Management", "Log Stream Management", "Querying Logs"). */
export function registerLts({ app, operation, respond }: Service, lts: Lts): void {
  const bodyOf = async <T>(c: SandboxRequest, schema: z.ZodType<T>) =>
    checked(schema, await jsonOf(c), (text) => new Refused(400, 'LTS.0009', `Failed to validate the request body. ${text}`));
  const groupOf = (c: SandboxRequest) =>
    found(lts.groups.get(c.req.param('group') ?? ''), new Refused(404, 'LTS.0201', 'The log group is not existed'));
  const streamOf = (c: SandboxRequest, { streams }: Pick<LogGroup, 'streams'>) =>
    found(streams.get(c.req.param('stream') ?? ''), new Refused(404, 'LTS.0208', 'The log stream does not exist.'));

  app.get('/v2/:project/groups', operation('lts.groups'), () => respond.json({ log_groups: [...lts.groups.values()].map(groupView) }));

  app.post('/v2/:project/groups', operation('lts.group-create'), async (c) => {
    const { log_group_name, ttl_in_days } = await bodyOf(c, GroupBody);
    return respond.json({ log_group_id: lts.createGroup(log_group_name, ttl_in_days).id }, 201);
  });

  app.delete('/v2/:project/groups/:group', operation('lts.group-delete'), (c) => {
    lts.groups.delete(groupOf(c).id);
    return respond.empty(204);
  });

  app.get('/v2/:project/groups/:group/streams', operation('lts.streams'), (c) => {
    const log_streams = [...groupOf(c).streams.values()].map((s) => ({
      log_stream_id: s.id,
      log_stream_name: s.name,
      creation_time: s.createdAt,
      filter_count: 0,
    }));
    return respond.json({ log_streams });
  });

  app.post('/v2/:project/groups/:group/streams', operation('lts.stream-create'), async (c) => {
    const { log_stream_name } = await bodyOf(c, StreamBody);
    return respond.json({ log_stream_id: lts.createStream(c.req.param('group'), log_stream_name).id }, 201);
  });

  app.delete('/v2/:project/groups/:group/streams/:stream', operation('lts.stream-delete'), (c) => {
    const group = groupOf(c);
    group.streams.delete(streamOf(c, group).id);
    return respond.empty(204);
  });

  app.post('/v2/:project/groups/:group/streams/:stream/content/query', operation('lts.query'), async (c) => {
    const stream = streamOf(c, lts.groups.get(c.req.param('group')) ?? { streams: new Map() });
    const { start_time: from, end_time: to, limit, is_desc: newestFirst, keywords, line_num, search_type } = await bodyOf(c, QueryBody);
    const isNextPage = line_num !== undefined && search_type === 'forwards';
    const query = { from, to, newestFirst, ...(keywords === undefined ? {} : { keywords }) };
    const lines = lts.query(stream, { ...query, limit, ...(isNextPage ? { after: Number(line_num) } : {}) });
    const count = lts.query(stream, { ...query, limit: Number.POSITIVE_INFINITY }).length;
    return respond.json({ count, logs: lines.map(lineView), isQueryComplete: true });
  });
}

function groupView({ id, name, days, createdAt }: LogGroup): Readonly<Record<string, unknown>> {
  return { log_group_id: id, log_group_name: name, ttl_in_days: days, creation_time: createdAt, tag: {} };
}

function lineView({ content, number }: LogLine): Readonly<Record<string, unknown>> {
  return { content, line_num: String(number), labels: { hostName: 'functiongraph', hostIP: '10.0.0.1' } };
}
