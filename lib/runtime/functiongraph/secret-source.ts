import * as z from 'zod/mini';
import { readSecrets, type Secrets } from '../../config/secrets.ts';
import { parseJson } from '../../core/json.ts';
import { SecretCredentials } from '../../otc/credentials.ts';
import { type FunctionContext, tryGet } from './context.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Gives one secret's value, or `undefined` where it is not set. */
export type ReadSecret = (context: FunctionContext, key: string) => string | undefined;

const UserData = z.record(z.string(), z.unknown());

/**
 * Each key for itself: the function's user data through the context, then as FunctionGraph puts it into the environment, then the
 * environment itself. Which of them works differs between event functions, containers and emulators.
 */
export function secretReader(env: Environment): ReadSecret {
  return (context, key) => {
    const given = tryGet(() => context.getUserData(key));
    if (typeof given === 'string' && given !== '') return given;
    return environmentValue(env, key);
  };
}

/** Of the function's user data, as FunctionGraph puts it into the environment, or of the environment itself. */
export function environmentValue(env: Environment, key: string): string | undefined {
  return fromUserData(env.RUNTIME_USERDATA, key) ?? (Object.hasOwn(env, key) ? env[key] : undefined);
}

function fromUserData(json: string | undefined, key: string): string | undefined {
  if (!json) return undefined;
  const data = UserData.safeParse(parseJson(json)).data ?? {};
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function secretsOf(readSecret: ReadSecret, context: FunctionContext): Secrets {
  return readSecrets((key) => readSecret(context, key));
}

/** The agency's keys, which come with each call, or else the configured ones. Throws `ConfigError` when there are none. */
export function credentialsOf(context: FunctionContext, secrets: Secrets): SecretCredentials {
  const accessKey = tryGet(() => context.getSecurityAccessKey());
  const secretKey = tryGet(() => context.getSecuritySecretKey());
  if (accessKey && secretKey)
    return new SecretCredentials(
      accessKey,
      secretKey,
      tryGet(() => context.getSecurityToken()),
    );
  const { otcKeys } = secrets;
  return new SecretCredentials(otcKeys?.accessKey.reveal() ?? '', otcKeys?.secretKey.reveal() ?? '', otcKeys?.securityToken?.reveal());
}
