import { randomBytes } from 'node:crypto';
import { type HookOutcome, hookStatus, installHook, removeHook, testHook } from '../../lib/app/hooks/setup.ts';
import type { HookChange, HookForge, HookPlace } from '../../lib/app/ports/index.ts';
import type { Config } from '../../lib/config/load/parse.ts';
import { needSecret } from '../../lib/config/secrets.ts';
import { counted } from '../../lib/core/plural.ts';
import { HookAdmin } from '../../lib/gitlab/hooks/admin.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { environmentSecrets, UserError } from '../shared/environment.ts';
import { type HookSecrets, makeHookSecrets, readHookSecrets, rotated, withoutOld, writeHookSecrets } from '../shared/hook-secrets.ts';
import type { Output } from '../shared/output.ts';
import { clean } from '../shared/printable.ts';

export interface HookOptions {
  /** Instead of `gitlab.hook_url`. */
  readonly url?: string;
  readonly project?: readonly string[];
  readonly group?: readonly string[];
  readonly allProjects?: boolean;
  readonly secrets: string;
}

export type HookVerb = 'install' | 'status' | 'test' | 'remove';

/** Does one thing at every place; 0 when each is as it should be. */
export async function hook(
  verb: HookVerb,
  options: HookOptions & { readonly dryRun?: boolean },
  config: Config,
  forge: HookForge,
  output: Output,
): Promise<number> {
  const url = options.url ?? config.settings.hookUrl;
  if (url === undefined) throw new UserError("Say where hooks are to go: set gitlab.hook_url to the gateway's URL, or use --url.");
  const places = await placesOf(options, config, forge, output);
  const dryRun = options.dryRun ?? false;
  const secrets = verb === 'install' ? secretsFor(options.secrets, dryRun, output) : readHookSecrets(process.env, options.secrets)?.secrets;
  const wanted = changeOf(url, secrets);
  const outcomes: HookOutcome[] = [];
  for (const place of places) {
    const outcome = await at(verb, forge, place, wanted, dryRun);
    outcomes.push(outcome);
    if (!output.json) output.data(lineOf(clean(outcome)));
  }
  if (output.json) output.data(JSON.stringify({ url, hooks: outcomes }));
  const bad = outcomes.filter(({ outcome }) => outcome === 'failed' || outcome === 'wrong' || (outcome === 'absent' && verb !== 'remove'));
  return bad.length === 0 ? 0 : 1;
}

function at(verb: HookVerb, forge: HookForge, place: HookPlace, wanted: HookChange, dryRun: boolean): Promise<HookOutcome> {
  switch (verb) {
    case 'install':
      return installHook(forge, place, wanted, dryRun);
    case 'status':
      return hookStatus(forge, place, wanted);
    case 'test':
      return testHook(forge, place, wanted);
    case 'remove':
      return removeHook(forge, place, wanted.url, dryRun);
  }
}

/** What is named, or else the scopes of the pools; with `--all-projects` the projects of these groups instead of the groups. */
async function placesOf(
  { project = [], group = [], allProjects = false }: HookOptions,
  config: Config,
  forge: HookForge,
  output: Output,
): Promise<readonly HookPlace[]> {
  const named = [
    ...project.map((path): HookPlace => ({ kind: 'project', path })),
    ...group.map((path): HookPlace => ({ kind: 'group', path })),
  ];
  const scopes = config.settings.pools.flatMap(({ scope }) => (scope.kind === 'instance' ? [] : [{ kind: scope.kind, path: scope.path }]));
  const places = unique(named.length > 0 ? named : scopes);
  if (places.length === 0)
    throw new UserError(
      'The pools serve a whole installation, whose hooks know no job events: name groups or projects with --group and --project.',
    );
  if (!allProjects) return places;
  const groups = places.filter(({ kind }) => kind === 'group');
  const below = await Promise.all(groups.map(({ path }) => forge.projects(path)));
  const projects = below.flat().map((path): HookPlace => ({ kind: 'project', path }));
  output.say(
    `${counted(projects.length, 'project')} in ${groups.map(({ path }) => path).join(', ')}; run this again when there are new ones.`,
  );
  return unique([...places.filter(({ kind }) => kind === 'project'), ...projects]);
}

function unique(places: readonly HookPlace[]): readonly HookPlace[] {
  return [...new Map(places.map((place) => [`${place.kind} ${place.path}`, place])).values()];
}

function secretsFor(file: string, dryRun: boolean, output: Output): HookSecrets {
  const known = readHookSecrets(process.env, file);
  if (known) return known.secrets;
  const made = makeHookSecrets(randomBytes);
  if (dryRun) output.say(`There are no secrets yet: they would be made and written to ${file}.`);
  else {
    writeHookSecrets(file, made);
    output.say(
      `Secrets were made and written to ${file}; the webhook function needs them (HOOK_TOKENS, HOOK_SIGNING_TOKENS). Keep the file private.`,
    );
  }
  return made;
}

function changeOf(url: string, secrets: HookSecrets | undefined): HookChange {
  const token = secrets?.HOOK_TOKENS[0];
  const signingToken = secrets?.HOOK_SIGNING_TOKENS[0];
  return { url, ...(token === undefined ? {} : { token }), ...(signingToken === undefined ? {} : { signingToken }) };
}

function lineOf({ place, outcome, hookId, lastDelivery, notes }: HookOutcome): string {
  const id = hookId === undefined ? '' : ` (hook ${hookId})`;
  const last = lastDelivery && `last delivery answered ${lastDelivery.status}`;
  const head = `${place.kind} ${place.path}: ${outcome === 'in-order' ? 'in order' : outcome}${id}${last ? `, ${last}` : ''}`;
  return [head, ...notes.map((note) => `  ${note}`)].join('\n');
}

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
