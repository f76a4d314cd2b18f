import { jsonOf } from '../http.ts';
import { found, Refused } from '../otc/refused.ts';
import { deployedOf, type ManagementService } from './calls.ts';
import type { Deployed } from './deployed.ts';
import { Async, Code, Config, Create, MaxInstances, readBody } from './schema.ts';
import { registerTags, registerTriggers } from './triggers/manage.ts';
import { asyncView, codeView, functionView } from './view.ts';

const FUNCTIONS = '/v2/:project/fgs/functions';

/** The management calls of FunctionGraph (API reference, "Function Lifecycle Management", "Function Triggers"). `operation` checks access. */
export function registerFunctionManagement(service: ManagementService): void {
  registerLifecycle(service);
  registerCode(service);
  registerLimits(service);
  registerTriggers(service);
  registerTags(service);
}

function registerLifecycle(service: ManagementService): void {
  const { app, operation, respond, deployed, projectId, region } = service;
  const view = (f: Deployed) => functionView(f, projectId, region);

  app.get(FUNCTIONS, operation('fgs.list'), (c) => {
    const { marker = '0', maxitems = '400', package_name, func_name = '' } = c.req.query();
    if (!/^\d+$/.test(marker) || !/^[1-9]\d*$/.test(maxitems)) throw new Refused(400, 'FSS.0400', 'marker or maxitems');
    const all = deployed.all().filter((f) => [undefined, f.package].includes(package_name) && f.name.includes(func_name));
    const end = Number(marker) + Math.min(Number(maxitems), 400);
    const functions = all.slice(Number(marker), end).map(view);
    return respond.json({ functions, next_marker: end < all.length ? end : 0, count: all.length });
  });

  app.post(FUNCTIONS, operation('fgs.create'), async (c) => respond.json(view(deployed.create(readBody(Create, await jsonOf(c))))));

  app.put(`${FUNCTIONS}/:urn/config`, operation('fgs.config-update'), async (c) => {
    const one = deployedOf(c, service);
    deployed.updateConfig(one, readBody(Config, await jsonOf(c)));
    return respond.json(view(one));
  });

  app.delete(`${FUNCTIONS}/:urn`, operation('fgs.delete'), (c) => {
    const one = deployedOf(c, service);
    if (c.req.param('urn').endsWith(':latest')) throw new Refused(400, 'FSS.0400', 'The version latest cannot be deleted.');
    deployed.delete(one);
    return respond.empty(204);
  });
}

function registerCode(service: ManagementService): void {
  const { app, operation, respond, deployed } = service;
  app.get(`${FUNCTIONS}/:urn/code`, operation('fgs.code'), (c) => respond.json(codeView(deployedOf(c, service))));

  app.put(`${FUNCTIONS}/:urn/code`, operation('fgs.code-update'), async (c) => {
    const one = deployedOf(c, service);
    deployed.updateCode(one, readBody(Code, await jsonOf(c)));
    return respond.json(codeView(one));
  });
}

function registerLimits(service: ManagementService): void {
  const { app, operation, respond, deployed, lts, projectId, region } = service;
  app.put(`${FUNCTIONS}/:urn/config-max-instance`, operation('fgs.max-instance'), async (c) => {
    const one = deployedOf(c, service);
    deployed.limit(one, readBody(MaxInstances, await jsonOf(c)).max_instance_num);
    return respond.json(functionView(one, projectId, region));
  });

  const absent = (what: string) => new Refused(404, 'FSS.0404', `The function has no ${what}.`);
  const path = `${FUNCTIONS}/:urn/async-invoke-config`;
  app.get(path, operation('fgs.async'), (c) => {
    const one = deployedOf(c, service);
    return respond.json(asyncView(one, found(one.asyncConfig, absent('asynchronous settings'))));
  });
  app.put(path, operation('fgs.async-update'), async (c) => {
    const one = deployedOf(c, service);
    const config = readBody(Async, await jsonOf(c));
    deployed.configureAsync(one, config);
    return respond.json(asyncView(one, config));
  });
  app.delete(path, operation('fgs.async-delete'), (c) => {
    deployed.configureAsync(deployedOf(c, service), undefined);
    return respond.empty(204);
  });

  app.get(`${FUNCTIONS}/:urn/lts-log-detail`, operation('fgs.lts-log-detail'), (c) => {
    const { logs } = deployedOf(c, service);
    const group = logs && lts.groups.get(logs.groupId);
    const stream = logs && group?.streams.get(logs.streamId);
    if (!group || !stream) throw absent('log stream');
    return respond.json({ group_id: group.id, group_name: group.name, stream_id: stream.id, stream_name: stream.name });
  });
}
