import type { SandboxContext, SimulatedVm } from '../context.ts';
import { WorkerConsole } from './console.ts';
import { type Handoff, handoffUrl, limitsOf, readHandoff } from './handoff.ts';
import { RUNNER_VERSION, type RunnerOptions, runSingle } from './runner.ts';

/**
 * `normal`; `broken-boot`: never contacts anything; `cache-missing`: powers off before any contact, as a worker without its required
 * caches does; `hangs`: takes a job and is never heard of again.
 */
export type WorkerMode = 'normal' | 'broken-boot' | 'cache-missing' | 'hangs';

export interface WorkerOptions {
  /** From power-on to the first contact; 90 s when absent. A function is asked for each VM. */
  readonly bootMs?: number | (() => number);
  /** `normal` when absent. */
  readonly mode?: WorkerMode | ((vm: SimulatedVm) => WorkerMode);
  /** The state of the workers' GitLab: it holds their requests as Workhorse does, and notes killed jobs. */
  readonly gitlab?: RunnerOptions['gitlab'];
  /** They never leave by their wait timeout, so that the scaler has to take them away. */
  readonly stay?: boolean;
}

const BOOT_MS = 90_000;
const HANDOFF_TRIES = 5;
const HANDOFF_GAP_MS = 10_000;

/**
 * The life of a worker on a VM: boots, fetches its configuration through the presigned URL in its user data, and works as
 * `gitlab-runner run-single` does until it powers the VM off. Sleeps on the sandbox's clock, so the caller must track it.
 */
export async function runWorker(vm: SimulatedVm, ctx: SandboxContext, options: WorkerOptions = {}): Promise<void> {
  const { bootMs = BOOT_MS, mode = 'normal' } = options;
  const console = new WorkerConsole(vm, ctx.clock);
  await boot(vm, ctx, console, typeof bootMs === 'function' ? bootMs() : bootMs);
  if (vm.gone.aborted) return;
  const how = typeof mode === 'function' ? mode(vm) : mode;
  if (how === 'broken-boot') return;
  const noCache = how === 'cache-missing';
  const handoff = noCache ? undefined : await prepare(vm, ctx, console);
  if (vm.gone.aborted) return;
  if (!handoff) console.report('failed', `reason=${noCache ? 'cache-unavailable' : 'handoff'}`);
  const reason = handoff ? await serve(vm, ctx, handoff, options, how) : noCache ? 'no caches' : 'no handoff';
  if (vm.gone.aborted) return;
  console.report('finished', `result=${handoff ? 'success' : 'exit-code'} status=${handoff ? 0 : 1}`);
  ctx.emit({ at: ctx.clock.now(), kind: 'worker-exit', fields: { id: vm.id, name: vm.name, reason } });
  vm.powerOff();
}

/** Two fifths go by before the worker's own scripts have their turn. */
async function boot(vm: SimulatedVm, ctx: SandboxContext, console: WorkerConsole, ms: number): Promise<void> {
  const machine = Math.round(ms * 0.4);
  await ctx.clock.sleep(machine, vm.gone);
  if (vm.gone.aborted) return;
  for (const phase of ['cloud-init-started', 'setup']) console.report(phase);
  console.report('runner-version', `version=${RUNNER_VERSION}`);
  console.report('metadata-blocked');
  await ctx.clock.sleep(ms - machine, vm.gone);
}

/** Everything between the start of the worker's scripts and its first request for a job. */
async function prepare(vm: SimulatedVm, ctx: SandboxContext, console: WorkerConsole): Promise<Handoff | undefined> {
  if (/CACHE_SERVER='[^']/.test(vm.userData)) console.report('mounted');
  if (/EXECUTOR='docker'/.test(vm.userData)) console.report('docker-ready');
  const handoff = await fetchHandoff(vm, ctx);
  if (handoff && !vm.gone.aborted) for (const phase of ['handoff', 'ready', 'runner-started']) console.report(phase);
  return handoff;
}

function serve(vm: SimulatedVm, ctx: SandboxContext, handoff: Handoff, options: WorkerOptions, how: WorkerMode): Promise<string> {
  return runSingle(ctx, {
    ...limitsOf(vm.userData),
    ...(options.stay && { waitTimeoutMs: 0 }),
    ...handoff,
    name: vm.name,
    gone: vm.gone,
    hang: how === 'hangs',
    gitlab: options.gitlab,
  });
}

async function fetchHandoff(vm: SimulatedVm, ctx: SandboxContext): Promise<Handoff | undefined> {
  const url = handoffUrl(vm.userData);
  if (!url) return undefined;
  for (let i = 0; i < HANDOFF_TRIES; i++) {
    const handoff = await readHandoff(url, vm.gone);
    if (handoff || vm.gone.aborted) return handoff;
    await ctx.clock.sleep(HANDOFF_GAP_MS, vm.gone);
  }
  return undefined;
}
