import type { Hono } from 'hono';
import * as z from 'zod';
import type { SandboxContext } from '../../context.ts';
import type { FaultLayer, SandboxEnv } from '../../http.ts';
import { ErrorFormats } from '../error-formats.ts';
import { firstIssue, Refused } from '../refused.ts';
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
export function mountLts(app: Hono<SandboxEnv>, operation: FaultLayer, ctx: SandboxContext, lts: Lts): void {
  const say = new ErrorFormats(ctx);
  const refuse = ({ status, code, message }: Refused) => say.functionGraph(status, code, message);
  const invalid = (error: z.ZodError) =>
    refuse(new Refused(400, 'LTS.0009', `Failed to validate the request body. ${firstIssue(error).text}`));
  const noGroup = () => refuse(new Refused(404, 'LTS.0201', 'The log group is not existed'));
  const noStream = () => refuse(new Refused(404, 'LTS.0208', 'The log stream does not exist.'));

  app.get('/v2/:project/groups', operation('lts.groups'), () => say.json({ log_groups: [...lts.groups.values()].map(groupView) }));

  app.post('/v2/:project/groups', operation('lts.group-create'), async (c) => {
    const body = GroupBody.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) return invalid(body.error);
    const made = lts.createGroup(body.data.log_group_name, body.data.ttl_in_days);
    return made instanceof Refused ? refuse(made) : say.json({ log_group_id: made.id }, 201);
  });

  app.delete('/v2/:project/groups/:group', operation('lts.group-delete'), (c) =>
    lts.groups.delete(c.req.param('group')) ? say.empty(204) : noGroup(),
  );

  app.get('/v2/:project/groups/:group/streams', operation('lts.streams'), (c) => {
    const group = lts.groups.get(c.req.param('group'));
    if (!group) return noGroup();
    const log_streams = [...group.streams.values()].map((s) => ({
      log_stream_id: s.id,
      log_stream_name: s.name,
      creation_time: s.createdAt,
      filter_count: 0,
    }));
    return say.json({ log_streams });
  });

  app.post('/v2/:project/groups/:group/streams', operation('lts.stream-create'), async (c) => {
    const body = StreamBody.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) return invalid(body.error);
    const made = lts.createStream(c.req.param('group'), body.data.log_stream_name);
    return made instanceof Refused ? refuse(made) : say.json({ log_stream_id: made.id }, 201);
  });

  app.delete('/v2/:project/groups/:group/streams/:stream', operation('lts.stream-delete'), (c) => {
    const group = lts.groups.get(c.req.param('group'));
    if (!group) return noGroup();
    return group.streams.delete(c.req.param('stream')) ? say.empty(204) : noStream();
  });

  app.post('/v2/:project/groups/:group/streams/:stream/content/query', operation('lts.query'), async (c) => {
    const stream = lts.stream(c.req.param('group'), c.req.param('stream'));
    if (!stream) return noStream();
    const body = QueryBody.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) return invalid(body.error);
    const { start_time: from, end_time: to, limit, is_desc: newestFirst, keywords, line_num, search_type } = body.data;
    const going = line_num !== undefined && search_type === 'forwards';
    const query = { from, to, newestFirst, ...(keywords === undefined ? {} : { keywords }) };
    const lines = lts.query(stream, { ...query, limit, ...(going ? { after: Number(line_num) } : {}) });
    const count = lts.query(stream, { ...query, limit: Number.POSITIVE_INFINITY }).length;
    return say.json({ count, logs: lines.map(lineView), isQueryComplete: true });
  });
}

function groupView({ id, name, days, createdAt }: LogGroup): Readonly<Record<string, unknown>> {
  return { log_group_id: id, log_group_name: name, ttl_in_days: days, creation_time: createdAt, tag: {} };
}

function lineView({ content, number }: LogLine): Readonly<Record<string, unknown>> {
  return { content, line_num: String(number), labels: { hostName: 'functiongraph', hostIP: '10.0.0.1' } };
}
