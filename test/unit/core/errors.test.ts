import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { AccessError, ConflictError, describeError, NotFoundError, ScalerError, ThrottledError } from '../../../lib/core/errors.ts';
import { bundle } from '../../../scripts/bundle.ts';

type Load = (module: { exports: object }) => unknown;
type Made = new (code: string, message: string) => Error;
const Load = z.custom<Load>((value) => typeof value === 'function');
const Classes = z
  .looseObject({})
  .transform((all) => Object.fromEntries(Object.entries(all).filter(([name]) => /^[A-Z].*Error$/.test(name))))
  .pipe(
    z.record(
      z.string(),
      z.custom<Made>((value) => typeof value === 'function'),
    ),
  );

describe('errors', () => {
  it('carry class, code, message and cause', () => {
    const cause = new Error('below');
    const error = new AccessError('401', 'the token is not accepted', { cause });
    expect(error).toBeInstanceOf(ScalerError);
    expect([error.name, error.code, error.message, error.cause]).toStrictEqual(['AccessError', '401', 'the token is not accepted', cause]);
  });

  it('say how long to wait', () => {
    const cause = new Error('below');
    const error = new ThrottledError('429', 'too many calls', 30_000, { cause });
    expect([error.name, error.retryAfterMs, error.code, error.message, error.cause]).toStrictEqual([
      'ThrottledError',
      30_000,
      '429',
      'too many calls',
      cause,
    ]);
  });

  it('keep their names in the bundles of the functions, where the classes have others', async () => {
    const { code } = await bundle('lib/core/errors.ts');
    const load = Load.parse(runInThisContext(`(module) => { ${new TextDecoder().decode(code)}; return module.exports; }`));
    const { ScalerError: _, ...classes } = Classes.parse(load({ exports: {} }));
    const made = Object.entries(classes).map(([name, Made]) => [name, new Made('code', 'text').name]);
    expect(made.length).toBeGreaterThan(7);
    for (const [exported, name] of made) expect(name).toBe(exported);
  });

  it('of different reactions are different classes', () => {
    expect(new NotFoundError('404', 'gone')).not.toBeInstanceOf(ConflictError);
  });
});

describe('describeError', () => {
  it('keeps what is ours', () => {
    expect(describeError(new ConflictError('409', 'it changed'))).toStrictEqual({
      error: 'ConflictError',
      code: '409',
      message: 'it changed',
    });
  });

  const foreign = [
    { name: 'a URL', error: new TypeError('fetch of https://obs.example/key?Signature=s3cret failed') },
    { name: 'lines', error: new TypeError('body:\n    at s3cret (place)\n{"token":"s3cret"}\n at s3cret') },
  ];
  it.each(foreign)("reduces a stranger's message with $name to its name and place", ({ error }) => {
    const described = describeError(error);
    expect(described).toMatchObject({ error: 'TypeError', code: 'bug' });
    expect(described.message).toMatch(/^TypeError at .*errors\.test\.ts/);
    expect(JSON.stringify(described)).not.toContain('s3cret');
  });

  it('finds the place without a message', () => {
    expect(describeError(new RangeError()).message).toMatch(/^RangeError at .*errors\.test\.ts/);
  });

  const odd = [
    { name: 'no stack', stack: undefined, message: 'm s3cret' },
    { name: 'a stack of another message', stack: 'Error: x\n    at there', message: 'longer than the stack s3cret' },
    { name: 'a stack without places', stack: 'Error: m s3cret', message: 'm s3cret' },
  ];
  it.each(odd)('$name: the name alone', ({ stack, message }) => {
    const error = new Error(message);
    if (stack === undefined) delete error.stack;
    else error.stack = stack;
    expect(describeError(error)).toStrictEqual({ error: 'Error', code: 'bug', message: 'Error' });
  });

  it.each(['s3cret', undefined, null, { message: 's3cret' }])('says that no error was thrown, and not what: %s', (thrown) => {
    expect(describeError(thrown)).toStrictEqual({ error: 'Error', code: 'bug', message: 'something that is no Error was thrown' });
  });
});
