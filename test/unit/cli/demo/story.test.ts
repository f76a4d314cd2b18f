import { describe, expect, it } from 'vitest';
import { dayInFigures, Story } from '../../../../cli/demo/story.ts';

const FROM = Date.UTC(2026, 10, 23, 1, 45);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function followed() {
  const lines: string[] = [];
  const story = new Story((line) => void lines.push(line), FROM);
  const job = (at: number, id: number, status: string) =>
    story.event({
      at: FROM + at,
      kind: ['success', 'failed', 'canceled', 'skipped'].includes(status) ? 'job-finished' : `job-${status}`,
      fields: { job: id, name: `build${id}`, pipeline: 1, status },
    });
  const server = (at: number, id: string, kind: 'created' | 'deleted') =>
    story.event({ at: FROM + at, kind: `server-${kind}`, fields: { id, name: id } });
  return { story, lines, job, server };
}

/** A day of which one job still runs, one waits, one has not begun, and one machine is still there. */
function firstDay() {
  const day = followed();
  const { job, server } = day;
  for (let id = 1; id <= 7; id++) job(0, id, 'created');
  for (let id = 1; id <= 6; id++) job(0, id, 'pending');
  server(MINUTE, 'vm-1', 'created');
  server(MINUTE, 'vm-2', 'created');
  job(2 * MINUTE, 1, 'running');
  job(71 * MINUTE, 2, 'running');
  job(72 * MINUTE, 1, 'success');
  job(80 * MINUTE, 2, 'failed');
  job(80 * MINUTE, 3, 'canceled');
  job(80 * MINUTE, 4, 'skipped');
  job(90 * MINUTE, 5, 'running');
  server(2 * HOUR + MINUTE, 'vm-1', 'deleted');
  return day;
}

describe('the day in figures', () => {
  it('adds up: every job is somewhere', () => {
    const { story } = firstDay();
    const figures = story.summary(FROM + 10 * HOUR);
    const { jobs, succeeded, failed, cancelled, skipped, stillRunning, stillWaiting, notBegun } = figures;
    expect([jobs, succeeded, failed, cancelled, skipped, stillRunning, stillWaiting, notBegun]).toEqual([7, 1, 1, 1, 1, 1, 1, 1]);
    const text = dayInFigures(figures, 19);
    expect(text).toContain('The day in figures (2026-11-23 01:45 to 2026-11-23 11:45 UTC)');
    expect(text).toContain(
      'jobs             7: 1 succeeded, 1 failed, 1 cancelled, 1 skipped, 1 still running, 1 still waiting, 1 not begun; 0 killed by scaling',
    );
    expect(text).toContain('(19 machines that are always on: 190), at most 2 at once, 1 at the end');
  });

  it('says long waits in hours and minutes', () => {
    const { story, lines } = firstDay();
    expect(dayInFigures(story.summary(FROM + 10 * HOUR), 19)).toContain('p50 1 h 11 min, p95 1 h 30 min, longest 1 h 30 min');
    expect(lines).toContainEqual(expect.stringMatching(/2 build2 runs, after 1 h 11 min$/));
    expect(lines).toContainEqual(expect.stringMatching(/1 build1 runs, after 2 min$/));
  });

  it('is of that day alone on the next one, with what was not over', () => {
    const { story, job, server } = firstDay();
    const evening = FROM + 10 * HOUR;
    expect(story.longest()?.job).toBe(5);
    story.nextDay(evening);
    expect(story.longest()).toBeUndefined();
    job(11 * HOUR, 5, 'success');
    job(11 * HOUR, 8, 'pending');
    job(11 * HOUR + MINUTE, 8, 'running');
    server(12 * HOUR, 'vm-2', 'deleted');
    const figures = story.summary(evening + 24 * HOUR);
    expect(figures).toMatchObject({ jobs: 4, carriedOver: 3, succeeded: 1, stillRunning: 1, stillWaiting: 1, notBegun: 1 });
    expect(figures).toMatchObject({ machineHours: 2, peakMachines: 1, waitSeconds: { max: 60 }, workers: { launched: 0 } });
    expect(story.longest()?.job).toBe(8);
    const text = dayInFigures(figures, 19);
    expect(text).toContain('jobs             4 (3 from the day before): 1 succeeded, 0 failed, 0 cancelled, 1 still running');
    expect(text).toContain('(19 machines that are always on: 456)');
  });

  it('keeps in mind that a job was killed', () => {
    const { story } = firstDay();
    story.event({ at: FROM, kind: 'job-killed', fields: { job: 5 } });
    expect(dayInFigures(story.summary(FROM + HOUR), 19)).toContain('; 1 killed by scaling');
    story.nextDay(FROM + HOUR);
    expect([story.summary(FROM + 2 * HOUR).killedByScaling, story.killedEver]).toEqual([0, 1]);
  });
});
