import { startBenchFarm } from './farm.ts';
import type { Row, Section } from './row.ts';
import { quantile } from './statistics.ts';

const LATENCY_MS = 50;
/** Passes of one installation begin a second apart: what is measured is a hook that meets none. */
const SPACING_MS = 1_100;
/** Installations that are measured side by side: mostly they wait. */
const LANES = 4;
/** More than ten waiting pipelines of one project would cost another request. */
const PROJECTS = 5;

/** Single hooks, each after the one before is done with: from its arrival at the webhook to the arrival of the order for a machine. */
export async function latency(quick: boolean): Promise<Section> {
  const count = quick ? 16 : 60;
  const lanes = await Promise.all(Array.from({ length: LANES }, () => lane(count / LANES)));
  const times = lanes.flat();
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
      { what: 'hooks without their machine', value: count - times.length, unit: '', against: { kind: 'exactly', value: 0 }, must: true },
    ],
  };
}

async function lane(hooks: number): Promise<readonly number[]> {
  let began = Number.NaN;
  const times: number[] = [];
  const bench = await startBenchFarm({
    latencyMs: LATENCY_MS,
    pools: [{ limit: 100 }],
    onEvent: ({ kind }) => {
      // The sandbox acts on a request after its latency: it has arrived that much before.
      if (kind === 'server-created') times.push(performance.now() - began - LATENCY_MS);
    },
    onHook: () => {
      began = performance.now();
    },
  });
  try {
    for (let i = 0; i < hooks; i += 1) {
      const [job] = bench.farm.sandbox.gitlab.createPipeline(`acme/layer-${i % PROJECTS}`, [{ name: `image-${i}`, tags: ['pool0'] }]).jobs;
      if (!job) break;
      await bench.hook(job)();
      await bench.settled();
      await new Promise((resolve) => setTimeout(resolve, SPACING_MS));
    }
    return times;
  } finally {
    await bench.close();
  }
}
