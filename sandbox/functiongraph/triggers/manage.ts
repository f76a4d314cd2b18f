import { jsonOf, type SandboxRequest } from '../../http.ts';
import { found, Refused } from '../../otc/refused.ts';
import { deployedOf, type ManagementService } from '../calls.ts';
import { readBody, Tags } from '../schema.ts';
import { triggerView } from '../view.ts';
import { readTrigger, readTriggerUpdate } from './schema.ts';

/** API reference, "Function Triggers". */
export function registerTriggers(service: ManagementService): void {
  const { app, operation, respond, deployed } = service;
  const { triggers } = deployed;
  const all = '/v2/:project/fgs/triggers/:urn';
  app.get(all, operation('fgs.triggers'), (c) => respond.json(triggers.of(deployedOf(c, service)).map(triggerView)));
  app.post(all, operation('fgs.trigger-create'), async (c) => {
    const owner = deployedOf(c, service);
    return respond.json(triggerView(triggers.create(owner, readTrigger(await jsonOf(c)))), 201);
  });
  app.delete(all, operation('fgs.triggers-delete'), (c) => {
    triggers.deleteAll(deployedOf(c, service));
    return respond.empty(204);
  });

  const one = `${all}/:type/:id`;
  const triggerOf = (c: SandboxRequest) => {
    const { type = '', id = '' } = c.req.param() as Readonly<Record<string, string>>;
    return found(triggers.find(deployedOf(c, service), type, id), new Refused(404, 'FSS.1131', 'Not found the trigger.'));
  };
  app.get(one, operation('fgs.trigger'), (c) => respond.json(triggerView(triggerOf(c))));
  app.put(one, operation('fgs.trigger-update'), async (c) => {
    const trigger = triggerOf(c);
    triggers.update(trigger, readTriggerUpdate(await jsonOf(c)));
    return respond.json(triggerView(trigger));
  });
  app.delete(one, operation('fgs.trigger-delete'), (c) => {
    triggers.delete(triggerOf(c));
    return respond.empty(204);
  });
}

/** API reference, "Creating Resource Tags". */
export function registerTags(service: ManagementService): void {
  const { app, operation, respond } = service;
  const path = '/v2/:project/functions/:urn/tags';
  app.get(path, operation('fgs.tags'), (c) => {
    const { tags } = deployedOf(c, service);
    return respond.json({ tags: [...tags].map(([key, value]) => ({ key, value })), sys_tags: [] });
  });
  app.post(`${path}/create`, operation('fgs.tags-create'), async (c) => {
    const one = deployedOf(c, service);
    const { tags } = readBody(Tags, await jsonOf(c));
    if (new Set([...one.tags.keys(), ...tags.map(({ key }) => key)]).size > 20) throw new Refused(400, 'FSS.0400', 'At most 20 tags.');
    for (const { key, value } of tags) one.tags.set(key, value);
    return respond.empty(204);
  });
  app.delete(`${path}/delete`, operation('fgs.tags-delete'), async (c) => {
    const one = deployedOf(c, service);
    for (const { key } of readBody(Tags, await jsonOf(c)).tags) one.tags.delete(key);
    return respond.empty(204);
  });
}
