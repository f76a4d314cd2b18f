import type { SandboxRequest } from '../../http.ts';
import { Refused } from '../../otc/refused.ts';
import { bodyOf, type Calls, refuse, withFunction } from '../calls.ts';
import type { Deployed } from '../deployed.ts';
import { readTags } from '../schema.ts';
import { triggerView } from '../view.ts';
import { readTrigger, readTriggerUpdate } from './schema.ts';

const TRIGGERS = '/v2/:project/fgs/triggers';

/** API reference, "Function Triggers". */
export function mountTriggers(on: Calls): void {
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

/** API reference, "Creating Resource Tags". */
export function mountTags(on: Calls): void {
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
