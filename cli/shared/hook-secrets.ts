import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { readSecrets } from '../../lib/config/secrets.ts';
import { UserError } from './environment.ts';

const KEYS = ['HOOK_TOKENS', 'HOOK_SIGNING_TOKENS'] as const;
type Key = (typeof KEYS)[number];
/** Newest first: hooks are given the first, the webhook accepts all. */
export type HookSecrets = Readonly<Record<Key, readonly string[]>>;

/** Random bytes, as `crypto.randomBytes` gives them. */
export type RandomBytes = (size: number) => Buffer;

/** From the environment, or else from the file; `undefined` when neither has any. */
export function readHookSecrets(
  env: NodeJS.ProcessEnv,
  file: string,
): { readonly secrets: HookSecrets; readonly from: string } | undefined {
  const fromEnv = parse((key) => env[key]);
  if (fromEnv) return { secrets: fromEnv, from: 'the environment' };
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  const values = parseEnv(text);
  const secrets = parse((key) => values[key]);
  return secrets && { secrets, from: file };
}

/** A secret token for every GitLab, and a signing token for those from 19.0 on. */
export function makeHookSecrets(random: RandomBytes): HookSecrets {
  return { HOOK_TOKENS: [random(32).toString('base64url')], HOOK_SIGNING_TOKENS: [`whsec_${random(32).toString('base64')}`] };
}

/** The new ones in front: the webhook accepts old and new until the old ones are forgotten. A kind that is not in use stays so. */
export function rotated(secrets: HookSecrets, random: RandomBytes): HookSecrets {
  const fresh = makeHookSecrets(random);
  const next = (key: Key) => (secrets[key].length === 0 ? [] : [...fresh[key], ...secrets[key].slice(0, 1)]);
  return { HOOK_TOKENS: next('HOOK_TOKENS'), HOOK_SIGNING_TOKENS: next('HOOK_SIGNING_TOKENS') };
}

export function withoutOld(secrets: HookSecrets): HookSecrets {
  return { HOOK_TOKENS: secrets.HOOK_TOKENS.slice(0, 1), HOOK_SIGNING_TOKENS: secrets.HOOK_SIGNING_TOKENS.slice(0, 1) };
}

/** Readable by its owner alone; other lines of the file stay. */
export function writeHookSecrets(file: string, secrets: HookSecrets): void {
  const others = (readIfThere(file) ?? '').split('\n').filter((line) => line !== '' && !KEYS.some((key) => line.startsWith(`${key}=`)));
  const ours = KEYS.filter((key) => secrets[key].length > 0).map((key) => `${key}=${secrets[key].join(',')}`);
  try {
    writeFileSync(file, `${[...others, ...ours].join('\n')}\n`, { mode: 0o600 });
    // The mode above is for a new file.
    chmodSync(file, 0o600);
  } catch (error) {
    throw new UserError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parse(get: (key: Key) => string | undefined): HookSecrets | undefined {
  const read = readSecrets((key) => (key === 'HOOK_TOKENS' || key === 'HOOK_SIGNING_TOKENS' ? get(key) : undefined));
  const secrets = {
    HOOK_TOKENS: read.hookTokens.map((secret) => secret.reveal()),
    HOOK_SIGNING_TOKENS: read.hookSigningTokens.map((secret) => secret.reveal()),
  };
  return KEYS.some((key) => secrets[key].length > 0) ? secrets : undefined;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new UserError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
