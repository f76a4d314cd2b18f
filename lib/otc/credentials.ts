import { inspect } from 'node:util';
import { ConfigError } from '../core/errors.ts';

/** An access key of OTC; temporary ones (a function's agency, a VM's agency) come with a token. */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly securityToken?: string | undefined;
}

/** Credentials that do not show themselves: JSON, `util.inspect`, spreads and string conversion never hold the secret key or the token. */
export class SecretCredentials implements Credentials {
  readonly #accessKey: string;
  readonly #secretKey: string;
  readonly #securityToken: string | undefined;

  /** Throws `ConfigError` when a key is empty: an unsigned or half-signed request would count towards OTC's lock of the key. */
  constructor(accessKey: string, secretKey: string, securityToken?: string) {
    if (accessKey === '' || secretKey === '') {
      throw new ConfigError('credentials-missing', 'the access key or the secret key of OTC is empty; does the function have an agency?');
    }
    this.#accessKey = accessKey;
    this.#secretKey = secretKey;
    this.#securityToken = securityToken === '' ? undefined : securityToken;
  }

  get accessKey(): string {
    return this.#accessKey;
  }

  get secretKey(): string {
    return this.#secretKey;
  }

  get securityToken(): string | undefined {
    return this.#securityToken;
  }

  toJSON(): string {
    return '[secret]';
  }

  toString(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
