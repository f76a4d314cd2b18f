import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/config/load/parse.ts';
import { SecretCredentials } from '../../../lib/otc/credentials.ts';
import { composeScalerTrigger } from '../../../lib/runtime/compose-webhook.ts';
import { document, NOW, PROJECT, serve } from './parts.ts';

function triggerOf(url: string, functions: Readonly<Record<string, string>> = { scaler: 'gl-scaler' }) {
  return composeScalerTrigger({
    config: parseConfig(document({ functions }, url)),
    credentials: () => new SecretCredentials('KEY', 'secret'),
    clock: { now: () => NOW },
    event: {},
  });
}

describe('which function is woken', () => {
  const urn = `urn:fss:eu-de:${PROJECT}:function:ci:scaler:prod`;
  it.each([
    { name: 'a name', scaler: 'gl-scaler', path: `urn:fss:eu-de:${PROJECT}:function:default:gl-scaler:latest` },
    { name: 'a URN', scaler: urn, path: urn },
  ])('$name', async ({ scaler, path }) => {
    const paths: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(202).end('{"request_id":"x"}');
    });
    await triggerOf(url, { scaler })?.trigger();
    expect(paths.map((p) => decodeURIComponent(p ?? ''))).toEqual([`/v2/${PROJECT}/fgs/functions/${path}/invocations-async`]);
  });

  it('none: nobody, and no keys are asked for', () => {
    const config = parseConfig(document({ functions: {} }));
    const credentials = () => {
      throw new Error('not to be asked for');
    };
    expect(composeScalerTrigger({ config, credentials, clock: { now: () => NOW }, event: {} })).toBeUndefined();
  });
});

describe('a connection that is cut', () => {
  it('is tried once more, on a new one', async () => {
    const ports: (number | undefined)[] = [];
    const url = await serve((request, response) => {
      ports.push(request.socket.remotePort);
      if (ports.length === 1) request.socket.destroy();
      else response.writeHead(202).end('{"request_id":"x"}');
    });
    await triggerOf(url)?.trigger();
    expect(ports).toHaveLength(2);
    expect(ports[0]).not.toBe(ports[1]);
  });

  it('and no more than once', async () => {
    let calls = 0;
    const url = await serve((request) => {
      calls += 1;
      request.socket.destroy();
    });
    await expect(triggerOf(url)?.trigger()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(calls).toBe(2);
  });
});

it('a refusal is not repeated', async () => {
  let calls = 0;
  const url = await serve((_, response) => {
    calls += 1;
    response.writeHead(429).end('{"error_code":"FSS.0429","error_msg":"overload"}');
  });
  await expect(triggerOf(url)?.trigger()).rejects.toMatchObject({ code: 'FSS.0429' });
  expect(calls).toBe(1);
});
