import type { SandboxContext } from '../context.ts';
import type { Agencies } from '../otc/iam/agencies.ts';
import type { Obs } from '../otc/obs/obs.ts';
import { Refused } from '../otc/refused.ts';
import type { DiscardedEvent } from './functiongraph.ts';
import type { AsyncConfig, ObsDestination } from './schema.ts';

export interface DestinationOptions {
  readonly ctx: SandboxContext;
  readonly agencies: Agencies;
  readonly obs: Obs;
}

interface Owner {
  readonly name: string;
  readonly urn: string;
  readonly config: { readonly xrole: string; readonly app_xrole: string };
}

/** Destinations of asynchronous events that were given up (FunctionGraph user guide, "Configuring an Asynchronous Notification Policy"). */
export class Destinations {
  readonly #options: DestinationOptions;

  constructor(options: DestinationOptions) {
    this.#options = options;
  }

  check({ destination_config: { on_success, on_failure } }: AsyncConfig): void {
    const missing = [on_success, on_failure].find((to) => to && !this.#options.obs.find(to.param.bucket));
    if (missing) throw new Refused(400, 'FSS.0400', `destination_config: the bucket ${missing.param.bucket} does not exist`);
  }

  /** Writes the event as one object, if the agency may; otherwise it is lost, and only the sandbox's events show it. */
  deliver({ name, urn, config }: Owner, { bucket, prefix, expires }: ObsDestination, event: DiscardedEvent): void {
    const { ctx, agencies, obs } = this.#options;
    const at = ctx.clock.now();
    const key = `${prefix}${event.requestId}.json`;
    const resource = `obs:*:*:object:${bucket}/${key}`;
    const allowed = agencies.may(config.xrole || config.app_xrole, { action: 'obs:object:PutObject', resource });
    const found = obs.find(bucket);
    if (!allowed || !found) {
      const fields = { function: name, requestId: event.requestId, reason: 'destination', bucket, key };
      ctx.emit({ at, kind: 'function-failed', fields });
      return;
    }
    const body = {
      timestamp: new Date(at).toISOString(),
      request_context: {
        request_id: event.requestId,
        function_urn: `${urn}:latest`,
        condition: 'RetriesExhausted',
        approximate_invoke_count: 0,
      },
      request_payload: JSON.stringify(event.event),
      response_context: { status_code: 200, function_error: event.body },
      response_payload: event.body,
    };
    found.put(key, Buffer.from(JSON.stringify(body)), { 'content-type': 'application/json' }, expires === 0 ? undefined : expires);
  }
}
