/** What deploy/plugin.cjs calls: one function a command. */

import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { explainFailure, UserError } from '../../cli/shared/environment.ts';
import { standardOutput } from '../../cli/shared/output.ts';
import { defined } from '../../lib/core/defined.ts';
import { ScalerError } from '../../lib/core/errors.ts';
import { StepError } from '../apply/apply.ts';
import { type DeployInputs, makePackages } from '../inputs/deployment.ts';
import { type Packages, writePackages } from '../inputs/package.ts';
import { type DeployOptions, deploy as deployAll } from './deploy.ts';
import { info as showInfo } from './info.ts';
import { type InvokeOptions, invokeLocal as invokeHere, invoke as invokeOne } from './invoke.ts';
import { type LogsOptions, logs as showLogs } from './logs.ts';
import { type RemoveOptions, remove as removeAll } from './remove.ts';

export { oslsSchemas } from '../inputs/schema.ts';

type Given = Omit<DeployInputs, 'output'>;

/** What osls has packaged is deployed without being built a second time. */
let packaged: Packages | undefined;

const inputsOf = (given: Given, json: boolean): DeployInputs => ({
  ...given,
  output: standardOutput(json),
  ...defined({ packages: packaged }),
});

export interface PackageOptions {
  readonly folder?: string;
  /** Say what was written: it is all that was asked for. */
  readonly say?: boolean;
}

export async function packageAll(given: Given, { folder = join(given.dir, '.serverless'), say = false }: PackageOptions, json: boolean) {
  const inputs = inputsOf(given, json);
  packaged = await makePackages(inputs);
  const paths = writePackages(packaged, folder);
  for (const [key, { zip }] of Object.entries(packaged)) if (say) inputs.output.say(`${paths[key]}: ${Math.ceil(zip.length / 1000)} kB`);
  return paths;
}

export async function deploy(given: Given, options: DeployOptions & { readonly otherPackage?: string }, json: boolean): Promise<void> {
  if (options.otherPackage !== undefined)
    throw new UserError('--package takes no package that was made before: leave it out, packaging takes seconds.');
  await deployAll(inputsOf(given, json), options);
}

export async function remove(given: Given, options: Omit<RemoveOptions, 'ask'>, json: boolean): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return await removeAll(inputsOf(given, json), options);
  await removeAll(inputsOf(given, json), { ...options, ask });
}

/** Only while it asks: a terminal that is read sends no signal at Ctrl-C. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } catch {
    throw new UserError('Nothing was removed.');
  } finally {
    terminal.close();
  }
}

export const info = (given: Given, _: unknown, json: boolean) => showInfo(inputsOf(given, json));
export const logs = (given: Given, options: LogsOptions, json: boolean) => showLogs(inputsOf(given, json), options);
export const invoke = (given: Given, options: InvokeOptions, json: boolean) => invokeOne(inputsOf(given, json), options);
export const invokeLocal = (given: Given, options: InvokeOptions, json: boolean) => invokeHere(inputsOf(given, json), options);

/** What a person reads of an error; `undefined` for one that nobody expected, whose stack is then shown. */
export function explain(error: unknown): string | undefined {
  const known = error instanceof ScalerError || error instanceof UserError || error instanceof StepError;
  return known ? explainFailure(error).text.replace(/^StepError: /, '') : undefined;
}
