import type { SandboxRequest } from '../http.ts';
import type { ErrorFormats, Service } from '../otc/error-formats.ts';
import { found, Refused } from '../otc/refused.ts';
import { unknownFunction } from './calls.ts';
import type { FunctionGraph, Invocation } from './functiongraph.ts';
import { functionOf } from './urn.ts';

const SYNC_BYTES = 6 * 1024 * 1024;
const ASYNC_BYTES = 256 * 1024;
const FUNCTION = '/v2/:project/fgs/functions/:urn';

/**
 * Reading a function's configuration and the two invocation calls (FunctionGraph API reference, "Querying Metadata of a Function", "Function
 * Invocation"). `deployedView` is the configuration of a function that came through the API.
 */
export function registerFunctionApi(
  { app, operation, respond }: Service,
  functions: FunctionGraph,
  deployedView: (name: string) => unknown = () => undefined,
): void {
  const definitionOf = (c: SandboxRequest) => {
    const name = functionOf(c.req.param('urn') ?? '', c.req.param('project') ?? '');
    return found(name === undefined ? undefined : functions.definition(name), unknownFunction());
  };

  app.get(`${FUNCTION}/config`, operation('fgs.config'), (c) => {
    const definition = definitionOf(c);
    const deployed = deployedView(definition.name);
    if (deployed !== undefined) return respond.json(deployed);
    const agency = definition.agency === false ? '' : 'ci-scaler';
    return respond.json({
      func_urn: `urn:fss:eu-de:${c.req.param('project')}:function:default:${definition.name}:latest`,
      func_name: definition.name,
      package: 'default',
      runtime: 'Node.js20.15',
      handler: 'index.handler',
      timeout: Math.round((definition.timeoutMs ?? 3000) / 1000),
      memory_size: definition.memoryMb ?? 128,
      xrole: agency,
      app_xrole: agency,
      version: 'latest',
    });
  });

  app.post(`${FUNCTION}/invocations`, operation('fgs.invoke'), async (c) => {
    const { name } = definitionOf(c);
    return answer(respond, c, await functions.invoke(name, await eventOf(c, SYNC_BYTES)));
  });

  app.post(`${FUNCTION}/invocations-async`, operation('fgs.invoke-async'), async (c) => {
    const { name } = definitionOf(c);
    return respond.json({ request_id: functions.invokeAsync(name, await eventOf(c, ASYNC_BYTES)).requestId }, 202);
  });
}

async function eventOf(c: SandboxRequest, mostBytes: number): Promise<unknown> {
  const body = await c.req.text();
  if (Buffer.byteLength(body) > mostBytes) throw new Refused(413, 'FSS.1100', 'The request body is too large.');
  try {
    return body === '' ? null : JSON.parse(body);
  } catch {
    throw new Refused(400, 'FSS.1002', 'The request body is not JSON.');
  }
}

function answer(respond: ErrorFormats, c: SandboxRequest, invocation: Invocation): Response {
  if (invocation.kind === 'throttled') {
    return respond.refusal(429, 'FSS.0429', 'Your request has been controlled by overload sdk, please retry later.');
  }
  // A failed function is HTTP 200, too: only these headers show it.
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
