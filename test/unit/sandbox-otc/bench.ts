import { SteppedClock } from '../../../sandbox/clock.ts';
import type { SandboxContext, SandboxEvent, SimulatedVm } from '../../../sandbox/context.ts';
import { Faults } from '../../../sandbox/faults.ts';
import { registerFunctionApi } from '../../../sandbox/functiongraph/api.ts';
import { FunctionGraph } from '../../../sandbox/functiongraph/functiongraph.ts';
import { Gateway } from '../../../sandbox/functiongraph/gateway.ts';
import { listen } from '../../../sandbox/http.ts';
import { DEFAULT_CATALOGUE } from '../../../sandbox/otc/ecs/catalogue.ts';
import { EcsFleet } from '../../../sandbox/otc/ecs/fleet.ts';
import type { FleetTimes } from '../../../sandbox/otc/ecs/vm.ts';
import type { Service } from '../../../sandbox/otc/error-formats.ts';
import { Iam, type Project } from '../../../sandbox/otc/iam/iam.ts';
import { Obs, type ObsOptions } from '../../../sandbox/otc/obs/obs.ts';
import { otcApp } from '../../../sandbox/otc/otc.ts';
import { type Answer, type Ask, ask, type Keys, obsHeaders, sdkHeaders } from './client.ts';

export const PROJECT = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
export const KEYS: Keys = { accessKey: 'AKIDEXAMPLE', secretKey: 'EXAMPLEKEYEXAMPLEKEYEXAMPLEKEYEXAMPLEKEY' };
export const START = Date.UTC(2026, 10, 23, 16, 0, 0);
export const TIMES: FleetTimes = { acceptMs: 3000, buildMs: 40_000, deleteMs: 20_000, listLagMs: 3000 };

export interface Stand {
  readonly ctx: SandboxContext;
  readonly clock: SteppedClock;
  readonly events: SandboxEvent[];
}

function stand(start = START): Stand {
  const clock = new SteppedClock(start);
  const events: SandboxEvent[] = [];
  return { clock, events, ctx: { clock, faults: new Faults(), latencyMs: 0, emit: (event) => events.push(event) } };
}

export interface OtcBench extends Stand {
  readonly url: string;
  readonly iam: Iam;
  readonly fleet: EcsFleet;
  readonly functions: FunctionGraph;
  readonly gateway: Gateway;
  /** VMs that became ACTIVE and would run a worker. */
  readonly booted: SimulatedVm[];
  /** A signed call; the body is parsed when it is JSON. */
  call(method: string, path: string, body?: unknown, keys?: Keys): Promise<Answer & { readonly json: Json }>;
  close(): Promise<void>;
}

/** As loose as a test needs it: a missing member is `undefined`, and the assertion then fails. */
export interface Json {
  readonly [member: string]: Json;
  readonly [Symbol.iterator]: () => Iterator<Json>;
}

export interface OtcBenchOptions {
  readonly start?: number;
  readonly keys?: readonly Keys[];
  readonly projects?: readonly Project[];
}

export async function otcBench(options: OtcBenchOptions = {}): Promise<OtcBench> {
  const base = stand(options.start);
  const { ctx, clock } = base;
  const iam = new Iam(ctx, { projects: options.projects ?? [{ id: PROJECT, name: 'eu-de' }], keys: options.keys ?? [KEYS] });
  const booted: SimulatedVm[] = [];
  const fleet = new EcsFleet(ctx, { catalogue: DEFAULT_CATALOGUE, times: TIMES, onActive: (vm) => booted.push(vm) });
  const functions = new FunctionGraph(ctx, iam, PROJECT);
  const gateway = new Gateway(ctx, functions);
  const registerRoutes = (service: Service) => registerFunctionApi(service, functions);
  const listener = await listen(otcApp(ctx, { iam, fleet, projectId: PROJECT, registerRoutes }));
  const host = new URL(listener.url).host;
  return {
    ...base,
    url: listener.url,
    iam,
    fleet,
    functions,
    gateway,
    booted,
    call: async (method, path, body, keys = KEYS) => {
      const request: Ask = { method, body: body === undefined ? '' : JSON.stringify(body) };
      const answer = await ask(listener.url, path, { ...request, headers: sdkHeaders(keys, clock.now(), host, request, path) });
      return { ...answer, json: parse(answer.text) };
    },
    close: () => listener.close(),
  };
}

export interface ObsBench extends Stand {
  readonly url: string;
  readonly iam: Iam;
  readonly obs: Obs;
  /** A signed call on bucket `fleet-metrics`; `signed` is the part of the query that is signed, `query` the rest. */
  call(method: string, key: string, more?: ObsCall): Promise<Answer>;
  close(): Promise<void>;
}

export interface ObsCall {
  readonly signed?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly keys?: Keys;
}

export const OBS_KEYS: Keys = { accessKey: 'AKEXAMPLE0000000001', secretKey: 'sKeXampleSecretKey0000000000000000000001' };
export const BUCKET = 'fleet-metrics';

export async function obsBench(options: Partial<ObsOptions> = {}): Promise<ObsBench> {
  const base = stand();
  const iam = new Iam(base.ctx, { projects: [], keys: [OBS_KEYS] });
  const obs = new Obs(base.ctx, { iam, buckets: [BUCKET], ...options });
  const listener = await listen(obs.app);
  return {
    ...base,
    url: listener.url,
    iam,
    obs,
    call: (method, key, { signed = '', query = '', headers = {}, body = '', keys = OBS_KEYS } = {}) => {
      const parts = [signed, query].filter(Boolean).join('&');
      const path = `/${BUCKET}/${key.split('/').map(encodeURIComponent).join('/')}`;
      const own = obsHeaders(keys, base.clock.now(), method, signed ? `${path}?${signed}` : path, headers);
      return ask(listener.url, parts ? `${path}?${parts}` : path, { method, body, headers: own });
    },
    close: () => listener.close(),
  };
}

export function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {} as Json;
  }
}
