import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../lib/core/errors.ts';
import { type HookDelivery, type HookSecrets, hookVerifier, type Verdict } from '../../../../lib/gitlab/hooks/verify.ts';

const NOW = Date.parse('2026-11-23T16:05:00Z');
const BODY = Buffer.from('{"object_kind":"build","build_name":"größe ✓"}');
const KEY = Buffer.alloc(32, 7);
const OTHER_KEY = Buffer.alloc(32, 8);
const whsec = (key: Buffer) => `whsec_${key.toString('base64')}`;

function signature(key: Buffer, id: string, seconds: string, body: Buffer = BODY): string {
  return `v1,${createHmac('sha256', key)
    .update(Buffer.concat([Buffer.from(`${id}.${seconds}.`), body]))
    .digest('base64')}`;
}

const SECONDS = String(NOW / 1000);
const SIGNED = { 'webhook-id': 'd-1', 'webhook-timestamp': SECONDS, 'webhook-signature': signature(KEY, 'd-1', SECONDS) };

/** The body comes in two pieces. */
function verify(secrets: Partial<HookSecrets>, { body = BODY, ...delivery }: Partial<HookDelivery> & { readonly body?: Buffer }): Verdict {
  const proof = hookVerifier({ tokens: [], signingTokens: [], ...secrets })({ headers: {}, now: NOW, ...delivery });
  if (typeof proof === 'string') return proof;
  proof.update(body.subarray(0, 3));
  proof.update(body.subarray(3));
  return proof.verdict();
}

describe('with plain tokens', () => {
  const tokens = ['old-token', 'new-token'];

  it.each([
    { name: 'the first of two', token: 'old-token', verdict: 'ok' },
    { name: 'the second of two, while one is being replaced', token: 'new-token', verdict: 'ok' },
    { name: 'another of the same length', token: 'old-tokem', verdict: 'wrong-token' },
    { name: 'a beginning of the right one', token: 'old', verdict: 'wrong-token' },
    { name: 'the right one and more', token: 'old-token ', verdict: 'wrong-token' },
    { name: 'both at once', token: 'old-token, new-token', verdict: 'wrong-token' },
    { name: 'letters outside ASCII', token: 'ö'.repeat(9), verdict: 'wrong-token' },
    { name: 'an empty header', token: '', verdict: 'no-token' },
    { name: 'no header', token: undefined, verdict: 'no-token' },
  ])('$name: $verdict', ({ token, verdict }) => {
    expect(verify({ tokens }, { headers: { 'x-gitlab-token': token } })).toBe(verdict);
  });

  it('takes a signed delivery that has the token, too', () => {
    expect(verify({ tokens }, { headers: { ...SIGNED, 'x-gitlab-token': 'new-token' } })).toBe('ok');
  });
});

describe('with signing tokens', () => {
  const secrets = { signingTokens: [whsec(KEY)], tokens: ['plain'] };
  const stamped = (seconds: string) => ({
    'webhook-id': 'd-1',
    'webhook-timestamp': seconds,
    'webhook-signature': signature(KEY, 'd-1', seconds),
  });

  it('agrees with a signature that was computed by another program', () => {
    // printf 'm-1.1790000000.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07 -binary | base64
    const headers = {
      'webhook-id': 'm-1',
      'webhook-timestamp': '1790000000',
      'webhook-signature': 'v1,IEUN7uOn1uVwh5GYEe7qakvoC05S2a0ScygzERgtkaw=',
    };
    expect(verify(secrets, { headers, body: Buffer.from('{"a":1}'), now: 1_790_000_000_000 })).toBe('ok');
  });

  it.each([
    { name: 'a right signature', headers: SIGNED, verdict: 'ok' },
    {
      name: 'several signatures, one right',
      headers: { ...SIGNED, 'webhook-signature': `${signature(OTHER_KEY, 'd-1', SECONDS)} ${SIGNED['webhook-signature']}` },
      verdict: 'ok',
    },
    {
      name: 'a right signature beside broken ones',
      headers: { ...SIGNED, 'webhook-signature': `v1, v2,abc nonsense  ${SIGNED['webhook-signature']}` },
      verdict: 'ok',
    },
    { name: 'the plain token only: a signature is required', headers: { 'x-gitlab-token': 'plain' }, verdict: 'no-signature' },
    { name: 'no headers at all', headers: {}, verdict: 'no-signature' },
    { name: 'no id', headers: { ...SIGNED, 'webhook-id': undefined }, verdict: 'no-signature' },
    { name: 'no timestamp', headers: { ...SIGNED, 'webhook-timestamp': undefined }, verdict: 'no-signature' },
    { name: 'an empty signature', headers: { ...SIGNED, 'webhook-signature': '' }, verdict: 'no-signature' },
    { name: 'the signature of another id', headers: { ...SIGNED, 'webhook-id': 'd-2' }, verdict: 'wrong-signature' },
    {
      name: 'the signature of another time',
      headers: { ...SIGNED, 'webhook-timestamp': String(NOW / 1000 - 1) },
      verdict: 'wrong-signature',
    },
    {
      name: "another key's signature",
      headers: { ...SIGNED, 'webhook-signature': signature(OTHER_KEY, 'd-1', SECONDS) },
      verdict: 'wrong-signature',
    },
    { name: 'a signature cut short', headers: { ...SIGNED, 'webhook-signature': 'v1,AAAA' }, verdict: 'wrong-signature' },
    {
      name: 'another version',
      headers: { ...SIGNED, 'webhook-signature': SIGNED['webhook-signature'].replace('v1', 'v2') },
      verdict: 'wrong-signature',
    },
    { name: 'no base64', headers: { ...SIGNED, 'webhook-signature': 'v1,\u0000\uffff<>' }, verdict: 'wrong-signature' },
    {
      name: 'a flood of signatures',
      headers: { ...SIGNED, 'webhook-signature': `${'v1,x '.repeat(50_000)}${SIGNED['webhook-signature']}` },
      verdict: 'wrong-signature',
    },
    { name: '300 s ago', headers: stamped(String(NOW / 1000 - 300)), verdict: 'ok' },
    { name: '301 s ago', headers: stamped(String(NOW / 1000 - 301)), verdict: 'stale-signature' },
    { name: '300 s ahead', headers: stamped(String(NOW / 1000 + 300)), verdict: 'ok' },
    { name: '301 s ahead', headers: stamped(String(NOW / 1000 + 301)), verdict: 'stale-signature' },
    { name: 'milliseconds', headers: stamped(String(NOW)), verdict: 'stale-signature' },
    { name: 'a timestamp that is no number', headers: stamped('NaN'), verdict: 'stale-signature' },
    { name: 'a timestamp that JavaScript would take', headers: stamped('1e9'), verdict: 'stale-signature' },
  ])('$name: $verdict', ({ headers, verdict }) => {
    expect(verify(secrets, { headers })).toBe(verdict);
  });

  it('covers the raw bytes: the same JSON spelled otherwise is refused', () => {
    expect(verify(secrets, { headers: SIGNED, body: Buffer.from(JSON.stringify(JSON.parse(BODY.toString()), null, 1)) })).toBe(
      'wrong-signature',
    );
  });

  it('signs bytes that are no text', () => {
    const body = Buffer.from([0xff, 0xfe, 0x00, 0xc3]);
    const headers = { ...SIGNED, 'webhook-signature': signature(KEY, 'd-1', SECONDS, body) };
    expect(verify(secrets, { headers, body })).toBe('ok');
  });

  it('takes either of two keys while one is being replaced', () => {
    const both = { signingTokens: [whsec(OTHER_KEY), whsec(KEY)] };
    expect(verify(both, { headers: SIGNED })).toBe('ok');
    expect(verify(both, { headers: { ...SIGNED, 'webhook-signature': signature(OTHER_KEY, 'd-1', SECONDS) } })).toBe('ok');
  });
});

it('decides from the headers alone whatever can be decided without the body', () => {
  const early = (secrets: Partial<HookSecrets>, headers: HookDelivery['headers']) =>
    hookVerifier({ tokens: [], signingTokens: [], ...secrets })({ headers, now: NOW });
  expect(early({ tokens: ['plain'] }, { 'x-gitlab-token': 'plain' })).toBe('ok');
  const signingTokens = [whsec(KEY)];
  expect(early({ signingTokens }, { 'x-gitlab-token': 'plain' })).toBe('no-signature');
  expect(early({ signingTokens }, { ...SIGNED, 'webhook-timestamp': '1' })).toBe('stale-signature');
  expect(early({ signingTokens }, { ...SIGNED, 'webhook-signature': 'v1,short' })).toBe('wrong-signature');
  expect(early({ signingTokens }, SIGNED)).toHaveProperty('verdict');
});

describe('secrets that cannot be used', () => {
  it.each([
    { name: 'none at all', secrets: {} },
    { name: 'an empty token', secrets: { tokens: ['good', ''] } },
    { name: 'a signing token without its prefix', secrets: { signingTokens: [KEY.toString('base64')] } },
    { name: 'a signing token of too few bytes', secrets: { signingTokens: [whsec(Buffer.alloc(16, 1))] } },
    { name: 'a signing token that is no base64', secrets: { signingTokens: [`whsec_${'ä'.repeat(43)}=`] } },
  ])('$name: a ConfigError that does not show them', ({ secrets }) => {
    const build = () => hookVerifier({ tokens: [], signingTokens: [], ...secrets });
    expect(build).toThrow(ConfigError);
    expect(build).not.toThrow(/whsec_[A-Za-z0-9]{4}/);
  });
});
