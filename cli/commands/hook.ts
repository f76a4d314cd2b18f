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
      `${file} has no secrets of hooks. Those of the environment are yours to replace: put them into ${file} first; where there are none, scaler hook install makes them.`,
    );
  }
  if (finish) {
    writeHookSecrets(file, withoutOld(known.secrets));
    output.say(`The old secrets are gone from ${file}. Deploy once more, and nothing accepts them any longer.`);
    return 0;
  }
  if (Object.values(known.secrets).some((values) => values.length > 1))
    throw new UserError(`${file} has two of a kind already: finish the replacement that was begun (scaler hook rotate --finish).`);
  writeHookSecrets(file, rotated(known.secrets, randomBytes));
  output.say(
    [
      `New secrets are in ${file}, in front of the old ones. Now, in this order, and no hook is lost:`,
      '  1. deploy: the webhook accepts both',
      '  2. scaler hook install: GitLab uses the new ones',
      '  3. scaler hook rotate --finish, and deploy: the old ones are refused',
    ].join('\n'),
  );
  return 0;
}

export function register(program: Program, context: CommandContext): void {
  const command = program.command('hook').description("GitLab's hooks to the webhook function");
  const add = (verb: HookVerb, description: string) => {
    const sub = command
      .command(verb)
      .description(description)
      .option('--url <url>', 'instead of gitlab.hook_url')
      .option('--project <path...>', 'here, instead of at the scopes of the pools')
      .option('--group <path...>', 'likewise')
      .option('--all-projects', 'at each project of the groups: for GitLab Free, which has no hooks of groups')
      .option('--secrets <file>', 'where the secrets are kept, unless the environment has them', 'secrets.env')
      .option('--json', 'for programs');
    if (verb === 'install' || verb === 'remove') sub.option('--dry-run', 'change nothing, say what would be');
    sub.action((given) =>
      context.run(given.json, (output) => {
        const config = context.load();
        const token = needSecret(environmentSecrets().gitlabToken, 'GITLAB_TOKEN').reveal();
        const forge = new HookAdmin({ url: config.settings.gitlabUrl, token, clock: systemClock });
        return hook(verb, given as HookOptions, config, forge, output);
      }),
    );
  };
  add('install', 'make or mend the hooks: job events only, with a secret and a signing token');
  add('status', 'are they there, enabled, signed, and was the last delivery taken');
  add('test', "deliver the latest job's event now");
  add('remove', 'take away the hooks with our URL');
  command
    .command('rotate')
    .description('replace the secrets without losing a hook, in two steps')
    .option('--finish', 'the second step: forget the old ones')
    .option('--secrets <file>', 'where they are kept', 'secrets.env')
    .action(({ finish, secrets }) => context.run(false, (output) => Promise.resolve(rotateHookSecrets(secrets, finish ?? false, output))));
}
