import { UserError } from '../../cli/shared/environment.ts';
import type { Deployment } from './deployment.ts';
import { urnOf } from './targets.ts';

/** Of a function by its key in serverless.yml. */
function functionUrn({ outline: { name, region, projectId, keys } }: Deployment, key: string): string {
  if (!keys.some((one) => one === key)) throw new UserError(`this deployment has no function ${key}; it has ${keys.join(', ')}`);
  return urnOf(region, projectId, `${name}-${key}`);
}

/** The same of one that is there. */
export async function deployedUrn(deployment: Deployment, key: string): Promise<string> {
  const urn = functionUrn(deployment, key);
  if (!(await deployment.clients.fgs.config(urn))) throw new UserError(`${urn} does not exist: run osls deploy.`);
  return urn;
}
