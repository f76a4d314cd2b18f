import { expect, it } from 'vitest';
import { jobsToAsk } from '../../../../lib/app/reconcile/left-jobs.ts';
import { MINUTE, NOW } from '../../../../testkit/builders.ts';

const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => ({ id: first + i, projectId: 7 }));
const ids = (wanted: readonly { readonly id: number }[]) => wanted.map(({ id }) => id);

it('asks for a few jobs of each kind, so that many of one kind do not keep the others waiting', () => {
  expect(ids(jobsToAsk(from(1, 3), from(11, 9), NOW))).toStrictEqual([1, 2, 3, 11, 12, 13, 14, 15]);
  expect(ids(jobsToAsk([], [], NOW))).toStrictEqual([]);
});

it('asks for others in the next minute where those of this one may get no answer', () => {
  const asked = Array.from({ length: 6 }, (_, minute) => ids(jobsToAsk(from(1, 30), [], NOW + minute * MINUTE)));
  expect(asked.map((some) => some.length)).toStrictEqual([5, 5, 5, 5, 5, 5]);
  expect(new Set(asked.flat()).size).toBe(30);
});

it('asks for none twice', () => {
  expect(ids(jobsToAsk(from(1, 2), from(2, 2), NOW))).toStrictEqual([1, 2, 3]);
});
