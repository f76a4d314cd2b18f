import type { SandboxRequest } from '../http.ts';
import type { Service } from '../otc/error-formats.ts';
import type { Lts } from '../otc/lts/lts.ts';
import { found, Refused } from '../otc/refused.ts';
import type { Deployed, DeployedFunctions } from './deployed.ts';
import { functionOf } from './urn.ts';

/** What the management calls share. */
export interface ManagementService extends Service {
  readonly deployed: DeployedFunctions;
  readonly lts: Lts;
  readonly projectId: string;
  readonly region: string;
}

/** The function that the path names. */
export function deployedOf(c: SandboxRequest, { deployed, projectId }: ManagementService): Deployed {
  const name = functionOf(c.req.param('urn') ?? '', projectId);
  return found(name === undefined ? undefined : deployed.find(name), unknownFunction());
}

export function unknownFunction(): Refused {
  return new Refused(404, 'FSS.1051', 'Not found the function.');
}
