import type { Hono } from 'hono';
import type { FaultLayer, SandboxEnv, SandboxRequest } from '../http.ts';
import type { ErrorFormats } from '../otc/error-formats.ts';
import type { Lts } from '../otc/lts/lts.ts';
import { Refused } from '../otc/refused.ts';
import type { Deployed, DeployedFunctions } from './deployed.ts';
import { functionOf } from './urn.ts';

export interface ManageOptions {
  readonly deployed: DeployedFunctions;
  readonly lts: Lts;
  readonly projectId: string;
  readonly region: string;
}

/** What the calls share. */
export interface Calls extends ManageOptions {
  readonly app: Hono<SandboxEnv>;
  readonly operation: FaultLayer;
  readonly say: ErrorFormats;
}

/** `undefined` when it is no JSON. */
export const bodyOf = (c: SandboxRequest): Promise<unknown> => c.req.json().catch(() => undefined);

export function refuse({ say }: Calls, { status, code, message }: Refused): Response {
  return say.functionGraph(status, code, message);
}

/** Runs `then` with the function that the path names. */
export function withFunction(on: Calls, then: (found: Deployed, c: SandboxRequest) => Response | Promise<Response>) {
  return (c: SandboxRequest): Response | Promise<Response> => {
    const name = functionOf(c.req.param('urn') ?? '', on.projectId);
    const found = name === undefined ? undefined : on.deployed.find(name);
    return found ? then(found, c) : refuse(on, new Refused(404, 'FSS.1051', 'Not found the function.'));
  };
}
