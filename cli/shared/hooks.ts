import { randomBytes } from 'node:crypto';
import { type HookOutcome, hookStatus, installHook, removeHook, testHook } from '../../lib/app/hooks/setup.ts';
import type { HookChange, HookForge, HookPlace } from '../../lib/app/ports/index.ts';
import type { Config } from '../../lib/config/load/parse.ts';
import { defined } from '../../lib/core/defined.ts';
import { counted } from '../../lib/core/plural.ts';
import { UserError } from './environment.ts';
import { type HookSecrets, makeHookSecrets, readHookSecrets, writeHookSecrets } from './hook-secrets.ts';
import type { Output } from './output.ts';
import { clean } from './printable.ts';

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
  if (url === undefined) throw new UserError("The hook's URL is missing: set gitlab.hook_url to the gateway's URL, or use --url.");
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
      'The pools serve a whole GitLab installation, whose hooks do not send job events: name groups or projects with --group and --project.',
    );
  if (!allProjects) return places;
  const groups = places.filter(({ kind }) => kind === 'group');
  const below = await Promise.all(groups.map(({ path }) => forge.projects(path)));
  const projects = below.flat().map((path): HookPlace => ({ kind: 'project', path }));
  output.say(
    `${counted(projects.length, 'project')} in ${groups.map(({ path }) => path).join(', ')}; run this command again when projects are added.`,
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
  if (dryRun) output.say(`No secrets exist yet: they would be created and written to ${file}.`);
  else {
    writeHookSecrets(file, made);
    output.say(
      `Secrets were created and written to ${file}; the webhook function needs them (HOOK_TOKENS, HOOK_SIGNING_TOKENS). Keep the file private.`,
    );
  }
  return made;
}

function changeOf(url: string, secrets: HookSecrets | undefined): HookChange {
  const token = secrets?.HOOK_TOKENS[0];
  const signingToken = secrets?.HOOK_SIGNING_TOKENS[0];
  return { url, ...defined({ token, signingToken }) };
}

function lineOf({ place, outcome, hookId, lastDelivery, notes }: HookOutcome): string {
  const id = hookId === undefined ? '' : ` (hook ${hookId})`;
  const last = lastDelivery && `last delivery answered ${lastDelivery.status}`;
  const head = `${place.kind} ${place.path}: ${outcome === 'in-order' ? 'in order' : outcome}${id}${last ? `, ${last}` : ''}`;
  return [head, ...notes.map((note) => `  ${note}`)].join('\n');
}
