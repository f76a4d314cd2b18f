import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { bounded } from '../../../lib/signals/bounded.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a bounded signal', () => {
  it('aborts when the time is up, and knows it', async () => {
    const limit = bounded(5, [], { reason: (why) => new Error(why) });
    expect(limit.signal.aborted).toBe(false);
    await sleep(30);
    expect([limit.signal.aborted, limit.late, String(limit.signal.reason)]).toEqual([true, true, 'Error: late']);
    limit.end();
  });

  it('aborts with the first of the others, and knows that it was not the time', async () => {
    const outer = new AbortController();
    const limit = bounded(20, [undefined, outer.signal], { reason: (why) => new Error(why) });
    outer.abort();
    expect([limit.signal.aborted, String(limit.signal.reason)]).toEqual([true, 'Error: called-off']);
    await sleep(40);
    expect(limit.late).toBe(false);
    limit.end();
  });

  it('without a time ends with the others alone', async () => {
    const outer = new AbortController();
    const limit = bounded(undefined, [outer.signal]);
    await sleep(10);
    expect(limit.signal.aborted).toBe(false);
    outer.abort();
    expect([limit.signal.aborted, limit.late]).toEqual([true, false]);
    limit.end();
  });

  it('has aborted when one of the others has', () => {
    const limit = bounded(1_000, [AbortSignal.abort()]);
    expect([limit.signal.aborted, limit.late]).toEqual([true, false]);
    limit.end();
  });

  it('is let go at its end', async () => {
    const outer = new AbortController();
    const limit = bounded(5, [outer.signal]);
    limit.end();
    outer.abort();
    await sleep(30);
    expect([limit.signal.aborted, limit.late]).toEqual([false, false]);
  });

  it('aborts although only its listener is left of it, and memory is collected', async () => {
    let aborted = 0;
    for (let i = 0; i < 10; i += 1) bounded(100, [new AbortController().signal]).signal.addEventListener('abort', () => (aborted += 1));
    for (let i = 0; i < 5; i += 1) {
      await sleep(5);
      collect();
    }
    await sleep(300);
    expect(aborted).toBe(10);
  });
});
