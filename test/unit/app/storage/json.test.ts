import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseJsonLines, readJson } from '../../../../lib/app/storage/json.ts';
import { UnclearError } from '../../../../lib/core/errors.ts';
import { parseJson } from '../../../../lib/core/json.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const Thing = z.object({ n: z.number() });

describe('an object of the bucket', () => {
  it.each([
    ['is read', '{"n":1,"newer":true}', { exists: true, value: { n: 1 } }],
    ['holds something else', '{"n":"1"}', { exists: true }],
    ['is no JSON', '{"n":1', { exists: true }],
    ['is empty', '', { exists: true }],
    ['is not there', undefined, { exists: false }],
  ])('%s', async (_, text, read) => {
    const store = new MemoryStore();
    if (text !== undefined) await store.put('key', text);
    expect(await readJson(store, 'key', Thing)).toStrictEqual(read);
  });

  it('that cannot be read is neither absent nor unfit', async () => {
    const failure = new UnclearError('http-500', 'no answer');
    const store = Object.assign(new MemoryStore(), { get: () => Promise.reject(failure) });
    await expect(readJson(store, 'key', Thing)).rejects.toBe(failure);
  });
});

it('lines that do not fit are left out, the cut first and last ones too', () => {
  expect(parseJsonLines(Thing, '"n":0}\n{"n":1}\nnull\n\n{"n":2}\n{"n"')).toEqual([{ n: 1 }, { n: 2 }]);
});

it('no JSON text says undefined', () => {
  expect([parseJson('null'), parseJson('undefined'), parseJson('')]).toEqual([null, undefined, undefined]);
});
