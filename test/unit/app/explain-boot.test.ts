import { describe, expect, it } from 'vitest';
import * as programs from '../../../cloud-init/worker/programs.generated.ts';
import { explainJob, explainWorker, isUnsettled } from '../../../lib/app/ledger/explain.ts';
import type { ReadEntry } from '../../../lib/app/ledger/schema.ts';
import { adviceLine, bootLines } from '../../../lib/app/ledger/sentences/boot.ts';

const WORKER = 'bake-1';
const entry = (kind: string, time: string, more: Partial<ReadEntry> = {}): ReadEntry => ({
  kind,
  time,
  pool: 'bake',
  worker: WORKER,
  ...more,
});
const launched = entry('launch', '2026-11-23T08:00:07Z', { outcome: 'done', why: 'demand', jobId: 7, flavor: 'c4', zone: 'z1' });
const machine = { createdAt: '2026-11-23T08:00:10Z', activeAt: '2026-11-23T08:00:49Z' };

describe('explain --worker', () => {
  it('shows the machine and the phases of a boot, each with its uptime and what it took', () => {
    const phases: [string, number][] = [
      ['setup', 12.34],
      ['mounted', 15],
      ['ready', 40.06],
    ];
    const booted = entry('booted', '2026-11-23T08:02:07Z', { seconds: 95, ...machine, phases });
    expect(explainWorker([launched, booted], WORKER).lines).toStrictEqual([
      { time: launched.time, text: 'done: launch of bake-1 (demand, c4 in z1)' },
      {
        time: booted.time,
        text: 'bake-1 asked GitLab for a job, 1 min 35 s after its launch',
        details: [
          'order accepted at 2026-11-23T08:00:10Z (+3 s), VM active at 2026-11-23T08:00:49Z (+39 s)',
          '   12.3 s  setup',
          '   15.0 s  mounted  +2.7 s',
          '   40.1 s  ready  +25.1 s',
        ],
      },
    ]);
  });

  it('shows of a failed boot why and what to do, and the reason also to who asks for the job', () => {
    const phases: [string, number][] = [['failed', 192.1]];
    const failed = entry('boot-failed', '2026-11-23T08:05:07Z', {
      seconds: 300,
      why: 'off-before-contact',
      ...machine,
      phases,
      reason: 'cache-unavailable',
    });
    const [, line] = explainWorker([launched, failed], WORKER).lines;
    expect(line?.text).toBe('bake-1 did not boot: off-before-contact, cache-unavailable (5 min after its launch)');
    expect(line?.details?.at(-1)).toMatch(/^reason cache-unavailable: the caches could not be mounted/);
    expect(explainJob([launched, failed], 7).lines.at(-1)?.text).toContain('cache-unavailable');
  });

  it.each([
    { name: 'that was written before phases were', more: { seconds: 95 } },
    { name: 'without a VM', more: { seconds: 95, why: 'Ecs.0204' } },
  ])('adds nothing to an entry $name', ({ more }) => {
    expect(explainWorker([entry('boot-failed', launched.time, more)], WORKER).lines[0]).not.toHaveProperty('details');
  });

  it.each([
    { name: 'launched', entries: [launched], unsettled: true },
    { name: 'launched without a clear answer', entries: [{ ...launched, outcome: 'unclear' }], unsettled: true },
    { name: 'not launched', entries: [{ ...launched, outcome: 'failed' }], unsettled: false },
    { name: 'booted', entries: [launched, entry('booted', launched.time)], unsettled: false },
    { name: 'not booted', entries: [launched, entry('boot-failed', launched.time)], unsettled: false },
    { name: 'reaped', entries: [launched, entry('reap', launched.time, { outcome: 'done' })], unsettled: false },
    { name: 'to be reaped, in vain', entries: [launched, entry('reap', launched.time, { outcome: 'failed' })], unsettled: true },
    { name: 'forgotten', entries: [launched, entry('forget', launched.time, { outcome: 'done' })], unsettled: false },
    { name: 'of which nothing is known', entries: [], unsettled: false },
  ])('knows whether the boot of a worker that was $name is still under way', ({ entries, unsettled }) => {
    expect(isUnsettled(explainWorker(entries, WORKER))).toBe(unsettled);
  });
});

describe('the lines of a boot', () => {
  it.each([
    { name: 'nothing was printed', boot: machine, line: 'no boot phases were seen' },
    {
      name: 'the console could not be read',
      boot: { ...machine, consoleUnread: 'Pdp.0001' },
      line: 'its console could not be read: Pdp.0001',
    },
  ])('say when $name', ({ boot, line }) => {
    expect(bootLines(boot).at(-1)).toBe(line);
  });

  it('show no difference to the boot before', () => {
    expect(
      bootLines({
        phases: [
          ['setup', 30],
          ['rebooted', 9],
        ],
      }),
    ).toStrictEqual(['   30.0 s  setup', '    9.0 s  rebooted']);
  });

  it('name the gitlab-runner that was found', () => {
    expect(bootLines({ phases: [['runner-version', 9]], runnerVersion: '18.5.0' }).at(-1)).toBe('    9.0 s  runner-version 18.5.0');
  });

  it('leave out what times do not make sense', () => {
    expect(bootLines({ launchedAt: '2026-11-23T08:00:11Z', createdAt: machine.createdAt, activeAt: 'soon' })[0]).toBe(
      'order accepted at 2026-11-23T08:00:10Z, VM active at soon',
    );
  });
});

describe('what to do about a boot that failed', () => {
  it.each([
    {
      name: 'a reason that is not known is shown as it is',
      boot: { reason: 'constructor' },
      text: /^reason constructor: not one that is known here/,
    },
    { name: 'a second boot', boot: { phases: [['rebooted', 9]] as const }, text: /started a second time/ },
    {
      name: 'too old before it was up',
      boot: {
        phases: [
          ['setup', 9],
          ['max-age', 99],
        ] as const,
      },
      text: /^max-age: /,
    },
    {
      name: 'a runner that nobody heard of',
      boot: {
        phases: [
          ['ready', 9],
          ['runner-started', 9.1],
          ['finished', 12],
        ] as const,
      },
      text: /asked GitLab for nothing/,
    },
    { name: 'a boot that hangs', boot: { phases: [['setup', 9]] as const }, text: /^it came as far as "setup"/ },
    { name: 'a console that may not be read', boot: { consoleUnread: 'http-403' }, text: /docs\/deploy\.md/ },
    { name: 'a VM in error', boot: { why: 'error' }, text: /cloud could not build the VM/ },
    { name: 'silence', boot: {}, text: /printed nothing/ },
  ])('$name', ({ boot, text }) => {
    expect(adviceLine(boot)).toMatch(text);
  });

  const scripts = Object.values(programs).join('\n');
  const reasons = [...new Set([...scripts.matchAll(/\bfail ([a-z][a-z-]*)/g)].map(([, reason = '']) => reason))];

  it.each(reasons)('is known for every reason that the scripts give: %s', (reason) => {
    expect(adviceLine({ reason })).not.toContain('not one that is known');
  });

  it.each(['rebooted', 'max-age', 'hard-stop', 'runner-started'])('is told by phases that the scripts print: %s', (phase) => {
    expect(scripts).toContain(`phase=${phase}`);
    expect(adviceLine({ phases: [[phase, 1]] })).not.toContain('came as far as');
  });

  it('covers more than a handful', () => {
    expect(reasons.length).toBeGreaterThan(7);
  });
});
