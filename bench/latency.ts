import { watchExchanges } from './awaited.ts';
import type { Build } from './build.ts';
import { startBenchFarm } from './farm.ts';
import type { Row, Section } from './row.ts';
import { startSenders } from './senders.ts';
import { median, quantile } from './statistics.ts';

const LATENCY_MS = 50;
/** Passes of one installation begin a second apart: what is measured is a hook that meets none. */
const SPACING_MS = 1_100;
/** Installations that are measured side by side: mostly they wait. */
const LANES = 4;
/** More than ten waiting pipelines of one project would cost another request. */
const PROJECTS = 5;
/** Wake-up, turnstile, hook's job, turnstile, all that is observed, launches that no list shows yet, runner, handoff (docs/performance.md). */
const MOST_AWAITED = 8;

/** One hook: milliseconds from its arrival at the webhook to that of the order at ECS, and upstream answers awaited one after the other between. */
export interface HookToCreate {
  readonly ms: number;
  readonly awaited: number;
}

/** Single hooks, each after the one before is done with. */
export async function latency(build: Build, quick: boolean): Promise<Section> {
  const count = quick ? 16 : 60;
  const hooks = await hooksToCreates(build, count);
  const times = hooks.map(({ ms }) => ms);
  const row = (what: string, share: number, most?: number): Row => ({
    what,
    value: quantile(times, share) / 1000,
    unit: 's',
    ...(most === undefined ? {} : { against: { kind: 'most', value: most } }),
    must: false,
  });
  return {
    name: `latency: hook to ECS create, ${LATENCY_MS} ms per upstream answer, ${times.length} hooks`,
    rows: [
      row('p50', 0.5, 0.5),
      row('p99', 0.99, 1.5),
      {
        what: 'upstream answers awaited one after the other',
        value: median(hooks.map(({ awaited }) => awaited)),
        unit: '',
        against: { kind: 'most', value: MOST_AWAITED },
        must: true,
      },
      { what: 'hooks without their machine', value: count - times.length, unit: '', against: { kind: 'exactly', value: 0 }, must: true },
    ],
  };
}

/** As many as got their machine. */
export async function hooksToCreates(build: Build, count: number): Promise<readonly HookToCreate[]> {
  return (await Promise.all(Array.from({ length: LANES }, () => lane(build, count / LANES)))).flat();
}

async function lane(build: Build, hooks: number): Promise<readonly HookToCreate[]> {
  let began = Number.NaN;
  const done: HookToCreate[] = [];
  const bench = await startBenchFarm(build, {
    latencyMs: LATENCY_MS,
    pools: [{ limit: 100 }],
    onEvent: ({ kind }) => {
      if (kind !== 'server-created') return;
      // The sandbox acts on a request after its latency: it has arrived that much before.
      const arrived = performance.now() - LATENCY_MS;
      done.push({ ms: arrived - began, awaited: exchanges.awaited(began, arrived) });
    },
    onHook: () => {
      began = performance.now();
    },
  });
  const { urls } = bench.farm.sandbox;
  const exchanges = watchExchanges(new Set([urls.gitlab, urls.otc, urls.obs].map((url) => Number(new URL(url).port))));
  const senders = startSenders();
  try {
    for (let i = 0; i < hooks; i += 1) {
      const [job] = bench.farm.sandbox.gitlab.createPipeline(`acme/layer-${i % PROJECTS}`, [{ name: `image-${i}`, tags: ['pool0'] }]).jobs;
      if (!job) break;
      await senders.send(bench.hookUrl, [bench.delivery(job)], 1);
      await bench.settled();
      await new Promise((resolve) => setTimeout(resolve, SPACING_MS));
    }
    return done;
  } finally {
    senders.close();
    exchanges.close();
    await bench.close();
  }
}
