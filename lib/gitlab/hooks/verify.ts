import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ConfigError } from '../../core/errors.ts';

/** What a hook must show. Several of each are accepted, so that one can be replaced without losing hooks. */
export interface HookSecrets {
  /** Values of `X-Gitlab-Token`. */
  readonly tokens: readonly string[];
  /** `whsec_<base64>`; once there is one, only signed hooks are accepted. */
  readonly signingTokens: readonly string[];
}

/** A delivery without its body. */
export interface HookDelivery {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Milliseconds. */
  readonly now: number;
}

/** A signature covers the bytes as received, and not what they parse to. It takes them piece by piece, so that no body has to fit into memory. */
export interface SignatureCheck {
  update(bytes: Uint8Array): void;
  /** After the last byte, once. */
  verdict(): Verdict;
}

/** `ok`, or why the sender is not believed (HTTP 401 in every case). */
export type Verdict = 'ok' | 'no-token' | 'wrong-token' | 'no-signature' | 'wrong-signature' | 'stale-signature';

/** Standard Webhooks allows five minutes either way. */
const TOLERANCE_MS = 300_000;
/** One signature per active secret is normal; a header with thousands is an attempt to keep us busy. */
const MOST_SIGNATURES = 16;
/** Standard Webhooks: 24 to 64 bytes; GitLab makes 32. */
const SIGNING_TOKEN = /^whsec_([A-Za-z0-9+/]{32,86}={0,2})$/;

/**
 * Returns a function that decides from the headers whether a delivery is GitLab's, or returns what is needed to decide it from the body as
 * well. It never throws and compares in constant time.
 * Throws `ConfigError` when no secret is configured at all or one is unusable: an open endpoint is never the answer to a forgotten setting.
 * The scheme is Standard Webhooks (GitLab docs, "Webhooks", signing tokens, 19.0).
 */
export function hookVerifier(secrets: HookSecrets): (delivery: HookDelivery) => Verdict | SignatureCheck {
  if (secrets.tokens.length + secrets.signingTokens.length === 0) {
    throw new ConfigError('no-hook-secret', 'neither a hook token nor a signing token is configured, so no hook can be believed');
  }
  if (secrets.tokens.includes('')) throw new ConfigError('invalid-hook-secret', 'a hook token is empty');
  const keys = secrets.signingTokens.map(signingKey);
  const hashes = secrets.tokens.map(hash);
  return keys.length > 0 ? (delivery) => verifySignature(delivery, keys) : (delivery) => verifyToken(delivery, hashes);
}

function signingKey(token: string): Buffer {
  const encoded = SIGNING_TOKEN.exec(token)?.[1];
  const key = Buffer.from(encoded ?? '', 'base64');
  if (key.length >= 24 && key.length <= 64) return key;
  throw new ConfigError('invalid-hook-secret', 'a signing token is not of the form whsec_<base64 of 24 to 64 bytes>');
}

function verifyToken({ headers }: HookDelivery, hashes: readonly Buffer[]): Verdict {
  const given = headers['x-gitlab-token'];
  if (!given) return 'no-token';
  // Hashes have one length, so neither the length nor a common beginning of the secret shows in the time taken.
  return anyEqual([hash(given)], hashes) ? 'ok' : 'wrong-token';
}

function verifySignature({ headers, now }: HookDelivery, keys: readonly Buffer[]): Verdict | SignatureCheck {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const header = headers['webhook-signature'];
  if (!id || !timestamp || !header) return 'no-signature';
  if (!/^\d{1,12}$/.test(timestamp)) return 'stale-signature';
  if (Math.abs(now - Number(timestamp) * 1000) > TOLERANCE_MS) return 'stale-signature';
  const given = header.split(' ', MOST_SIGNATURES).flatMap(signatureBytes);
  if (given.length === 0) return 'wrong-signature';
  const sums = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.`));
  return {
    update: (bytes) => {
      for (const sum of sums) sum.update(bytes);
    },
    verdict: () => {
      const expected = sums.map((sum) => sum.digest());
      return anyEqual(given, expected) ? 'ok' : 'wrong-signature';
    },
  };
}

/** `v1,<base64 of 32 bytes>`; other versions and broken ones are as if they were not there. */
function signatureBytes(signature: string): readonly Buffer[] {
  if (!signature.startsWith('v1,')) return [];
  const bytes = Buffer.from(signature.slice(3), 'base64');
  return bytes.length === 32 ? [bytes] : [];
}

/** Compares every pair, whatever came out before. */
function anyEqual(given: readonly Buffer[], expected: readonly Buffer[]): boolean {
  let equal = false;
  for (const one of given) for (const other of expected) equal = timingSafeEqual(one, other) || equal;
  return equal;
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
