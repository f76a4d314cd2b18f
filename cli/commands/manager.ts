import { writeFileSync } from 'node:fs';
import { renderManagerUserData } from '../../cloud-init/manager/manager.ts';
import type { Store } from '../../lib/app/ports/index.ts';
import { healthProblems, ManagerHealth } from '../../lib/app/status/cache-manager.ts';
import { readJson } from '../../lib/app/storage/json.ts';
import type { Config } from '../../lib/config/load/parse.ts';
import { managerKey } from '../../lib/core/keys.ts';
import { counted } from '../../lib/core/plural.ts';
import { formatDuration, SECOND } from '../../lib/core/time.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openStore, UserError } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { clean } from '../shared/printable.ts';

/** Prints the cache manager's user data, or writes it to a file. */
export function renderManager(config: Config, file: string | undefined, output: Output): number {
  const text = renderManagerUserData(managerOf(config));
  if (file === undefined) {
    output.data(text.trimEnd());
    return 0;
  }
  try {
    writeFileSync(file, text);
  } catch {
    throw new UserError(`${file} cannot be written. Check the path and its permissions.`);
  }
  output.say(`${file}: ${text.length} bytes of user data for ${managerOf(config).name}; docs/manager.md says what to create with it.`);
  return 0;
}

/** Tells from the manager's health object how the caches are. 0 when all is well. */
export async function managerStatus(config: Config, store: Store, now: number, output: Output): Promise<number> {
  const manager = managerOf(config);
  if (!manager.health) {
    throw new UserError(
      `publish_health is false, so the bucket has no state of the manager. Read /var/lib/gl-cache/health.json on the manager itself.`,
    );
  }
  const key = managerKey(manager.name);
  const { exists, value: read } = await readJson(store, key, ManagerHealth);
  if (!exists) {
    const todo =
      'Check that the VM is up, that it has an agency that may write this object, and that its user data was rendered from this configuration.';
    if (output.json) output.data(JSON.stringify({ ok: false, health: null, problems: [{ what: `no ${key}`, todo }] }));
    else output.data(`The bucket ${config.bucket.name} has no ${key}.\n${todo}`);
    return 1;
  }
  const health = output.json ? read : clean(read);
  if (!health)
    throw new UserError(
      `${key} was not written by a manager of this version: render and start the manager again, or check what else writes this object.`,
    );
  const problems = healthProblems(health, now);
  if (output.json) output.data(JSON.stringify({ ok: problems.length === 0, health, problems }));
  else output.data([...describe(health, now), ...problems.map(({ what, todo }) => `! ${what}\n  ${todo}`)].join('\n'));
  return problems.length === 0 ? 0 : 1;
}

function managerOf(config: Config): NonNullable<Config['manager']> {
  if (config.manager) return config.manager;
  throw new UserError('The configuration has no section "manager". docs/manager.md describes it.');
}

function describe(health: ManagerHealth, now: number): readonly string[] {
  const { disk, nfs, mirrors, prune, trash } = health;
  const clients = nfs.clients === null ? '' : `, ${counted(nfs.clients, 'client')}`;
  const oldest = mirrors.oldest_seconds === null ? '' : `, the oldest fetched ${formatDuration(mirrors.oldest_seconds * SECOND)} ago`;
  const trees = Object.entries(prune?.trees ?? {}).map(([name, tree]) => `${name} ${gigabytes(tree.bytes)} in ${tree.objects}`);
  return [
    `${health.name}: ${health.phase}, up ${formatDuration(health.uptime * SECOND, 'fine')}, seen ${formatDuration(now - health.at)} ago`,
    disk
      ? `  volume: ${gigabytes(disk.used)} of ${gigabytes(disk.bytes)} used, ${disk.fill} % full (bytes or inodes)`
      : '  volume: not mounted',
    `  nfs: ${nfs.active ? counted(nfs.threads, 'thread') : 'not served'}${clients}`,
    `  mirrors: ${mirrors.count}${oldest}`,
    ...(mirrors.unlisted.length > 0 ? [`  no longer configured, left alone: ${mirrors.unlisted.join(', ')}`] : []),
    ...(prune ? [`  pruned ${prune.at} by ${prune.mode}: ${trees.join(', ')}`] : []),
    ...(trash && trash.days > 0 ? [`  trash: ${gigabytes(trash.bytes)} of ${counted(trash.days, 'day')}`] : []),
  ];
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

export function register(program: Program, context: CommandContext): void {
  const manager = program.command('manager').description('the machine that serves the caches');

  manager
    .command('render')
    .description('print the user data of the cache manager')
    .option('--out <file>', 'write it to a file')
    .action(({ out }) => context.run(false, (output) => Promise.resolve(renderManager(context.load(), out, output))));

  manager
    .command('status')
    .description('show the state of the caches; exit code 1 when something needs attention')
    .option('--json', 'print JSON')
    .action(({ json }) =>
      context.run(json, async (output) => {
        const config = context.load();
        return await managerStatus(config, openStore(config), systemClock.now(), output);
      }),
    );
}
