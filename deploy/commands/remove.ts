import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../../cli/shared/environment.ts';
import { hook } from '../../cli/shared/hooks.ts';
import type { Cloud, Store } from '../../lib/app/ports/index.ts';
import { parseDuration } from '../../lib/config/durations.ts';
import { defined } from '../../lib/core/defined.ts';
import { ScalerError } from '../../lib/core/errors.ts';
import { CONTROL_PREFIX, HANDOFF_PREFIX, STATE_PREFIX } from '../../lib/core/keys.ts';
import { counted } from '../../lib/core/plural.ts';
import { HookAdmin } from '../../lib/gitlab/hooks/admin.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { apply } from '../apply/apply.ts';
import { drain, drainAll } from '../apply/drain.ts';
import { type DeployInputs, type Deployment, namesOf, openDeployment } from '../inputs/deployment.ts';
import { hookUrl } from '../inputs/hook-url.ts';
import { oneSecret } from '../inputs/secrets.ts';
import { gatewayNotes } from '../plan/gateway.ts';
import { planRemoval } from '../plan/remove.ts';
import type { Step } from '../plan/steps.ts';
import { isRunning } from '../state/gateway-status.ts';
import { readActual } from '../state/read.ts';
import type { Actual } from '../state/types.ts';

export interface RemoveOptions {
  /** Let all workers finish and leave first. */
  readonly drain?: boolean;
  /** How long to wait for them at most, such as `24h`. */
  readonly drainTimeout?: string;
  /** Do not ask. */
  readonly yes?: boolean;
  readonly pollMs?: number;
  /** Waits so many milliseconds. */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Asks a person; absent where there is none. */
  readonly ask?: (question: string) => Promise<string>;
}

/** Two looks at the workers that drain. */
const POLL_MS = 5_000;

/** ECS may list a VM a little late. */
const LISTED_MS = 10_000;

/** What is only good for a farm that runs. Counts and ledger stay. */
const SHORT_LIVED = [HANDOFF_PREFIX, STATE_PREFIX, CONTROL_PREFIX];

interface Removal {
  readonly deployment: Deployment;
  readonly actual: Actual;
  readonly wakers: readonly Step[];
  readonly rest: readonly Step[];
  readonly options: RemoveOptions & { readonly mostMs: number };
  readonly say: (line: string) => void;
  readonly run: (steps: readonly Step[]) => Promise<unknown>;
}

/** Takes down what a deployment made. Throws `UserError` while workers exist, which nothing would look after any more. */
export async function remove(inputs: DeployInputs, options: RemoveOptions = {}): Promise<void> {
  const mostMs = parseDuration(options.drainTimeout ?? '24h');
  if (mostMs === undefined) throw new UserError(`--drain-timeout ${options.drainTimeout} is not a time span such as 24h.`);
  const deployment = openDeployment(inputs);
  const { clients, outline } = deployment;
  const places = namesOf(deployment);
  const actual = await readActual(places, clients);
  const steps = planRemoval(places, actual);
  const say = (line: string) => inputs.output.say(line);
  const { sleep } = options;
  const shared = { clients, desired: places, actual, material: { zip: () => new Uint8Array() }, say, ...defined({ sleep }) };
  const removal = {
    deployment,
    actual,
    ...steps,
    options: { ...options, mostMs },
    say,
    run: (some: readonly Step[]) => apply(some, shared),
  };
  for (const note of gatewayNotes([actual.gateway ?? [], actual.left].flat(), actual.leftUnread)) say(note);
  if (places.gateway && 'id' in places.gateway.instance) mustBeThere(actual.gateway);
  const count = steps.wakers.length + steps.rest.length;
  if (count === 0) return await removeNothing(removal);
  const beside = actual.rivals.length > 0;
  // Whether the other one looks after them nobody can tell.
  if (beside) await noWorkers(clients.cloud(), `Remove it when no worker exists: ${actual.rivals.join(', ')} uses the same bucket.`);
  else if (!options.drain) await noWorkers(clients.cloud(), 'Let them finish first: osls remove --drain.');
  await confirm(options, `Remove ${outline.name} (${counted(count, 'step')})? Type its name: `, outline.name);
  await (beside ? removeBeside(removal) : removeFarm(removal));
}

/** What is at somebody's gateway cannot be taken away while that does not answer, and would be forgotten. */
function mustBeThere(gateway: Actual['gateway']): void {
  if (!gateway || isRunning(gateway)) return;
  throw new UserError(
    `the gateway ${gateway.name} is ${gateway.status}, not Running: this deployment's parts of it cannot be removed now. Try again later.`,
  );
}

async function removeNothing({ deployment: { clients, outline }, actual, say }: Removal): Promise<void> {
  // Of another deployment's workers that one takes care.
  if (actual.rivals.length === 0)
    await noWorkers(
      clients.cloud(),
      `${outline.name} is not deployed. Check the stage (--stage); if it is right, run osls deploy, and then osls remove --drain.`,
    );
  // Hook, bucket and controls may be those of another stage with the same scaler.yml.
  say(`Nothing to do: nothing of ${outline.name} is deployed. Check the stage (--stage, provider.stage).`);
}

/** Another deployment serves the same farm and needs all of it. */
async function removeBeside({ deployment: { outline }, actual, wakers, rest, say, run }: Removal): Promise<void> {
  await run([...wakers, ...rest]);
  const others = actual.rivals.join(', ');
  say(`${outline.name} is removed. Hooks, records and controls stay, because ${others} uses the same bucket.`);
}

async function removeFarm({ deployment, actual, wakers, rest, options, say, run }: Removal): Promise<void> {
  const { clients, outline, config } = deployment;
  let drainedAt = options.drain ? await drainFirst(deployment, actual, options) : undefined;
  await removeHooks(deployment, hookUrl(deployment.service, actual.gateway?.group?.address ?? ''));
  const passMs = longestPass(outline.name, actual);
  if (passMs > 0 && drainedAt === undefined) drainedAt = await drainAll(clients.store(), 'osls remove');
  await run(wakers);
  await lastPasses(passMs + (drainedAt ?? 0), say, options);
  await noWorkers(clients.cloud(), 'They were launched in the meantime. Run osls deploy, and then osls remove --drain.');
  // While something is left the next run takes away what this one could not.
  await run(rest.slice(0, -1));
  if (actual.bucket.exists) await removeObjects(clients.store(), say);
  await run(rest.slice(-1));
  say(`${outline.name} is removed. The bucket ${config.bucket.name} stays, with counts/ and ledger/ in it.`);
}

/** When the drain was put; `undefined` where there is nobody who could take workers away, and none. */
async function drainFirst(
  { clients, outline: { name }, inputs: { output } }: Deployment,
  { functions }: Actual,
  { pollMs = POLL_MS, mostMs }: RemoveOptions & { readonly mostMs: number },
): Promise<number | undefined> {
  const cloud = clients.cloud();
  if (functions[`${name}-reaper`]) return await drain({ cloud, store: clients.store(), say: output.say, pollMs, mostMs });
  await noWorkers(cloud, 'No reaper is deployed that could drain them: run osls deploy first.');
  return undefined;
}

/**
 * How long a pass that has begun already may still launch, in milliseconds; 0 where none can. One that waits in FunctionGraph's queue finds the drain
 * when it begins.
 */
function longestPass(name: string, { functions, bucket }: Actual): number {
  const launching = ['scaler', 'reaper'].flatMap((key) => functions[`${name}-${key}`] ?? []);
  return launching.length === 0 || !bucket.exists ? 0 : Math.max(...launching.map(({ timeout }) => timeout * 1000)) + LISTED_MS;
}

/** Waits until no pass can launch any more that began before it could see the drain. */
async function lastPasses(until: number, say: (line: string) => void, { sleep = wait }: RemoveOptions): Promise<void> {
  const leftMs = until - Date.now();
  if (leftMs <= 0) return;
  say(`Nothing is launched any more (to undo: scaler undrain --all). Waiting ${Math.ceil(leftMs / 1000)} s for running passes.`);
  await sleep(leftMs);
}

async function confirm({ ask, yes = false }: RemoveOptions, question: string, name: string): Promise<void> {
  if (!ask || yes) return;
  if ((await ask(question)).trim() !== name) throw new UserError('Nothing was removed.');
}

/** VMs of ours, as the scaler knows them: by their own metadata. */
async function noWorkers(cloud: Pick<Cloud, 'servers'>, remedy: string): Promise<void> {
  const workers = await cloud.servers('');
  if (workers.length === 0) return;
  const names = workers.slice(0, 5).map(({ name }) => name);
  const more = workers.length > names.length ? ` and ${workers.length - names.length} more` : '';
  const exist = counted(workers.length, 'worker exists', 'workers exist');
  throw new UserError(`${exist}, which nothing would remove afterwards: ${names.join(', ')}${more}. ${remedy}`);
}

/** A hook that is left is only a nuisance: its deliveries fail, and GitLab disables it. */
async function removeHooks({ inputs, config, secretsFile }: Deployment, url: string | undefined): Promise<void> {
  const { output, env } = inputs;
  const token = oneSecret('GITLAB_TOKEN', { env, file: secretsFile });
  const there = config.settings.hookUrl ?? url;
  if (there === undefined) return;
  const byHand = 'Remove the hooks with: npm run scaler -- hook remove';
  if (token === undefined) return output.say(`GITLAB_TOKEN is not set, so no hook is removed. ${byHand}`);
  try {
    const forge = new HookAdmin({ url: config.settings.gitlabUrl, token, clock: systemClock });
    const spoken = { json: false, data: output.say, say: output.say };
    const code = await hook('remove', { url: there, secrets: secretsFile }, config, forge, spoken);
    if (code !== 0) output.say(`Not all hooks could be removed. ${byHand}`);
  } catch (error) {
    if (!(error instanceof ScalerError) && !(error instanceof UserError)) throw error;
    output.say(`Hooks could not be removed: ${error.message} ${byHand}`);
  }
}

async function removeObjects(store: Pick<Store, 'list' | 'delete'>, say: (line: string) => void): Promise<void> {
  const keys = (await Promise.all(SHORT_LIVED.map((prefix) => store.list(prefix)))).flat();
  if (keys.length === 0) return;
  say(`removing the objects below ${SHORT_LIVED.join(', ')}: ${counted(keys.length, 'object')}`);
  for (const key of keys) await store.delete(key);
}
