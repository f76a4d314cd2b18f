import { randomBytes } from 'node:crypto';
import { needSecret } from '../../lib/config/secrets.ts';
import { HookAdmin } from '../../lib/gitlab/hooks/admin.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { environmentSecrets, UserError } from '../shared/environment.ts';
import { readHookSecrets, rotated, withoutOld, writeHookSecrets } from '../shared/hook-secrets.ts';
import { type HookOptions, type HookVerb, hook } from '../shared/hooks.ts';
import type { Output } from '../shared/output.ts';

/** First step of a replacement: new secrets in front of the old ones. Nothing is sent to GitLab. */
export function rotateHookSecrets(file: string, finish: boolean, output: Output): number {
  const known = readHookSecrets({}, file);
  if (!known) {
    throw new UserError(
      `${file} has no hook secrets. If they are in the environment, move them to ${file} first. If you have none yet, scaler hook install creates them.`,
    );
  }
  if (finish) {
    writeHookSecrets(file, withoutOld(known.secrets));
    output.say(`The old secrets were removed from ${file}. Deploy once more; after that they are no longer accepted.`);
    return 0;
  }
  if (Object.values(known.secrets).some((values) => values.length > 1))
    throw new UserError(`${file} already has an old and a new secret: finish the rotation first (scaler hook rotate --finish).`);
  writeHookSecrets(file, rotated(known.secrets, randomBytes));
  output.say(
    [
      `New secrets were added to ${file}, in front of the old ones. To lose no hook, continue in this order:`,
      '  1. deploy: the webhook accepts both',
      '  2. scaler hook install: GitLab uses the new ones',
      '  3. scaler hook rotate --finish, and deploy: the old ones are refused',
    ].join('\n'),
  );
  return 0;
}

export function register(program: Program, context: CommandContext): void {
  const command = program.command('hook').description('hooks of GitLab that call the webhook function');
  const add = (verb: HookVerb, description: string) => {
    const sub = command
      .command(verb)
      .description(description)
      .option('--url <url>', "the hook's URL, instead of gitlab.hook_url")
      .option('--project <path...>', "projects of the hooks, instead of the pools' scopes")
      .option('--group <path...>', "groups of the hooks, instead of the pools' scopes")
      .option('--all-projects', 'a hook at each project of the groups: for GitLab Free, which has no group hooks')
      .option('--secrets <file>', 'file with the secrets, unless the environment has them', 'secrets.env')
      .option('--json', 'print JSON');
    if (verb === 'install' || verb === 'remove') sub.option('--dry-run', 'show what would be done, but change nothing');
    sub.action((given) =>
      context.run(given.json, (output) => {
        const config = context.load();
        const token = needSecret(environmentSecrets().gitlabToken, 'GITLAB_TOKEN').reveal();
        const forge = new HookAdmin({ url: config.settings.gitlabUrl, token, clock: systemClock });
        return hook(verb, given as HookOptions, config, forge, output);
      }),
    );
  };
  add('install', 'create or repair the hooks: job events only, with a secret and a signing token');
  add('status', 'check that the hooks exist, are enabled and signed, and that the last delivery succeeded');
  add('test', 'make GitLab deliver the event of the latest job now');
  add('remove', 'remove the hooks that have our URL');
  command
    .command('rotate')
    .description('replace the secrets without losing a hook, in two steps')
    .option('--finish', 'second step: remove the old secrets')
    .option('--secrets <file>', 'file with the secrets', 'secrets.env')
    .action(({ finish, secrets }) => context.run(false, (output) => Promise.resolve(rotateHookSecrets(secrets, finish ?? false, output))));
}
