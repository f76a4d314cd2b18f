import { expect, it } from 'vitest';
import { RunningClock, SteppedClock } from '../../../sandbox/clock.ts';

it('a stepped clock shows whole milliseconds whatever delays it is given, as Date.now() does: ULIDs take no fractions', async () => {
  const clock = new SteppedClock(1_000);
  const seen: number[] = [];
  const look = () => void seen.push(clock.now());
  clock.after(0.4, look);
  clock.after(10.7, look);
  void clock.track(clock.sleep(20.6).then(look));
  await clock.advance(30.2);
  expect([...seen, clock.now()]).toEqual([1_000, 1_011, 1_021, 1_030]);
});

it('so does a running clock that was moved on by a fraction', async () => {
  const clock = new RunningClock();
  await clock.advance(1_000.25);
  expect(Number.isInteger(clock.now())).toBe(true);
});
