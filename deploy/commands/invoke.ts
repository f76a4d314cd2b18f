import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { unzipSync } from 'fflate';
import * as z from 'zod';
import { UserError } from '../../cli/shared/environment.ts';
import { parseJson } from '../../lib/core/json.ts';
import { type FunctionContext, localContext } from '../../lib/runtime/functiongraph/context.ts';
import { type DeployInputs, makePackages, openDeployment } from '../inputs/deployment.ts';
import { deployedUrn } from '../inputs/function-urn.ts';
import { parseService } from '../inputs/schema.ts';
import { SECRET_KEYS } from '../inputs/schema-functions.ts';
import { oneSecret } from '../inputs/secrets.ts';

export interface InvokeOptions {
  readonly function: string;
  /** The event as JSON; empty when neither this nor `path` is given. */
  readonly data?: string;
  readonly path?: string;
  /** Show the end of the function's log, too. */
  readonly log?: boolean;
}

/** Runs a deployed function and shows what it returned. Throws `UserError` when it failed. */
export async function invoke(inputs: DeployInputs, options: InvokeOptions): Promise<void> {
  const { output } = inputs;
  const deployment = openDeployment(inputs);
  const event = eventOf(inputs, options);
  const urn = await deployedUrn(deployment, options.function);
  const answer = await deployment.clients.fgs.invoke(urn, event);
  if (options.log && answer.log) output.say(answer.log);
  const result = shown(answer.result);
  if (answer.failed) throw new UserError(`the function ${options.function} failed (request ${answer.requestId ?? 'unknown'}):\n${result}`);
  output.data(result);
  if (Unwell.safeParse(answer.result).success)
    throw new UserError(
      `the function ${options.function} ran, but reported problems: "ok" is false (see osls logs -f ${options.function})`,
    );
}

/** Runs the function as it would be deployed in this process, against the real GitLab and OTC, with the keys and secrets of the environment. */
export async function invokeLocal(inputs: DeployInputs, options: InvokeOptions): Promise<void> {
  const service = parseService(inputs);
  const key = SomeKey.safeParse(options.function).data;
  const entry = key && service.functions[key];
  const found = key && (await makePackages(inputs))[key];
  if (!entry || !found) throw new UserError(`this deployment has no function ${options.function}`);
  const folder = join(inputs.dir, '.serverless', 'local', key);
  unpack(found.zip, folder);
  const [file = '', name = ''] = entry.handler.split('.');
  const loaded: unknown = createRequire(join(folder, 'package.json'))(`./${file}.js`);
  const handler = Handlers.parse(loaded)[name];
  if (!handler) throw new UserError(`the bundle exports no ${name}: see functions.${key}.handler`);
  try {
    inputs.output.data(
      shown(await handler(eventOf(inputs, options), contextOf(inputs, service.provider.secrets, key, entry.timeout * 1000))),
    );
  } catch (error) {
    throw new UserError(`the function ${key} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What a tick returns, as an object or as its text. */
const Unwell = z.preprocess(
  (value) => (typeof value === 'string' ? (parseJson(value) ?? value) : value),
  z.object({ ok: z.literal(false) }),
);

const SomeKey = z.enum(['webhook', 'scaler', 'reaper']);
type Handler = (event: unknown, context: FunctionContext) => Promise<unknown>;
const Handlers = z.record(
  z.string(),
  z
    .custom<Handler>((value) => typeof value === 'function')
    .optional()
    .catch(undefined),
);

/** Secrets of the environment or the file as user data, and the keys of the environment in place of the agency's. */
function contextOf({ env, dir }: DeployInputs, secretsFile: string, functionName: string, timeoutMs: number): FunctionContext {
  const places = { env, file: resolve(dir, secretsFile) };
  const userData = Object.fromEntries(
    SECRET_KEYS.flatMap((key) => [[key, oneSecret(key, places)]]).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  return {
    ...localContext({ requestId: 'local', functionName, timeoutMs, userData }),
    getSecurityAccessKey: () => env.OTC_ACCESS_KEY ?? '',
    getSecuritySecretKey: () => env.OTC_SECRET_KEY ?? '',
    getSecurityToken: () => env.OTC_SECURITY_TOKEN ?? '',
  };
}

function unpack(zip: Uint8Array, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(unzipSync(zip))) writeFileSync(join(folder, name), bytes);
  // The repository's own package.json makes every .js below it an ES module.
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
}

function eventOf({ dir }: DeployInputs, { data, path }: InvokeOptions): unknown {
  const text = data ?? (path === undefined ? '{}' : readEvent(resolve(dir, path)));
  const event = parseJson(text);
  if (event === undefined) throw new UserError(`the event is not JSON: give it with --data '{"…": …}' or as a file with --path`);
  return event;
}

function readEvent(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UserError(`${file} cannot be read`);
  }
}

/** A text that is JSON is shown as what it says. */
function shown(result: unknown): string {
  const value = typeof result === 'string' ? (parseJson(result) ?? result) : result;
  return typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '');
}
