import type { Hono } from 'hono';
import type { SandboxContext } from './context.ts';
import type { Deployed, DeployedFunctions } from './functiongraph-deployed.ts';
import { readAsync, readCode, readConfig, readCreate, readMaxInstances, readTags } from './functiongraph-schema.ts';
import { readTrigger, readTriggerUpdate } from './functiongraph-trigger-schema.ts';
import { functionOf } from './functiongraph-urn.ts';
import { asyncView, codeView, functionView, triggerView } from './functiongraph-view.ts';
import type { FaultLayer, SandboxEnv, SandboxRequest } from './http.ts';
import { Envelopes } from './otc/envelopes.ts';
import type { Lts } from './otc/lts.ts';
import { Refused } from './otc/refused.ts';

export interface ManageOptions {
  readonly deployed: DeployedFunctions;
  readonly lts: Lts;
  readonly projectId: string;
  readonly region: string;
}

/** The management calls of FunctionGraph (API reference, "Function Lifecycle Management", "Function Triggers"). `operation` checks access. */
export function mountFunctionManagement(app: Hono<SandboxEnv>, operation: FaultLayer, ctx: SandboxContext, options: ManageOptions): void {
  const on: Calls = { app, operation, say: new Envelopes(ctx), ...options };
  mountLifecycle(on);
  mountCode(on);
  mountLimits(on);
  mountTriggers(on);
  mountTags(on);
}

interface Calls extends ManageOptions {
  readonly app: Hono<SandboxEnv>;
  readonly operation: FaultLayer;
  readonly say: Envelopes;
}

const FUNCTIONS = '/v2/:project/fgs/functions';
const TRIGGERS = '/v2/:project/fgs/triggers';

const bodyOf = (c: SandboxRequest): Promise<unknown> => c.req.json().catch(() => undefined);

function refuse({ say }: Calls, { status, code, message }: Refused): Response {
  return say.functionGraph(status, code, message);
}

/** Runs `then` with the function that the path names. */
function withFunction(on: Calls, then: (found: Deployed, c: SandboxRequest) => Response | Promise<Response>) {
  return (c: SandboxRequest): Response | Promise<Response> => {
    const name = functionOf(c.req.param('urn') ?? '', on.projectId);
    const found = name === undefined ? undefined : on.deployed.find(name);
    return found ? then(found, c) : refuse(on, new Refused(404, 'FSS.1051', 'Not found the function.'));
  };
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

function mountTriggers(on: Calls): void {
  const { app, operation, say, deployed } = on;
  const { triggers } = deployed;
  app.get(
    `${TRIGGERS}/:urn`,
    operation('fgs.triggers'),
    withFunction(on, (found) => say.json(triggers.of(found).map(triggerView))),
  );
  app.post(
    `${TRIGGERS}/:urn`,
    operation('fgs.trigger-create'),
    withFunction(on, async (found, c) => {
      const order = readTrigger(await bodyOf(c));
      const made = order instanceof Refused ? order : triggers.create(found, order);
      return made instanceof Refused ? refuse(on, made) : say.json(triggerView(made), 201);
    }),
  );
  app.delete(
    `${TRIGGERS}/:urn`,
    operation('fgs.triggers-delete'),
    withFunction(on, (found) => {
      triggers.deleteAll(found);
      return say.empty(204);
    }),
  );

  const one = `${TRIGGERS}/:urn/:type/:id`;
  const noTrigger = () => refuse(on, new Refused(404, 'FSS.1131', 'Not found the trigger.'));
  const triggerOf = (found: Deployed, c: SandboxRequest) => triggers.find(found, c.req.param('type') ?? '', c.req.param('id') ?? '');
  app.get(
    one,
    operation('fgs.trigger'),
    withFunction(on, (found, c) => {
      const trigger = triggerOf(found, c);
      return trigger ? say.json(triggerView(trigger)) : noTrigger();
    }),
  );
  app.put(
    one,
    operation('fgs.trigger-update'),
    withFunction(on, async (found, c) => {
      const trigger = triggerOf(found, c);
      if (!trigger) return noTrigger();
      const status = readTriggerUpdate(await bodyOf(c));
      const wrong = status instanceof Refused ? status : triggers.update(trigger, status);
      return wrong ? refuse(on, wrong) : say.json(triggerView(trigger));
    }),
  );
  app.delete(
    one,
    operation('fgs.trigger-delete'),
    withFunction(on, (found, c) => {
      const trigger = triggerOf(found, c);
      if (!trigger) return noTrigger();
      triggers.delete(trigger);
      return say.empty(204);
    }),
  );
}

function mountTags(on: Calls): void {
  const { app, operation, say } = on;
  const path = '/v2/:project/functions/:urn/tags';
  app.get(
    path,
    operation('fgs.tags'),
    withFunction(on, ({ tags }) => say.json({ tags: [...tags].map(([key, value]) => ({ key, value })), sys_tags: [] })),
  );
  app.post(
    `${path}/create`,
    operation('fgs.tags-create'),
    withFunction(on, async (found, c) => {
      const tags = readTags(await bodyOf(c));
      if (tags instanceof Refused) return refuse(on, tags);
      const all = new Map([...found.tags, ...tags.map(({ key, value }) => [key, value] as const)]);
      if (all.size > 20) return refuse(on, new Refused(400, 'FSS.0400', 'At most 20 tags.'));
      for (const [key, value] of all) found.tags.set(key, value);
      return say.empty(204);
    }),
  );
  app.delete(
    `${path}/delete`,
    operation('fgs.tags-delete'),
    withFunction(on, async (found, c) => {
      const tags = readTags(await bodyOf(c));
      if (tags instanceof Refused) return refuse(on, tags);
      for (const { key } of tags) found.tags.delete(key);
      return say.empty(204);
    }),
  );
}
