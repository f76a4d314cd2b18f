import { timingSafeEqual } from 'node:crypto';
import type { SandboxContext } from '../../context.ts';
import { bytesOf, header, type SandboxRequest, target } from '../../http.ts';
import type { Service } from '../error-formats.ts';
import { Ids } from '../ids.ts';
import { Refused } from '../refused.ts';
import { type Authorization, expectedSignature, parseAuthorization } from '../sdk-hmac.ts';
import type { Agencies } from './agencies.ts';
import { checkRights } from './permissions.ts';

export interface KeyPair {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Present for temporary keys, which are refused without it. */
  readonly securityToken?: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
  /** The name of the agency whose rights it carries; without one it may do everything. */
  readonly agency?: string;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  /** True when absent. */
  readonly enabled?: boolean;
}

export interface IamOptions {
  readonly projects: readonly Project[];
  readonly keys: readonly KeyPair[];
}

/** Of the account that the sandbox is. */
export const DOMAIN_ID = 'sandbox';
const SKEW_MS = 15 * 60_000;
const LOCK_MS = 5 * 60_000;
const WRONG_SIGNATURES_ALLOWED = 5;

/** Accounts, keys and the check that the gateway makes on every request. */
export class Iam {
  readonly projects: Project[];
  readonly #ctx: SandboxContext;
  readonly #ids = new Ids('key');
  readonly #keys = new Map<string, KeyPair>();
  readonly #tokens = new Map<string, { readonly until: number; readonly agency: string | undefined }>();
  readonly #wrong = new Map<string, { count: number; lockedUntil: number }>();

  constructor(ctx: SandboxContext, options: IamOptions) {
    this.#ctx = ctx;
    this.projects = [...options.projects];
    for (const key of options.keys) this.add(key);
  }

  add(key: KeyPair): void {
    this.#keys.set(key.accessKey, key);
  }

  /** Keys as an agency gets them: worthless without their token, and after `seconds`. */
  temporaryKeys(seconds: number, agency?: string): KeyPair & { readonly securityToken: string; readonly expiresAt: number } {
    this.#forgetExpired();
    const key = {
      accessKey: this.#ids.hex(20).toUpperCase(),
      secretKey: this.#ids.hex(40),
      securityToken: `sandbox-token-${this.#ids.hex(60)}`,
      expiresAt: this.#ctx.clock.now() + seconds * 1000,
      ...(agency === undefined ? {} : { agency }),
    };
    this.add(key);
    return key;
  }

  /** A token for `X-Auth-Token`. */
  token(seconds: number, agency?: string): string {
    this.#forgetExpired();
    const token = `sandbox-auth-${this.#ids.hex(60)}`;
    this.#tokens.set(token, { until: this.#ctx.clock.now() + seconds * 1000, agency });
    return token;
  }

  /** A key that is known and not expired. */
  key(accessKey: string): KeyPair | undefined {
    const key = this.#keys.get(accessKey);
    return key && (key.expiresAt ?? Number.POSITIVE_INFINITY) > this.#ctx.clock.now() ? key : undefined;
  }

  /** The agency whose rights a request has that `check` let pass; `undefined` for one that may do everything. */
  agencyOf(c: SandboxRequest): string | undefined {
    const token = header(c, 'x-auth-token');
    if (token !== undefined) return this.#tokens.get(token)?.agency;
    return this.#keys.get(parseAuthorization(header(c, 'authorization') ?? '')?.accessKey ?? '')?.agency;
  }

  /** Throws the gateway's refusal unless the request may pass. */
  async check(c: SandboxRequest): Promise<void> {
    const token = header(c, 'x-auth-token');
    if (token !== undefined) {
      this.#checkToken(token);
      return;
    }
    const authorization = parseAuthorization(header(c, 'authorization') ?? '');
    if (!authorization) throw denied('Authorization format error');
    const { accessKey } = authorization;
    if (this.#locked(accessKey)) throw denied('AK access failed to reach the limit,forbidden.');
    const key = this.key(accessKey);
    if (!key) throw denied(`Get secretKey failed,ak:${accessKey},err:ak not exist`);
    if (key.securityToken !== undefined && header(c, 'x-security-token') !== key.securityToken) {
      throw denied('the security token does not belong to the AK');
    }
    await this.#checkSignature(c, authorization, key);
  }

  async #checkSignature(c: SandboxRequest, authorization: Authorization, key: KeyPair): Promise<void> {
    const date = header(c, 'x-sdk-date') ?? '';
    const at = parseSdkDate(date);
    if (at === undefined || Math.abs(at - this.#ctx.clock.now()) > SKEW_MS) throw denied('Signature expired');
    const covered = authorization.signedHeaders.includes('host') && authorization.signedHeaders.includes('x-sdk-date');
    const sameDay = !authorization.scope || date.startsWith(authorization.scope.day);
    const request = {
      method: c.req.method,
      ...target(c),
      headers: c.env.incoming.headers,
      body: await bytesOf(c),
    };
    const expected = expectedSignature(request, authorization, key.secretKey, date);
    if (covered && sameDay && timingSafeEqual(Buffer.from(expected), Buffer.from(authorization.signature))) {
      this.#wrong.delete(key.accessKey);
      return;
    }
    this.#countWrong(key.accessKey);
    throw denied('verify aksk signature fail');
  }

  #checkToken(token: string): void {
    const isValid = (this.#tokens.get(token)?.until ?? 0) > this.#ctx.clock.now();
    if (!isValid) throw new Refused(401, 'APIG.0307', 'The token must be updated');
  }

  #locked(accessKey: string): boolean {
    return (this.#wrong.get(accessKey)?.lockedUntil ?? 0) > this.#ctx.clock.now();
  }

  /** More than five wrong ones in a row lock the key for five minutes. */
  #countWrong(accessKey: string): void {
    const count = (this.#wrong.get(accessKey)?.count ?? 0) + 1;
    const locks = count > WRONG_SIGNATURES_ALLOWED;
    this.#wrong.set(accessKey, { count: locks ? 0 : count, lockedUntil: locks ? this.#ctx.clock.now() + LOCK_MS : 0 });
  }

  #forgetExpired(): void {
    const now = this.#ctx.clock.now();
    for (const [accessKey, key] of this.#keys) if (key.expiresAt !== undefined && key.expiresAt <= now) this.#keys.delete(accessKey);
    for (const [token, { until }] of this.#tokens) if (until <= now) this.#tokens.delete(token);
  }
}

/** IAM's own calls (OTC IAM API reference, "Querying Project Information"). */
export function registerIam({ app, operation, respond }: Service, iam: Iam, agencies?: Agencies): void {
  // Open to everybody: it tells a client which version it talks to (OTC IAM API reference, "Querying the Version of an API").
  app.get('/v3', operation('iam.version'), () =>
    respond.json({ version: { id: 'v3.6', status: 'stable', updated: '2016-04-04T00:00:00Z', links: [], 'media-types': [] } }),
  );

  app.get('/v3/projects', operation('iam.projects'), async (c) => {
    await iam.check(c);
    await checkRights(iam.agencyOf(c), agencies, 'iam.projects', c);
    const name = c.req.query('name');
    const projects = iam.projects
      .filter((p) => name === undefined || p.name === name)
      .map((p) => ({
        ...p,
        is_domain: false,
        description: '',
        enabled: p.enabled ?? true,
        parent_id: DOMAIN_ID,
        domain_id: DOMAIN_ID,
        links: {},
      }));
    return respond.json({ projects, links: { self: null, previous: null, next: null } });
  });
}

function denied(why: string): Refused {
  return new Refused(401, 'APIG.0301', `Incorrect IAM authentication information: ${why}`);
}

function parseSdkDate(text: string): number | undefined {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  return y === undefined ? undefined : Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
}
