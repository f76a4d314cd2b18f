import { expect, it } from 'vitest';
import { DAY, formatDuration, HOUR, MINUTE, SECOND } from '../../../lib/core/time.ts';

it.each([
  [-5 * SECOND, '0 s', '0 s'],
  [999, '0 s', '0 s'],
  [59 * SECOND, '59 s', '59 s'],
  [90 * SECOND, '90 s', '1 min 30 s'],
  [119_999, '119 s', '1 min 59 s'],
  [2 * MINUTE, '2 min', '2 min'],
  [132 * SECOND, '2 min', '2 min 12 s'],
  [71 * MINUTE, '71 min', '1 h 11 min'],
  [2 * HOUR - 1, '119 min', '1 h 59 min'],
  [2 * HOUR + 59 * SECOND, '2 h', '2 h'],
  [36 * HOUR, '36 h', '1 d 12 h'],
  [2 * DAY + 7 * HOUR + 59 * MINUTE, '2 d', '2 d 7 h'],
  [400 * DAY, '400 d', '400 d'],
])('%s ms in words', (ms, coarse, fine) => {
  expect([formatDuration(ms), formatDuration(ms, 'fine')]).toEqual([coarse, fine]);
});
