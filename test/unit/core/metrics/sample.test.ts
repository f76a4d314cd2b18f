import { describe, expect, it } from 'vitest';
import { dayKey } from '../../../../lib/core/keys.ts';
import { type Launched, parseSamples, type Sample, SERIES_HEADER, sampleLine, sampleOf } from '../../../../lib/core/metrics/sample.ts';
import type { PlanNumbers } from '../../../../lib/core/plan/types.ts';
import { NOW } from '../../../../testkit/builders.ts';

const sample: Sample = {
  at: NOW,
  pool: 'bake',
  machines: 10,
  booting: 1,
  idle: 2,
  busy: 3,
  draining: 4,
  failed: 0,
  pending: 5,
  unmet: 6,
  limit: 20,
  oldestWait: 90,
  hourlyCost: 1.2346,
  coming: 2,
};
const LINE = '2026-11-23T12:00:00Z,bake,10,1,2,3,4,0,5,6,20,90,1.2346,2\n';
const UNASKED = '2026-11-23T12:00:00Z,bake,10,1,2,3,4,0,,,20,,1.2346,2\n';
const { pending: _, unmet: __, oldestWait: ___, ...unasked } = sample;
const { coming: ______, ...before } = sample;
const { hourlyCost: ____, oldestWait: _____, ...first } = before;

describe('writing', () => {
  it('has the columns that readers rely on', () => {
    expect(SERIES_HEADER).toBe('time,pool,machines,booting,idle,busy,draining,failed,pending,unmet,limit,oldest_wait,hourly_cost,coming\n');
  });

  it('writes one line a sample', () => {
    expect(sampleLine(sample)).toBe(LINE);
    expect(sampleLine({ ...sample, hourlyCost: 0.1 + 0.2 })).toContain(',0.3,2\n');
  });

  it('leaves empty what is not known', () => {
    expect(sampleLine(unasked)).toBe(UNASKED);
  });

  it('keeps a day of all pools in one object, by the day of UTC', () => {
    expect(dayKey(Date.UTC(2026, 0, 2, 23, 59, 59))).toBe('counts/v1/day/2026/01/2026-01-02.csv');
  });
});

describe('sampleOf', () => {
  const numbers = {
    machines: 10,
    booting: 1,
    idle: 2,
    busy: 3,
    draining: 4,
    failed: 0,
    limit: 20,
    idleTarget: 7,
    period: 1,
    unmet: 6,
    coming: 2,
  };

  it("takes a plan's numbers at the start of the minute", () => {
    expect(sampleOf('bake', { ...numbers, demand: 5 }, NOW + 59_999, { oldestWait: 90, hourlyCost: 1.2346 })).toStrictEqual(sample);
  });

  it('does not say that nothing waits when GitLab was not read', () => {
    expect(sampleOf('bake', numbers, NOW, { oldestWait: 90, hourlyCost: 1.2346 })).toStrictEqual(unasked);
  });
});

describe('what the pass itself has done', () => {
  const seen = { machines: 1, booting: 0, idle: 0, busy: 1, draining: 0, failed: 0, limit: 9, idleTarget: 0 };
  const rows: readonly {
    name: string;
    numbers: Partial<PlanNumbers>;
    launched?: Launched;
    expected: { readonly [member in 'pending' | 'unmet' | 'coming']?: number | undefined };
  }[] = [
    { name: 'nothing ordered', numbers: { demand: 0, unmet: 0 }, expected: { unmet: 0, coming: 0 } },
    { name: 'ordered by earlier passes', numbers: { demand: 0, unmet: 0, coming: 3 }, expected: { unmet: 0, coming: 3 } },
    {
      name: 'two launches of three succeeded',
      numbers: { demand: 4, unmet: 1 },
      launched: { succeeded: 2, inVain: 1 },
      expected: { pending: 4, unmet: 2, coming: 2 },
    },
    {
      name: 'beside what earlier passes ordered',
      numbers: { demand: 5, unmet: 0, coming: 3 },
      launched: { succeeded: 1, inVain: 1 },
      expected: { pending: 5, unmet: 1, coming: 4 },
    },
    {
      name: 'GitLab was not asked: what is ordered is known all the same',
      numbers: { unmet: 0, coming: 1 },
      launched: { succeeded: 1, inVain: 0 },
      expected: { pending: undefined, unmet: undefined, coming: 2 },
    },
    {
      name: 'a part of the jobs',
      numbers: { demand: 2, unreadParts: 1, unmet: 0 },
      launched: { succeeded: 1, inVain: 1 },
      expected: { pending: undefined, unmet: undefined, coming: 1 },
    },
  ];
  it.each(rows)('$name', ({ numbers, launched, expected }) => {
    const made = sampleOf('bake', { ...seen, unmet: 0, ...numbers }, NOW, launched && { launched });
    expect({ pending: made.pending, unmet: made.unmet, coming: made.coming }).toMatchObject(expected);
    expect(made).toMatchObject({ machines: 1, booting: 0, busy: 1 });
  });
});

describe('parseSamples', () => {
  const rows: readonly { name: string; text: string; expected: readonly Sample[] }[] = [
    { name: 'a whole day', text: SERIES_HEADER + LINE + UNASKED, expected: [sample, unasked] },
    { name: 'a line of the first version', text: LINE.replace(',90,1.2346,2', ''), expected: [first] },
    { name: 'a line without what is on its way', text: LINE.replace(',1.2346,2', ',1.2346'), expected: [before] },
    { name: 'a fraction of a machine', text: LINE.replace(',10,', ',1.5,'), expected: [] },
    { name: 'a cost in another notation', text: LINE.replace('1.2346', '1e3'), expected: [] },
    { name: 'the end of a day: a cut first line is left out', text: `0:00Z,bake,10,1,2,3,4,0,5,6,20\n${LINE}`, expected: [sample] },
    { name: 'a first line cut within a number', text: `,2,3,4,0,5,6,20,90,1,2\n${LINE}`, expected: [sample] },
    { name: 'a last line without its end', text: `${LINE}2026-11-23T12:01:00Z,bake,10,1,2,3,4,0,5,6,2`, expected: [sample] },
    { name: 'only a line without its end', text: LINE.trimEnd(), expected: [] },
    { name: 'nothing', text: '', expected: [] },
    { name: 'an empty line', text: `\n${LINE}\n`, expected: [sample] },
    { name: 'a column of a later version', text: LINE.replace('\n', ',later\n'), expected: [sample] },
    { name: 'a line too short', text: LINE.replace(',20,90,1.2346,2\n', '\n'), expected: [] },
    { name: 'no pool', text: LINE.replace('bake', ''), expected: [] },
    { name: 'no time', text: LINE.replace('2026-11-23T12:00:00Z', 'x'), expected: [] },
    { name: 'a word for a number', text: LINE.replace(',10,', ',ten,'), expected: [] },
    { name: 'a number with a tail', text: LINE.replace(',10,', ',10x,'), expected: [] },
    { name: 'a number with a head', text: LINE.replace(',10,', ',x10,'), expected: [] },
    { name: 'a number below nothing', text: LINE.replace(',10,', ',-10,'), expected: [] },
    { name: 'a number in another notation', text: LINE.replace(',10,', ',1e1,'), expected: [] },
    { name: 'a word where nothing may stand', text: LINE.replace(',5,6,', ',x,6,'), expected: [] },
    ...['machines', 'booting', 'idle', 'busy', 'draining', 'failed', 'limit'].map((column) => ({
      name: `an empty number of ${column}`,
      text: sampleLine({ ...sample, [column]: undefined }),
      expected: [],
    })),
  ];
  it.each(rows)('$name', ({ text, expected }) => {
    expect(parseSamples(text)).toStrictEqual(expected);
  });
});
