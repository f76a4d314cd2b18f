import type { Hono } from 'hono';
import type { SandboxContext } from '../context.ts';
import type { FaultLayer, SandboxEnv, SandboxRequest } from '../http.ts';
import { ErrorFormats } from '../otc/error-formats.ts';
import type { FunctionGraph, Invocation } from './functiongraph.ts';
import { functionOf } from './urn.ts';

const SYNC_BYTES = 6 * 1024 * 1024;
const ASYNC_BYTES = 256 * 1024;

/** Reading a function's configuration and the two invocation calls (FunctionGraph API reference, "Querying Metadata of a Function", "Function Invocation"). `operation` checks the signature. */
export function mountFunctionApi(
  app: Hono<SandboxEnv>,
  operation: FaultLayer,
  ctx: SandboxContext,
  functions: FunctionGraph,
  /** How the configuration of a function is answered that came through the API. */
  deployedView: (name: string) => unknown = () => undefined,
): void {
  const say = new ErrorFormats(ctx);
  const unknown = () => say.functionGraph(404, 'FSS.1051', 'Not found the function.');
  const tooLarge = () => say.functionGraph(413, 'FSS.1100', 'The request body is too large.');

  app.get('/v2/:project/fgs/functions/:urn/config', operation('fgs.config'), (c) => {
    const project = c.req.param('project');
    const name = functionOf(c.req.param('urn'), project);
    const found = name === undefined ? undefined : functions.definition(name);
    if (!found) return unknown();
    const deployed = deployedView(found.name);
    if (deployed !== undefined) return say.json(deployed);
    const agency = found.agency === false ? '' : 'ci-scaler';
    return say.json({
      func_urn: `urn:fss:eu-de:${project}:function:default:${found.name}:latest`,
      func_name: found.name,
      package: 'default',
      runtime: 'Node.js20.15',
      handler: 'index.handler',
      timeout: Math.round((found.timeoutMs ?? 3000) / 1000),
      memory_size: found.memoryMb ?? 128,
      xrole: agency,
      app_xrole: agency,
      version: 'latest',
    });
  });

  app.post('/v2/:project/fgs/functions/:urn/invocations', operation('fgs.invoke'), async (c) => {
    const name = functionOf(c.req.param('urn'), c.req.param('project'));
    if (name === undefined || !functions.has(name)) return unknown();
    const body = await c.req.text();
    if (Buffer.byteLength(body) > SYNC_BYTES) return tooLarge();
    const event = parse(body);
    if (!event) return say.functionGraph(400, 'FSS.1002', 'The request body is not JSON.');
    return answer(say, c, await functions.invoke(name, event.value));
  });

  app.post('/v2/:project/fgs/functions/:urn/invocations-async', operation('fgs.invoke-async'), async (c) => {
    const name = functionOf(c.req.param('urn'), c.req.param('project'));
    if (name === undefined || !functions.has(name)) return unknown();
    const body = await c.req.text();
    if (Buffer.byteLength(body) > ASYNC_BYTES) return tooLarge();
    const event = parse(body);
    if (!event) return say.functionGraph(400, 'FSS.1002', 'The request body is not JSON.');
    return say.json({ request_id: functions.invokeAsync(name, event.value).requestId }, 202);
  });
}

function answer(say: ErrorFormats, c: SandboxRequest, invocation: Invocation): Response {
  if (invocation.kind === 'throttled') {
    return say.functionGraph(429, 'FSS.0429', 'Your request has been controlled by overload sdk, please retry later.');
  }
  // A failed function is HTTP 200, too: only these headers tell.
  const failed = invocation.kind === 'failed';
  const headers = {
    'content-type': 'application/json',
    'x-cff-request-id': invocation.requestId,
    'x-func-err-code': failed ? '1' : '0',
    'x-is-func-err': String(failed),
  };
  const version = c.req.header('x-cff-request-version') ?? 'v0';
  if (version !== 'v1') return new Response(invocation.body, { headers });
  const body = { request_id: invocation.requestId, result: invocation.body, log: '', status: 200 };
  return new Response(JSON.stringify(body), { headers });
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: text === '' ? null : JSON.parse(text) };
  } catch {
    return undefined;
  }
}
