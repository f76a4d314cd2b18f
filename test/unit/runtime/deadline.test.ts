import { getMaxListeners } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../../lib/runtime/clock.ts';
import { startDeadline } from '../../../lib/runtime/deadline.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it.each([
  { name: 'a minute', remaining: 60_000, act: 52_000, all: 58_500 },
  { name: 'the longest sync call', remaining: 90_000, act: 82_000, all: 88_500 },
  { name: 'little time: shares of it', remaining: 10_000, act: 7_000, all: 9_000 },
  { name: "FunctionGraph's default", remaining: 3_000, act: 2_100, all: 2_700 },
])('ends acting and then everything, in time: $name', ({ remaining, act, all }) => {
  const { deadline } = startDeadline(remaining);
  const state = () => [deadline.act.aborted, deadline.all.aborted];
  vi.advanceTimersByTime(act - 1);
  expect(state()).toEqual([false, false]);
  vi.advanceTimersByTime(1);
  expect(state()).toEqual([true, false]);
  vi.advanceTimersByTime(all - act - 1);
  expect(state()).toEqual([true, false]);
  vi.advanceTimersByTime(1);
  expect(state()).toEqual([true, true]);
});

it('leaves no timer behind', () => {
  const { deadline, end } = startDeadline(60_000);
  expect(vi.getTimerCount()).toBe(2);
  end();
  expect(vi.getTimerCount()).toBe(0);
  expect([deadline.act.aborted, deadline.all.aborted]).toEqual([false, false]);
});

it('lets any number of calls listen: a launch of many must not warn of a leak', () => {
  const { deadline, end } = startDeadline(60_000);
  expect([getMaxListeners(deadline.act), getMaxListeners(deadline.all)]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  end();
});

it('no time left aborts at once', () => {
  const { deadline } = startDeadline(-5);
  vi.advanceTimersByTime(1);
  expect([deadline.act.aborted, deadline.all.aborted]).toEqual([true, true]);
});

it('the clock sleeps its time, or until it is called off, and leaves nothing behind', async () => {
  const slept = systemClock.sleep(1_000);
  vi.advanceTimersByTime(1_000);
  await slept;
  const controller = new AbortController();
  const cut = systemClock.sleep(60_000, controller.signal);
  controller.abort();
  await cut;
  await systemClock.sleep(60_000, controller.signal);
  expect(vi.getTimerCount()).toBe(0);
  expect(systemClock.now()).toBe(Date.now());
});
