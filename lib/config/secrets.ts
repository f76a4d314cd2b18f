import { defined } from '../core/defined.ts';
import { ConfigError } from '../core/errors.ts';

/** A value that shows itself only to who asks by name: printed, logged, inspected or serialised it is `[secret]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}

/** What is configured; who needs a secret asks with `needSecret`. */
export interface Secrets {
  readonly gitlabToken?: Secret;
  /** Values of `X-Gitlab-Token` that are accepted; several while one is being replaced. */
  readonly hookTokens: readonly Secret[];
  /** `whsec_…`, likewise. */
  readonly hookSigningTokens: readonly Secret[];
  /** Where alarms are posted to: the URL itself is what opens it. */
  readonly alarmWebhook?: Secret;
  /** Absent in a function that uses its agency's temporary keys. */
  readonly otcKeys?: { readonly accessKey: Secret; readonly secretKey: Secret; readonly securityToken?: Secret };
}

/**
 * Reads the secrets from the function's user data or the environment. Empty values are as if absent. Throws `ConfigError`, which names the key
 * and never the value.
 */
export function readSecrets(get: (key: string) => string | undefined): Secrets {
  const one = (key: string): Secret | undefined => {
    const value = get(key)?.trim();
    if (!value) return undefined;
    // Header values and tokens are one printable word; a line break inside is a file pasted in by mistake.
    if (/[^\x21-\x7e]/.test(value)) throw new ConfigError('invalid-secret', `${key} must be one word of printable characters`);
    return new Secret(value);
  };
  const many = (key: string): readonly Secret[] => {
    const words = (get(key) ?? '').split(/[\s,]+/).filter((word) => word !== '');
    return [...new Set(words)].map((word) => new Secret(word));
  };
  const gitlabToken = one('GITLAB_TOKEN');
  const otcKeys = otcKeysOf(one('OTC_ACCESS_KEY'), one('OTC_SECRET_KEY'), one('OTC_SECURITY_TOKEN'));
  const hookSigningTokens = many('HOOK_SIGNING_TOKENS');
  if (!hookSigningTokens.every(isSigningToken)) {
    throw new ConfigError(
      'invalid-secret',
      'HOOK_SIGNING_TOKENS must hold tokens of the form whsec_<base64 of 24 to 64 bytes>, separated by commas or spaces',
    );
  }
  const alarmWebhook = one('ALARM_WEBHOOK_URL');
  if (alarmWebhook && !/^https:\/\/[^/@]+\//.test(alarmWebhook.reveal()) && !isLoopback(alarmWebhook.reveal())) {
    throw new ConfigError('invalid-secret', 'ALARM_WEBHOOK_URL must be a whole URL that begins with https://');
  }
  return {
    ...defined({ gitlabToken, alarmWebhook }),
    hookTokens: many('HOOK_TOKENS'),
    hookSigningTokens,
    ...defined({ otcKeys }),
  };
}

/** The secret, or a `ConfigError` that says which key to set. */
export function needSecret(secret: Secret | undefined, key: string): Secret {
  if (secret) return secret;
  throw new ConfigError('missing-secret', `${key} is not set: put it into the function's encrypted user data or the environment`);
}

function otcKeysOf(accessKey?: Secret, secretKey?: Secret, securityToken?: Secret): Secrets['otcKeys'] {
  if (accessKey && secretKey) return { accessKey, secretKey, ...defined({ securityToken }) };
  if (!accessKey && !secretKey && !securityToken) return undefined;
  throw new ConfigError(
    'incomplete-secret',
    'OTC_ACCESS_KEY and OTC_SECRET_KEY must both be set, or neither; OTC_SECURITY_TOKEN only with them',
  );
}

/** A receiver on the same machine, for tests and rehearsals. */
function isLoopback(url: string): boolean {
  return /^http:\/\/127\.0\.0\.1(:\d+)?\//.test(url);
}

/** Standard Webhooks: `whsec_` and the base64 of the key, 24 to 64 bytes; GitLab makes 32. */
function isSigningToken(secret: Secret): boolean {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.reveal())?.[1];
  if (base64 === undefined) return false;
  const key = Buffer.from(base64, 'base64');
  return key.length >= 24 && key.length <= 64 && key.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '');
}
