import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OtcBench, otcBench, PROJECT, TIMES } from './bench.ts';
import { order } from './orders.ts';

let bench: OtcBench;
beforeEach(async () => {
  bench = await otcBench();
});
afterEach(() => bench.close());

const V1 = `/v1/${PROJECT}/cloudservers`;
const action = (id: string, body: unknown) => bench.call('POST', `/v2.1/${PROJECT}/servers/${id}/action`, body);
const read = (id: string, length = -1) => action(id, { 'os-getConsoleOutput': { length } });

async function active(): Promise<string> {
  const { json } = await bench.call('POST', V1, order());
  await bench.clock.advance(TIMES.acceptMs + TIMES.buildMs);
  return String(json.serverIds?.[0]);
}

describe('a server’s console', () => {
  it('is empty, then holds what was written, as it was written', async () => {
    const id = await active();
    expect((await read(id)).json.output).toBe('');
    bench.booted[0]?.console('[    0.0] Linux\r\n\u001b[0m');
    bench.booted[0]?.console('login: ');
    expect((await read(id)).json).toEqual({ output: '[    0.0] Linux\r\n\u001b[0mlogin: ' });
  });

  it.each([
    { length: 2, output: 'b\r\nc\r\n' },
    { length: 99, output: 'a\r\nb\r\nc\r\n' },
    { length: 0, output: '' },
    { length: -1, output: 'a\r\nb\r\nc\r\n' },
  ])('gives the last $length lines', async ({ length, output }) => {
    const id = await active();
    bench.booted[0]?.console('a\r\nb\r\nc\r\n');
    expect((await read(id, length)).json.output).toBe(output);
  });

  it('keeps only its end', async () => {
    const id = await active();
    for (let i = 0; i < 3000; i++) bench.booted[0]?.console(`${String(i).padStart(98, '0')}\r\n`);
    const output = String((await read(id)).json.output);
    expect([output.length, output.endsWith('2999\r\n')]).toEqual([102_400, true]);
  });

  it('outlives the power, not the server', async () => {
    const id = await active();
    bench.booted[0]?.console('bye\r\n');
    bench.booted[0]?.powerOff();
    expect((await read(id)).json.output).toBe('bye\r\n');
    await bench.call('POST', `${V1}/delete`, { servers: [{ id }], delete_publicip: true });
    await bench.clock.advance(TIMES.deleteMs);
    expect(await read(id)).toMatchObject({ status: 404, json: { itemNotFound: { code: 404 } } });
  });

  it('is not there while the server is built', async () => {
    const { json } = await bench.call('POST', V1, order());
    await bench.clock.advance(TIMES.acceptMs);
    expect(await read(String(json.serverIds?.[0]))).toMatchObject({ status: 409, json: { conflictingRequest: { code: 409 } } });
  });

  it.each([
    { name: 'no length', body: { 'os-getConsoleOutput': {} } },
    { name: 'a length that is no number', body: { 'os-getConsoleOutput': { length: '50' } } },
    { name: 'another action', body: { 'os-start': null } },
    { name: 'nothing', body: {} },
  ])('is refused to who asks with $name', async ({ body }) => {
    expect(await action(await active(), body)).toMatchObject({ status: 400, json: { badRequest: { code: 400 } } });
  });

  it('is refused by fault injection like every call', async () => {
    const id = await active();
    bench.ctx.faults.inject({ operation: 'ecs.console', times: 1, status: 403, code: 'Pdp.0001' });
    expect([(await read(id)).status, (await read(id)).status, bench.ctx.faults.calls('ecs.console')]).toEqual([403, 200, 2]);
  });
});
