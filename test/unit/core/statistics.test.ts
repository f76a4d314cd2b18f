import { expect, it } from 'vitest';
import { spread } from '../../../lib/core/statistics.ts';

it.each([
  { name: 'nothing', values: [], found: { n: 0 } },
  { name: 'one value', values: [7], found: { n: 1, p50: 7, p95: 7, max: 7 } },
  { name: 'two values: the lower is the median', values: [9, 1], found: { n: 2, p50: 1, p95: 9, max: 9 } },
  {
    name: 'twenty: the nineteenth is p95',
    values: Array.from({ length: 20 }, (_, i) => 20 - i),
    found: { n: 20, p50: 10, p95: 19, max: 20 },
  },
  { name: 'a hundred', values: Array.from({ length: 100 }, (_, i) => i + 1), found: { n: 100, p50: 50, p95: 95, max: 100 } },
])('spread of $name', ({ values, found }) => expect(spread(values)).toEqual(found));
