import type { Hono } from 'hono';
import type { SandboxContext } from '../context.ts';
import type { FaultLayer, SandboxEnv } from '../http.ts';
import { ErrorFormats } from '../otc/error-formats.ts';
import { Refused } from '../otc/refused.ts';
import { bodyOf, type Calls, type ManageOptions, refuse, withFunction } from './calls.ts';
import type { Deployed } from './deployed.ts';
import { readAsync, readCode, readConfig, readCreate, readMaxInstances } from './schema.ts';
import { mountTags, mountTriggers } from './triggers/manage.ts';
import { asyncView, codeView, functionView } from './view.ts';

const FUNCTIONS = '/v2/:project/fgs/functions';

/** The management calls of FunctionGraph (API reference, "Function Lifecycle Management", "Function Triggers"). `operation` checks access. */
export function mountFunctionManagement(app: Hono<SandboxEnv>, operation: FaultLayer, ctx: SandboxContext, options: ManageOptions): void {
  const on: Calls = { app, operation, say: new ErrorFormats(ctx), ...options };
  mountLifecycle(on);
  mountCode(on);
  mountLimits(on);
  mountTriggers(on);
  mountTags(on);
}

function mountLifecycle(on: Calls): void {
  const { app, operation, say, deployed, projectId, region } = on;
  const view = (f: Deployed) => functionView(f, projectId, region);

  app.get(FUNCTIONS, operation('fgs.list'), (c) => {
    const { marker = '0', maxitems = '400', package_name, func_name } = c.req.query();
    if (!/^\d+$/.test(marker) || !/^[1-9]\d*$/.test(maxitems)) return refuse(on, new Refused(400, 'FSS.0400', 'marker or maxitems'));
    const all = deployed
      .all()
      .filter((f) => (package_name === undefined || f.package === package_name) && (func_name === undefined || f.name.includes(func_name)));
    const end = Number(marker) + Math.min(Number(maxitems), 400);
    const functions = all.slice(Number(marker), end).map(view);
    return say.json({ functions, next_marker: end < all.length ? end : 0, count: all.length });
  });

  app.post(FUNCTIONS, operation('fgs.create'), async (c) => {
    const body = readCreate(await bodyOf(c));
    const made = body instanceof Refused ? body : deployed.create(body);
    return made instanceof Refused ? refuse(on, made) : say.json(view(made));
  });

  app.put(
    `${FUNCTIONS}/:urn/config`,
    operation('fgs.config-update'),
    withFunction(on, async (found, c) => {
      const body = readConfig(await bodyOf(c));
      const wrong = body instanceof Refused ? body : deployed.updateConfig(found, body);
      return wrong ? refuse(on, wrong) : say.json(view(found));
    }),
  );

  app.delete(
    `${FUNCTIONS}/:urn`,
    operation('fgs.delete'),
    withFunction(on, (found, c) => {
      if (c.req.param('urn')?.endsWith(':latest')) return refuse(on, new Refused(400, 'FSS.0400', 'The version latest cannot be deleted.'));
      deployed.delete(found);
      return say.empty(204);
    }),
  );
}

function mountCode(on: Calls): void {
  const { app, operation, say, deployed } = on;
  app.get(
    `${FUNCTIONS}/:urn/code`,
    operation('fgs.code'),
    withFunction(on, (found) => say.json(codeView(found))),
  );
  app.put(
    `${FUNCTIONS}/:urn/code`,
    operation('fgs.code-update'),
    withFunction(on, async (found, c) => {
      const code = readCode(await bodyOf(c));
      const wrong = code instanceof Refused ? code : deployed.updateCode(found, code.zip, code.filename);
      return wrong ? refuse(on, wrong) : say.json(codeView(found));
    }),
  );
}

function mountLimits(on: Calls): void {
  const { app, operation, say, deployed, lts, projectId, region } = on;
  app.put(
    `${FUNCTIONS}/:urn/config-max-instance`,
    operation('fgs.max-instance'),
    withFunction(on, async (found, c) => {
      const most = readMaxInstances(await bodyOf(c));
      if (most instanceof Refused) return refuse(on, most);
      deployed.limit(found, most);
      return say.json(functionView(found, projectId, region));
    }),
  );

  const notThere = (what: string) => refuse(on, new Refused(404, 'FSS.0404', `The function has no ${what}.`));
  const path = `${FUNCTIONS}/:urn/async-invoke-config`;
  app.get(
    path,
    operation('fgs.async'),
    withFunction(on, (found) => (found.asyncConfig ? say.json(asyncView(found, found.asyncConfig)) : notThere('asynchronous settings'))),
  );
  app.put(
    path,
    operation('fgs.async-update'),
    withFunction(on, async (found, c) => {
      const config = readAsync(await bodyOf(c));
      if (config instanceof Refused) return refuse(on, config);
      const wrong = deployed.configureAsync(found, config);
      return wrong ? refuse(on, wrong) : say.json(asyncView(found, config));
    }),
  );
  app.delete(
    path,
    operation('fgs.async-delete'),
    withFunction(on, (found) => {
      deployed.configureAsync(found, undefined);
      return say.empty(204);
    }),
  );

  app.get(
    `${FUNCTIONS}/:urn/lts-log-detail`,
    operation('fgs.lts-log-detail'),
    withFunction(on, ({ logs }) => {
      const group = logs && lts.groups.get(logs.groupId);
      const stream = logs && group?.streams.get(logs.streamId);
      if (!group || !stream) return notThere('log stream');
      return say.json({ group_id: group.id, group_name: group.name, stream_id: stream.id, stream_name: stream.name });
    }),
  );
}
