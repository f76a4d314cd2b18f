import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../sandbox/faults.ts';
import { type OtcBench, otcBench, PROJECT } from './bench.ts';
import { ask } from './client.ts';
import { order } from './orders.ts';

const CREATE = `/v1/${PROJECT}/cloudservers`;

let bench: OtcBench;
beforeEach(async () => {
  bench = await otcBench();
});
afterEach(() => bench.close());

const inject = (fault: Partial<Fault>) => bench.ctx.faults.inject({ operation: 'ecs.create', times: 1, ...fault });
const create = () => bench.call('POST', CREATE, order());

describe('faults on a call', () => {
  it.each<{ name: string; fault: Partial<Fault>; carriedOut: number }>([
    { name: 'lost: carried out, and the connection is cut', fault: { kind: 'lost' }, carriedOut: 1 },
    { name: 'half: carried out, and the answer ends in the middle', fault: { kind: 'half' }, carriedOut: 1 },
    { name: 'reset: cut without being carried out', fault: { kind: 'reset' }, carriedOut: 0 },
  ])('$name', async ({ fault, carriedOut }) => {
    inject(fault);
    await expect(create()).rejects.toThrow(/socket hang up|aborted|ECONNRESET/);
    expect(bench.fleet.created).toBe(carriedOut);
    expect((await create()).status).toBe(200);
  });

  it('hang: holds the connection until the client gives up', async () => {
    inject({ kind: 'hang', operation: 'ecs.*' });
    const giveUp = new AbortController();
    const held = ask(bench.url, CREATE, { method: 'POST' }, giveUp.signal);
    const refused = expect(held).rejects.toThrow(/abort/i);
    expect((await bench.call('GET', '/v3/projects')).status).toBe(200);
    giveUp.abort();
    await refused;
    expect(bench.fleet.created).toBe(0);
  });

  it('delay: only slow', async () => {
    inject({ kind: 'delay', delayMs: 5 });
    expect((await create()).status).toBe(200);
  });

  it.each<{ name: string; fault: Partial<Fault>; status: number; body: unknown }>([
    {
      name: "ECS's own envelope around a code of ECS",
      fault: { code: 'Ecs.0319' },
      status: 400,
      body: { error: { code: 'Ecs.0319', message: 'injected by the sandbox' } },
    },
    {
      name: "the gateway's envelope around its codes",
      fault: { code: 'APIG.0308' },
      status: 429,
      body: { error_code: 'APIG.0308', error_msg: 'injected by the sandbox', request_id: expect.any(String) },
    },
    {
      name: 'another status where one is given',
      fault: { code: 'Common.0024', status: 202 },
      status: 202,
      body: { error: { code: 'Common.0024', message: 'injected by the sandbox' } },
    },
  ])('answer: $name', async ({ fault, status, body }) => {
    inject(fault);
    const answer = await create();
    expect([answer.status, answer.json]).toEqual([status, body]);
    expect(bench.fleet.created).toBe(0);
  });

  it("answer: a balancer's HTML with its headers", async () => {
    inject({ status: 502, body: '<html>Bad Gateway</html>', headers: { 'retry-after': '7' } });
    const answer = await create();
    expect([answer.status, answer.text, answer.headers['retry-after']]).toEqual([502, '<html>Bad Gateway</html>', '7']);
  });

  it('counts every call, refused ones too', async () => {
    inject({ status: 500 });
    await create();
    await create();
    expect([bench.ctx.faults.calls('ecs.create'), bench.ctx.faults.calls('ecs.*'), bench.ctx.faults.calls('obs.*')]).toEqual([2, 2, 0]);
  });
});
