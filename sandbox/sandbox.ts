import type { SandboxClock } from './clock.ts';
import type { SandboxContext, SandboxEvent, SimulatedVm } from './context.ts';
import { Faults } from './faults.ts';
import type { DeployedFunctions } from './functiongraph/deployed.ts';
import { FunctionGraph } from './functiongraph/functiongraph.ts';
import { Gateway } from './functiongraph/gateway.ts';
import { createGitLab } from './gitlab/gitlab.ts';
import { seeded } from './gitlab/random.ts';
import { type Listening, listen, type Served } from './http.ts';
import { createManagement } from './management.ts';
import type { Apig } from './otc/apig/apig.ts';
import { type Catalogue, DEFAULT_CATALOGUE } from './otc/ecs/catalogue.ts';
import { EcsFleet } from './otc/ecs/fleet.ts';
import type { FleetTimes } from './otc/ecs/vm.ts';
import { Agencies, FUNCTION_DOMAIN } from './otc/iam/agencies.ts';
import { Iam, type KeyPair } from './otc/iam/iam.ts';
import type { Lts } from './otc/lts/lts.ts';
import { type AppendMode, Obs } from './otc/obs/obs.ts';
import { otcApp } from './otc/otc.ts';
import { registerSmn, Smn } from './otc/smn.ts';
import { runWorker } from './worker/worker.ts';

export interface SandboxOptions {
  readonly clock: SandboxClock;
  /** 0, the default, takes free ports; else GitLab, OTC, OBS and the gateway listen here and on the next three. */
  readonly port?: number;
  /** IPv4 address to listen on, where machines are to reach it; 127.0.0.1 when absent. */
  readonly host?: string;
  /** Real milliseconds that every answer takes. */
  readonly latencyMs?: number;
  /** Of servers, on the sandbox's clock; a day's usual ones when absent. */
  readonly times?: Partial<FleetTimes>;
  readonly catalogue?: Catalogue;
  readonly append?: AppendMode;
  /** Keys of the bucket that anyone may read. */
  readonly publicPrefixes?: readonly string[];
  /** Buckets that exist at the start; one when absent. The first is `Sandbox.bucket`. */
  readonly buckets?: readonly string[];
  /** Names of dedicated API gateways that exist at the start; one when absent. */
  readonly gateways?: readonly string[];
  /** Names of agencies that exist at the start and may be given to functions; they have no rights yet. */
  readonly agencies?: readonly string[];
  readonly gitlab?: Parameters<typeof createGitLab>[1];
  readonly worker?: Parameters<typeof runWorker>[2];
  /** The life of each server that becomes ACTIVE, in place of a simulated worker: starts a machine, and powers the VM off with it. */
  readonly machines?: (vm: SimulatedVm, ctx: SandboxContext) => Promise<void>;
  readonly onEvent?: (event: SandboxEvent) => void;
}

export interface Sandbox {
  readonly ctx: SandboxContext;
  readonly gitlab: ReturnType<typeof createGitLab>['state'];
  readonly iam: Iam;
  readonly ecs: EcsFleet;
  readonly obs: Obs;
  readonly smn: Smn;
  readonly functions: FunctionGraph;
  readonly gateway: Gateway;
  /** Functions that came through the API, with their triggers. */
  readonly deployed: DeployedFunctions;
  readonly apig: Apig;
  readonly lts: Lts;
  readonly agencies: Agencies;
  /** Of the first API gateway; '' without one. */
  readonly gatewayId: string;
  readonly urls: { readonly gitlab: string; readonly otc: string; readonly obs: string; readonly gateway: string };
  /** A permanent key of the account. */
  readonly credentials: KeyPair;
  readonly projectId: string;
  readonly bucket: string;
  readonly region: string;
  close(): Promise<void>;
}

const REGION = 'eu-de';
const PROJECT_ID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const BUCKET = 'ci-fleet';
const CREDENTIALS: KeyPair = { accessKey: 'SANDBOXACCESSKEY0001', secretKey: 'sandboxSecretKey000000000000000000000001' };
/** 42 s from begin to end is what a trace of 2024 shows for a create. */
const TIMES: FleetTimes = { acceptMs: 3000, buildMs: 39_000, deleteMs: 20_000, listLagMs: 5000 };

/** Starts GitLab, OTC, OBS and an API gateway over real HTTP on one address of this machine. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const ctx = context(options);
  // GitLab must know its own address, which is known only once it listens.
  let gitlab: ReturnType<typeof createGitLab> | undefined;
  const project = { id: PROJECT_ID, name: REGION };
  const iam = new Iam(ctx, { projects: [project], keys: [CREDENTIALS] });
  const fleet = new EcsFleet(ctx, {
    catalogue: options.catalogue ?? DEFAULT_CATALOGUE,
    times: { ...TIMES, ...options.times },
    // GitLab exists before the first server can.
    onActive: (vm) => {
      const live =
        options.machines ?? ((of: SimulatedVm) => runWorker(of, ctx, { ...(gitlab && { gitlab: gitlab.state }), ...options.worker }));
      watch(live(vm, ctx), vm, ctx);
    },
  });
  const agencies = new Agencies(ctx);
  for (const name of options.agencies ?? []) {
    agencies.create({ name, description: '', trustedDomain: FUNCTION_DOMAIN, duration: 'FOREVER' });
  }
  const [bucket = BUCKET, ...more] = options.buckets ?? [];
  const functions = new FunctionGraph(ctx, iam, PROJECT_ID);
  const gateway = new Gateway(ctx, functions);
  const obs = new Obs(ctx, {
    iam,
    buckets: [...(options.buckets?.length === 0 ? [] : [bucket]), ...more],
    agencies,
    append: options.append ?? 'works',
    publicPrefixes: options.publicPrefixes ?? [],
  });
  const smn = new Smn();
  const gateways = options.gateways ?? ['gateway'];
  const management = createManagement(ctx, { functions, gateway, iam, agencies, obs, projectId: PROJECT_ID, region: REGION, gateways });
  const { deployed, apig, lts } = management;
  const otc = otcApp(ctx, {
    iam,
    fleet,
    agencies,
    projectId: PROJECT_ID,
    registerRoutes: (service) => {
      management.registerRoutes(service);
      registerSmn(service, smn);
    },
  });

  const gitlabListener: Served = { fetch: (request, env) => gitlab?.app.fetch(request, env) ?? new Response(null, { status: 503 }) };
  const listeners = await openListeners([gitlabListener, otc, obs.app, gateway.app], options.port ?? 0, options.host);
  const urls = { gitlab: listeners[0].url, otc: listeners[1].url, obs: listeners[2].url, gateway: listeners[3].url };
  gitlab = createGitLab(ctx, { externalUrl: urls.gitlab, random: seeded(1), ...options.gitlab });
  const { state } = gitlab;

  return {
    ctx,
    gitlab: state,
    iam,
    ecs: fleet,
    obs,
    smn,
    functions,
    gateway,
    deployed,
    apig,
    lts,
    agencies,
    gatewayId: [...apig.instances.keys()][0] ?? '',
    urls,
    credentials: CREDENTIALS,
    projectId: PROJECT_ID,
    bucket,
    region: REGION,
    close: async () => {
      functions.close();
      management.close();
      state.close();
      for (const vm of fleet.all()) vm.stop.abort();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

function context(options: SandboxOptions): SandboxContext {
  return {
    clock: options.clock,
    faults: new Faults(),
    latencyMs: options.latencyMs ?? 0,
    emit: (event) => options.onEvent?.(event),
  };
}

function watch(life: Promise<void>, vm: SimulatedVm, ctx: SandboxContext): void {
  const crashed = (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    ctx.emit({ at: ctx.clock.now(), kind: 'worker-crashed', fields: { id: vm.id, name: vm.name, message } });
  };
  void ctx.clock.track(life.catch(crashed));
}

type Four<T> = readonly [T, T, T, T];

async function openListeners(apps: Four<Served>, port: number, host?: string): Promise<Four<Listening>> {
  const at = (i: number) => (port === 0 ? 0 : port + i);
  const open: Listening[] = [];
  try {
    const [a, b, c, d] = apps;
    const first = await opened(open, listen(a, at(0), host));
    const second = await opened(open, listen(b, at(1), host));
    const third = await opened(open, listen(c, at(2), host));
    return [first, second, third, await opened(open, listen(d, at(3), host))];
  } catch (error) {
    await Promise.all(open.map((listener) => listener.close()));
    throw error;
  }
}

async function opened(all: Listening[], opening: Promise<Listening>): Promise<Listening> {
  const listener = await opening;
  all.push(listener);
  return listener;
}
