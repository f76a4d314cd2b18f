import { expect, it } from 'vitest';
import { defined } from '../../../lib/core/defined.ts';

it('leaves out what is undefined, and nothing else', () => {
  const given: { readonly a?: number | undefined; readonly b: null; readonly c: string; readonly d: boolean } = {
    a: undefined,
    b: null,
    c: '',
    d: false,
  };
  expect(defined(given)).toStrictEqual({ b: null, c: '', d: false });
});
