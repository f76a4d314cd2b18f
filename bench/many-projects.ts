import type { Build } from './build.ts';
import type { ChildResult } from './child.ts';
import { ledgerEntries, startBenchFarm } from './farm.ts';
import { reap } from './scale.ts';

const PROJECTS = 340;
const LATENCY_MS = 250;
const POOL = { name: 'pool0', tags: ['pool0'], limit: 20, idle_time: 60, max_builds: 100 };

export interface ManyProjects {
  readonly child: ChildResult;
  readonly requests: number;
  readonly launched: number;
  /** Plans in the ledger that were made with all of the demand known. */
  readonly plans: number;
}

/** One tick over a group of 340 projects, each with a child pipeline that waits, at 250 ms an answer: one job of them is ours. */
export async function runManyProjects(build: Build): Promise<ManyProjects> {
  const bench = await startBenchFarm(build, { pools: [POOL], times: { acceptMs: 0 } });
  try {
    const { gitlab, ecs, ctx } = bench.farm.sandbox;
    for (let i = 0; i < PROJECTS; i += 1) {
      const tags = i === PROJECTS - 1 ? POOL.tags : ['of-others'];
      gitlab.createPipeline(`acme/layer-${i}`, [{ name: 'image', tags }], { source: 'parent_pipeline' });
    }
    ctx.latencyMs = LATENCY_MS;
    ctx.faults.resetCalls();
    const child = await reap(bench.farm, build, [POOL]);
    const requests = ctx.faults.calls();
    ctx.latencyMs = 0;
    return { child, requests, launched: ecs.created, plans: await ledgerEntries(bench, 'plan') };
  } finally {
    await bench.close();
  }
}
