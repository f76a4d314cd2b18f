import middy from '@middy/core';
import type { Clock, Log, ScalerTrigger } from '../../app/ports/index.ts';
import type { PassResult, TurnstileCall } from '../../app/reconcile/entry-points.ts';
import type { Report } from '../../app/reconcile/reconcile.ts';
import type { Services } from '../../app/services.ts';
import type { Config } from '../../config/load/parse.ts';
import { describeError } from '../../core/errors.ts';
import { callAgents } from '../../http/agents.ts';
import { composeServices, type ServicesInputs } from '../compose.ts';
import { composeScalerTrigger } from '../compose-webhook.ts';
import { startDeadline } from '../deadline.ts';
import { type CallContext, type FunctionContext, remainingMs, requestId, toCallContext } from '../functiongraph/context.ts';
import { credentialsOf, type ReadSecret, secretsOf } from '../functiongraph/secret-source.ts';
import { withFields } from '../log.ts';

export interface PassParts {
  readonly clock: Clock;
  /** Throws `ConfigError`. */
  readonly loadConfig: () => Config;
  readonly readSecret: ReadSecret;
  readonly log: Log;
  /** Builds the adapters; the real ones when absent. */
  readonly composeServices?: (inputs: ServicesInputs) => Services;
  /** How a wake-up that came too late for this call is passed on; FunctionGraph's asynchronous call when absent. */
  readonly scaler?: ScalerTrigger;
}

/** What a call by hand shows; FunctionGraph discards it for hooks and timers. */
export type PassReply =
  | { readonly ok: boolean; readonly turnstile: PassResult['turnstile']; readonly passes: readonly PassSummary[] }
  | { readonly ok: false; readonly error: string; readonly code: string; readonly message: string };

interface PassSummary {
  readonly pass: string;
  readonly pools: readonly {
    readonly pool: string;
    readonly done: number;
    readonly failed: number;
    readonly unread: readonly string[];
  }[];
}

/** What a function does with the services once it is built. */
export interface PassCall extends TurnstileCall {
  readonly event: unknown;
}

export type PassFunction = (event: unknown, context: FunctionContext) => Promise<PassReply>;

/** After `deadline.all` has ended everything: the last moment to say so. */
const EARLY_MS = 600;

/**
 * The frame of scaler and reaper: configuration, secrets, adapters and deadlines of one call, and one line of log at its end. Never throws: a
 * failed call would only be repeated by the platform, while the next tick does better with what is true by then.
 */
export function createPassFunction(parts: PassParts, run: (call: PassCall, log: Log) => Promise<PassResult>): PassFunction {
  const stack = middy<{ readonly event: unknown }, PassReply, Error, CallContext>({ timeoutEarlyInMillis: EARLY_MS })
    .onError((request) => {
      const described = describeError(request.error);
      withFields(parts.log, { request: requestId(request.context.fg) }).error('call failed', described);
      request.response = { ok: false, ...described };
    })
    .handler(({ event }: { readonly event: unknown }, { fg }: CallContext) => perform(parts, event, fg, run));
  return async (event, context) => await stack({ event }, toCallContext(context));
}

async function perform(
  parts: PassParts,
  event: unknown,
  fg: FunctionContext,
  run: (call: PassCall, log: Log) => Promise<PassResult>,
): Promise<PassReply> {
  const { clock } = parts;
  const log = withFields(parts.log, { request: requestId(fg) });
  const began = clock.now();
  const holdMs = remainingMs(fg);
  const { deadline, end } = startDeadline(holdMs);
  const { agents, close } = callAgents();
  try {
    const config = parts.loadConfig();
    const secrets = secretsOf(parts.readSecret, fg);
    const credentials = credentialsOf(fg, secrets);
    const services = (parts.composeServices ?? composeServices)({ config, secrets, credentials, clock, log, agents, signal: deadline.all });
    const scaler = parts.scaler ?? composeScalerTrigger({ config, credentials: () => credentials, clock, event: {} }) ?? noTrigger;
    const result = await run({ services, settings: config.settings, scaler, deadline, holdMs, event }, log);
    const reply = summarise(result);
    log[reply.ok ? 'info' : 'error']('call done', { ...reply, ms: clock.now() - began });
    return reply;
  } finally {
    end();
    close();
  }
}

/** Where the timer alone scales there is nobody to wake. */
const noTrigger: ScalerTrigger = { trigger: () => Promise.resolve() };

function summarise({ turnstile, reports }: PassResult): Extract<PassReply, { readonly turnstile: unknown }> {
  // A pool without a plan is one that nobody looks after.
  const ok = reports.every((report) => report.pools.every((pool) => pool.plan !== undefined));
  return { ok, turnstile, passes: reports.map(summary) };
}

function summary({ pass, pools }: Report): PassSummary {
  return {
    pass,
    pools: pools.map(({ pool, actions, unread }) => ({
      pool,
      done: actions.filter((action) => action.outcome === 'done').length,
      failed: actions.filter((action) => action.outcome === 'failed' || action.outcome === 'unclear').length,
      unread: unread.map(({ source, code }) => `${source}: ${code}`),
    })),
  };
}
