import { UserError } from '../cli/session.ts';
import type { Deployment } from './deployment.ts';
import { urnOf } from './desired.ts';

/** Of a function by its key in serverless.yml. */
export function functionUrn({ outline: { name, region, projectId, keys } }: Deployment, key: string): string {
  if (!keys.some((one) => one === key)) throw new UserError(`there is no function ${key} in this deployment; there are ${keys.join(', ')}`);
  return urnOf(region, projectId, `${name}-${key}`);
}
