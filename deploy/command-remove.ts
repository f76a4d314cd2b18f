import { hook } from '../cli/hook.ts';
import { UserError } from '../cli/session.ts';
import type { Cloud, Store } from '../lib/app/ports.ts';
import { ScalerError } from '../lib/core/errors.ts';
import { HookAdmin } from '../lib/gitlab/hook-admin.ts';
import { systemClock } from '../lib/runtime/clock.ts';
import { readActual } from './actual.ts';
import { apply } from './apply.ts';
import { oneSecret } from './deploy-secrets.ts';
import { type DeployInputs, type Deployment, openDeployment, placesOf } from './deployment.ts';
import { hookUrl } from './hook-url.ts';
import { planRemoval } from './plan-remove.ts';
import type { Step } from './steps.ts';

export interface RemoveOptions {
  /** Let all workers finish and leave first. */
  readonly drain?: boolean;
  /** Do not ask. */
  readonly yes?: boolean;
  /** Asks a person; absent where there is none. */
  readonly ask?: (question: string) => Promise<string>;
}

/** What is only good for a farm that runs. Counts and ledger stay. */
const SHORT_LIVED = ['handoff/', 'state/', 'control/'];

/** Takes down what a deployment made. Throws `UserError` while workers exist, which nothing would look after any more. */
export async function remove(inputs: DeployInputs, { drain = false, yes = false, ask }: RemoveOptions = {}): Promise<void> {
  const { output } = inputs;
  const deployment = openDeployment(inputs);
  const { clients, outline, config } = deployment;
  const places = placesOf(deployment);
  const actual = await readActual(places, clients);
  const { wakers, rest } = planRemoval(places, actual);
  const cloud = clients.cloud();
  if (!drain) await noWorkers(cloud, 'Let them finish first: osls remove --drain.');
  if (ask && !yes && (await ask(`Remove ${outline.name} (${wakers.length + rest.length} steps)? Type its name: `)).trim() !== outline.name)
    throw new UserError('Nothing was removed.');
  const say = (line: string) => output.say(line);
  const run = (steps: readonly Step[]) =>
    apply(steps, { clients, desired: places, actual, material: { zip: () => new Uint8Array() }, say });
  await removeHooks(deployment, hookUrl(deployment.service, actual.gateway?.group?.address ?? ''));
  await run(wakers);
  // One that was launched while the others were looked at.
  await noWorkers(cloud, 'One came meanwhile. Run osls deploy, and then osls remove --drain.');
  await run(rest);
  if (actual.bucket.exists) await removeObjects(clients.store(), say);
  output.say(`${outline.name} is removed. The bucket ${config.bucket.name} stays, with counts/ and ledger/ in it.`);
}

/** VMs of ours, as the scaler knows them: by their own metadata. */
async function noWorkers(cloud: Pick<Cloud, 'servers'>, remedy: string): Promise<void> {
  const workers = await cloud.servers('');
  if (workers.length === 0) return;
  const names = workers.slice(0, 5).map(({ name }) => name);
  const more = workers.length > names.length ? ` and ${workers.length - names.length} more` : '';
  throw new UserError(`${workers.length} workers exist, which nobody would remove any more: ${names.join(', ')}${more}. ${remedy}`);
}

/** A hook that is left is only a nuisance: its deliveries fail, and GitLab disables it. */
async function removeHooks({ inputs, config, secretsFile }: Deployment, url: string | undefined): Promise<void> {
  const { output, env } = inputs;
  const token = oneSecret('GITLAB_TOKEN', { env, file: secretsFile });
  const there = config.settings.hookUrl ?? url;
  if (there === undefined) return;
  const byHand = 'Take hooks away with: npm run scaler -- hook remove';
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
  say(`removing ${keys.length} objects below ${SHORT_LIVED.join(', ')}`);
  for (const key of keys) await store.delete(key);
}
