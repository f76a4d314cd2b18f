import { explainJob } from '../../lib/app/ledger/explain.ts';
import { readLedger } from '../../lib/app/ledger/read.ts';
import { LATEST_KEY } from '../../lib/core/keys.ts';
import { DAY, formatDuration, MINUTE, toIso } from '../../lib/core/time.ts';
import { SteppedClock } from '../../sandbox/clock.ts';
import { seeded } from '../../sandbox/gitlab/random.ts';
import { playWorkload } from '../../sandbox/workload.ts';
import { type Farm, GROUP, startFarm } from '../../testkit/farm.ts';
import { serveDashboard } from '../dashboard/server.ts';
import type { Output } from '../shared/output.ts';
import { clean } from '../shared/printable.ts';
import { dayInFigures, Story } from './story.ts';

export interface DemoOptions {
  readonly once: boolean;
  readonly port: number;
  /** Simulated seconds in a real one, at most. */
  readonly speed: number;
}

/** A Monday, from shortly before the nightly build to the evening; UTC. */
const FROM = Date.UTC(2026, 10, 23, 1, 45);
const TO = Date.UTC(2026, 10, 23, 18, 30);
const PROJECTS = [`${GROUP}/meta-product`, `${GROUP}/meta-bsp`];

/** The old farm's pool, and two workers kept ready in working hours. */
const POOL = {
  name: 'bitbake',
  tags: ['bitbake'],
  limit: 19,
  idle_time: 60,
  max_builds: 100,
  periods: [{ periods: ['* * 8-17 * * mon-fri *'], timezone: 'Europe/Berlin', idle_count: 2, idle_time: '10m' }],
};

/** Plays a bitbake-like day through the real functions, and tells it. Gives the exit code. */
export async function demo(options: DemoOptions, output: Output, stopped: () => Promise<void>): Promise<number> {
  const clock = new SteppedClock(FROM);
  const story = new Story((line) => output.say(line), FROM);
  const random = seeded(11);
  const farm = await startFarm({
    clock,
    port: options.port,
    pools: [POOL],
    worker: { bootMs: () => 45_000 + Math.floor(random() * MINUTE) },
    onEvent: (event) => story.event(event),
    onLog: (line) => story.log(line, clock.now()),
  });
  for (const path of PROJECTS) farm.sandbox.gitlab.createProject(path);
  const { urls } = farm.sandbox;
  output.say(`GitLab ${urls.gitlab}, OTC ${urls.otc}, OBS ${urls.obs} — all on this machine. Times are UTC.`);
  // The page takes the time from its server, whose clock runs faster than its own: it looks each second.
  const { store } = farm.services();
  const live = await serveDashboard({ store, port: options.port === 0 ? 0 : options.port + 4, clock, everySeconds: 1 }, output);
  // The bucket itself is closed to those without a key, as a real one until `scaler dashboard publish`.
  if (live) output.say(`The newest counts: curl ${new URL(LATEST_KEY, live.url)}`);
  output.say('');
  farm.sandbox.functions.timer('reaper', MINUTE);

  let stop = false;
  void stopped().then(() => {
    stop = true;
  });
  try {
    for (let day = 0; !stop && (day === 0 || !options.once); day++) {
      const span = { from: day === 0 ? FROM : FROM + day * DAY, to: TO + day * DAY };
      if (clock.now() < span.from) await play(clock, span.from, options.speed, () => stop);
      playWorkload(farm.sandbox.gitlab, farm.sandbox.ctx, { seed: 7, projects: PROJECTS, tags: ['bitbake'], ...span });
      await play(clock, span.to, options.speed, () => stop);
      await tell(farm, story, clock.now(), output);
      story.nextDay(clock.now());
    }
  } finally {
    await live?.stop();
    await farm.close();
  }
  return story.killedEver === 0 ? 0 : 1;
}

/** Moves time on in steps of a minute, no faster than `speed`. */
async function play(clock: SteppedClock, until: number, speed: number, stopped: () => boolean): Promise<void> {
  const began = { real: performance.now(), simulated: clock.now() };
  while (clock.now() < until && !stopped()) {
    await clock.advance(Math.min(MINUTE, until - clock.now()));
    const due = began.real + (clock.now() - began.simulated) / speed;
    const early = due - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
  }
}

async function tell(farm: Farm, story: Story, now: number, output: Output): Promise<void> {
  const figures = story.summary(now);
  if (output.json) {
    output.data(JSON.stringify({ ...figures, since: toIso(figures.since), until: toIso(figures.until) }));
    return;
  }
  output.data(dayInFigures(figures, POOL.limit));
  const longest = story.longest();
  if (!longest) return;
  const { lines } = explainJob(clean(await readLedger(farm.services().store, figures.since - DAY, now)), longest.job);
  output.data(`\nWhy job ${longest.job} waited ${formatDuration(longest.ms, 'fine')} (scaler explain --job ${longest.job}):`);
  for (const line of lines) output.data(`  ${line.time}  ${line.text}`);
}
