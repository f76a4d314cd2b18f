import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../lib/core/errors.ts';
import { type Call, send } from '../../../lib/http/client.ts';
import { fakeGitLab, NOW, NotingClock, type Reply } from '../gitlab/fake-gitlab.ts';

const BASE = { name: 'test', method: 'GET', headers: () => ({}), pausesMs: [], maxBytes: 1_000 } as const;

async function serving(...list: readonly Reply[]) {
  const fake = await fakeGitLab((_, index) => list[Math.min(index, list.length - 1)]);
  return { fake, call: (more: Partial<Call> = {}) => send({ ...BASE, url: `${fake.url}/x`, ...more }) };
}

describe('a repetition', () => {
  it.each([408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524])(
    'comes after %s, once for each pause, on the clock of the call',
    async (status) => {
      const clock = new NotingClock(NOW);
      const { fake, call } = await serving({ status, headers: { 'retry-after': '2' } });
      expect((await call({ clock, pausesMs: [100, 3_000] })).status).toBe(status);
      expect(fake.seen).toHaveLength(3);
      expect(clock.slept).toEqual([2_000, 3_000]);
    },
  );

  it('carries headers of its own', async () => {
    let tries = 0;
    const { fake, call } = await serving({ status: 503 }, { status: 200 });
    await call({ pausesMs: [1], headers: () => ({ 'x-try': String(++tries) }) });
    expect(fake.seen.map(({ headers }) => headers['x-try'])).toEqual(['1', '2']);
  });

  it.each([
    { name: 'without pauses', reply: { status: 503 }, pausesMs: [] },
    { name: 'after a throttle that names no time', reply: { status: 429 }, pausesMs: [1] },
    { name: 'after one that names a long time', reply: { status: 503, headers: { 'retry-after': '6' } }, pausesMs: [1] },
    { name: 'after a refusal', reply: { status: 403 }, pausesMs: [1] },
  ])('does not come $name', async ({ reply, pausesMs }) => {
    const { fake, call } = await serving(reply);
    expect((await call({ pausesMs })).status).toBe(reply.status);
    expect(fake.seen).toHaveLength(1);
  });
});

it('ends with the signal, with its reason where that is an error of ours', async () => {
  const { call } = await serving({ status: 200 });
  await expect(call({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'UnclearError', code: 'aborted' });
  const reason = new ConfigError('why', 'because');
  await expect(call({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
