import { describe, expect, it } from 'vitest';
import { assignJobs, canRun } from '../../../lib/core/match.ts';
import { job, NOW, pool } from '../../builders.ts';

const rows = [
  { name: 'all tags', tags: ['bake', 'docker'], expected: true },
  { name: 'some of the tags', tags: ['docker'], expected: true },
  { name: 'one tag too many', tags: ['bake', 'arm'], expected: false },
  { name: 'a stranger tag', tags: ['arm'], expected: false },
  { name: 'another case', tags: ['Bake'], expected: false },
  { name: 'the start of a tag', tags: ['bak'], expected: false },
  { name: 'blanks around it', tags: [' bake'], expected: false },
  { name: 'no tags, and the pool does not take them', tags: [], expected: false },
  { name: 'no tags, and the pool takes them', tags: [], untagged: true, expected: true },
  { name: 'the pool takes untagged jobs, and this one has a stranger tag', tags: ['arm'], untagged: true, expected: false },
];

describe('canRun', () => {
  it.each(rows)('$name', ({ tags, untagged = false, expected }) => {
    expect(canRun(pool({ runUntagged: untagged }), { tags })).toBe(expected);
  });

  it('needs a pool with tags for a job with tags', () => {
    expect(canRun(pool({ tags: [] }), { tags: ['bake'] })).toBe(false);
  });
});

describe('assignJobs', () => {
  const big = pool({ name: 'big', tags: ['bake', 'big'] });
  const small = pool({ name: 'small', tags: ['bake'] });
  const ids = (assigned: ReturnType<typeof assignJobs>, name: string) => assigned.get(name)?.map((j) => j.id);

  it('gives a job that two pools can run to the first alone', () => {
    const waiting = [job(1), job(2, { tags: ['big'] }), job(3, { tags: ['arm'] })];
    const assigned = assignJobs([
      { pool: small, jobs: waiting },
      { pool: big, jobs: waiting },
    ]);
    expect([ids(assigned, 'small'), ids(assigned, 'big')]).toStrictEqual([[1], [2]]);
  });

  it('leaves to a later pool what the first does not see', () => {
    const assigned = assignJobs([
      { pool: big, jobs: [job(1)] },
      { pool: small, jobs: [job(1), job(2)] },
    ]);
    expect([ids(assigned, 'big'), ids(assigned, 'small')]).toStrictEqual([[1], [2]]);
  });

  it('counts a job that is listed twice once', () => {
    expect(ids(assignJobs([{ pool: big, jobs: [job(1), job(1), job(2)] }]), 'big')).toStrictEqual([1, 2]);
  });

  it('puts the oldest first, and of equally old ones the lowest id', () => {
    const waiting = [job(4, { queuedAt: NOW }), job(9, { queuedAt: NOW - 1 }), job(3, { queuedAt: NOW }), job(5, { queuedAt: NOW + 1 })];
    expect(ids(assignJobs([{ pool: big, jobs: waiting }]), 'big')).toStrictEqual([9, 3, 4, 5]);
  });

  it('names every pool, with or without jobs', () => {
    expect([...assignJobs([{ pool: big, jobs: [] }])]).toStrictEqual([['big', []]]);
  });
});
