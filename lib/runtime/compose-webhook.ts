import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Clock, ScalerTrigger } from '../app/ports/index.ts';
import type { HookTrigger } from '../app/reconcile/types.ts';
import type { Config } from '../config/load/parse.ts';
import { UnclearError } from '../core/errors.ts';
import type { Credentials } from '../otc/credentials.ts';
import { FunctionGraphTrigger } from '../otc/functiongraph.ts';

export interface ScalerTriggerInputs {
  readonly config: Config;
  /** Asked for only when there is something to wake. */
  readonly credentials: () => Credentials;
  readonly clock: Pick<Clock, 'now'>;
  /** The event that the scaler gets; empty when it is not for one hook. */
  readonly event: HookTrigger | Record<string, never>;
}

/** The call may outlast the answer to the hook by a second; then it is given up. */
const TRIGGER_MS = 2_000;

/** For the second try: nothing that was kept from an earlier call. */
const fresh = { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) };

/**
 * How this configuration wakes the scaler; `undefined` when no function is named and the timer alone scales. Throws `ConfigError` without
 * credentials.
 *
 * This file belongs to the webhook's cold start: it must not lead to an HTTP library, to GitLab's client or to the YAML parser.
 */
export function composeScalerTrigger({ config, credentials, clock, event }: ScalerTriggerInputs): ScalerTrigger | undefined {
  const urn = scalerUrn(config);
  if (urn === undefined) return undefined;
  const { endpoints, projectId } = config.otc;
  const options = {
    endpoint: endpoints.functiongraph,
    projectId,
    urn,
    credentials: credentials(),
    clock,
    body: event,
    deadlineMs: TRIGGER_MS,
  };
  return {
    async trigger(call) {
      try {
        await new FunctionGraphTrigger(options).trigger(call);
      } catch (error) {
        if (!isCut(error)) throw error;
        // An instance that was frozen between two hooks finds its kept connection dead. A second wake-up, should the first have arrived, does no harm.
        await new FunctionGraphTrigger({ ...options, agents: fresh }).trigger(call);
      }
    },
  };
}

function isCut(error: unknown): boolean {
  return error instanceof UnclearError && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

/** A bare name is a function of this region and project in the package `default`. Source: OTC FunctionGraph API reference, function model. */
function scalerUrn({ scalerFunction, otc }: Config): string | undefined {
  if (scalerFunction === undefined || scalerFunction.startsWith('urn:')) return scalerFunction;
  return `urn:fss:${otc.region}:${otc.projectId}:function:default:${scalerFunction}:latest`;
}
