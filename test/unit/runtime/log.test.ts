import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/config/secrets.ts';
import { UnclearError } from '../../../lib/core/errors.ts';
import { createLog, withFields } from '../../../lib/runtime/log.ts';
import { NOW } from './parts.ts';

function logOf(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const lines: string[] = [];
  createLog({ clock: { now: () => NOW }, write: (line) => lines.push(line) }).info('said', fields);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '');
}

it('writes one JSON object per line, with fields of a record beside its own', () => {
  const lines: string[] = [];
  const log = createLog({ clock: { now: () => NOW }, fields: { function: 'reaper' }, write: (line) => lines.push(line) });
  withFields(log, { request: 'r-1' }).warn('action', { time: '2026-11-23T16:04:00Z', message: 'no answer', why: 'first\nsecond' });
  log.error('gone');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      level: 'warn',
      ts: '2026-11-23T16:05:00.000Z',
      function: 'reaper',
      request: 'r-1',
      time: '2026-11-23T16:04:00Z',
      message: 'no answer',
      why: 'first\nsecond',
      msg: 'action',
    },
    { level: 'error', ts: '2026-11-23T16:05:00.000Z', function: 'reaper', msg: 'gone' },
  ]);
  expect(lines.some((line) => line.includes('\n'))).toBe(false);
});

it('writes the fields between its own, in this order, to the letter', () => {
  const lines: string[] = [];
  const log = createLog({ clock: { now: () => NOW }, fields: { function: 'reaper' }, write: (line) => lines.push(line) });
  log.info('said "so"', {
    request: 'r-1',
    at: new Date(NOW),
    none: undefined,
    no: Number.NaN,
    list: [undefined],
    why: 'a\tb',
    msg: 'not this',
  });
  expect(lines).toEqual([
    '{"level":"info","ts":"2026-11-23T16:05:00.000Z","function":"reaper","request":"r-1","at":"2026-11-23T16:05:00.000Z","no":null,"list":[null],' +
      '"why":"a\\tb","msg":"said \\"so\\""}',
  ]);
});

describe('keeps secrets out, at any depth', () => {
  it.each([
    'token',
    'secret',
    'authorization',
    'Authorization',
    'password',
    'private-token',
    'x-security-token',
    'X-Gitlab-Token',
    'userData',
    'user_data',
    'runnerToken',
    'set-cookie',
  ])('%s', (key) => {
    const value = 'do-not-show';
    const line = logOf({ [key]: value, nested: { deeper: [{ [key]: value, again: { [key]: { inside: value } } }] } });
    expect(JSON.stringify(line)).not.toContain(value);
    expect(line[key]).toBe('[secret]');
  });

  it('counts and flags under such names say nothing', () => {
    expect(logOf({ tokens: 2, tokenPresent: true, secret: undefined, password: null })).toMatchObject({
      tokens: 2,
      tokenPresent: true,
      password: null,
    });
  });

  it.each([
    {
      name: 'a presigned URL',
      text: 'GET https://b.obs.example.com/handoff/v1/w.toml?AccessKeyId=A&Signature=s3cr3t failed',
      shown: 'GET https://b.obs.example.com/handoff/v1/w.toml?… failed',
    },
    { name: 'two of them', text: 'http://a/x?s3cr3t http://b/y#s3cr3t', shown: 'http://a/x?… http://b/y?…' },
    { name: 'credentials in a URL', text: 'https://user:s3cr3t@gitlab.example.com/a', shown: 'https://gitlab.example.com/a' },
    { name: 'an ordinary question', text: 'why? because', shown: 'why? because' },
  ])('URLs: $name', ({ text, shown }) => {
    expect(logOf({ text, list: [text] })).toMatchObject({ text: shown, list: [shown] });
  });

  it('values that hide themselves, and raw bytes', () => {
    const line = logOf({ held: new Secret('do-not-show'), bytes: Buffer.from('do-not-show') });
    expect(line).toMatchObject({ held: '[secret]', bytes: '11 bytes' });
  });

  it('errors show their class, code and message, and no stack', () => {
    const line = logOf({ cause: new UnclearError('timeout', 'ecs.create: no answer', { cause: new Error('do-not-show') }) });
    expect(line.cause).toEqual({ error: 'UnclearError', code: 'timeout', message: 'ecs.create: no answer' });
  });
});

describe('is never endless', () => {
  it('cuts long texts, long lists and what refers to itself', () => {
    const circle: Record<string, unknown> = {};
    circle.again = circle;
    const line = logOf({ text: 'x'.repeat(100_000), list: Array.from({ length: 5_000 }, (_, i) => i), circle, big: 10n });
    expect(JSON.stringify(line).length).toBeLessThan(20_000);
    expect(line.big).toBe('10');
  });
});
