import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { duration } from '../../../lib/config/durations.ts';
import { parseConfig } from '../../../lib/config/load/parse.ts';
import { loadConfigYaml } from '../../../lib/config/load/yaml.ts';
import { editorSchema } from '../../../scripts/reference/editor-schema.ts';
import { filePage, sectionsOf } from '../../../scripts/reference/file-page.ts';
import { SCALER_YML, SERVERLESS_YML } from '../../../scripts/reference/files.ts';
import { jsonSchemaOf } from '../../../scripts/reference/json-schema.ts';
import { referencePages } from '../../../scripts/reference/pages.ts';
import { wordsOf } from '../../../scripts/reference/words.ts';
import { withValue } from '../config/base.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const keysOf = (reference: typeof SCALER_YML) => sectionsOf(reference.schema).flatMap((section) => section.keys);

describe('docs/reference', () => {
  it.each(referencePages())('$path is what the code says; if not: npm run docs', ({ path, text }) => {
    expect(read(path)).toBe(text);
  });

  it.each([
    ['scaler.yml', SCALER_YML, 100],
    ['serverless.yml', SERVERLESS_YML, 50],
  ])('describes every key of %s', (_name, reference, least) => {
    const keys = keysOf(reference);
    expect(keys.filter(({ schema }) => !schema.description)).toEqual([]);
    expect(keys.length).toBeGreaterThan(least);
  });

  it('is not written while a key has no description', () => {
    const schema = jsonSchemaOf(z.strictObject({ otc: z.strictObject({ region: z.string() }).meta({ description: 'the cloud' }) }));
    expect(() => filePage({ ...SCALER_YML, schema })).toThrow('otc.region has no description');
  });

  it('has one table for sections with the same keys, and one row for a key that several forms share', () => {
    const page = filePage(SERVERLESS_YML);
    expect(page).not.toContain('## `functions.scaler`');
    expect(page.match(/^\| `certificate` /gm)).toHaveLength(1);
  });
});

describe('what a key may hold', () => {
  const Form = z.strictObject({ id: z.int() });
  it.each([
    ['a number', z.int().min(1).max(9), 'whole number, 1 to 9'],
    ['a number without an end', z.number().min(0), 'number, at least 0'],
    ['any number', z.number(), 'number'],
    ['text with a form', z.string().regex(/^x$/, 'must be an x').max(3), 'x, at most 3 characters'],
    ['a choice', z.enum(['a', 'b', 'c']).default('a'), '`a`, `b` or `c`'],
    ['a time', duration({ min: 60_000, max: 3_600_000 }).optional(), 'time, 1m to 1h'],
    ['a list', z.array(z.boolean()).min(1), 'list (at least 1): `true` or `false`'],
    ['nothing or a section', z.union([z.literal(false), Form]), '`false` or section'],
    ['a table', z.record(z.string(), z.number()), 'section: text → number'],
  ])('%s', (_name, type, words) => {
    expect(wordsOf(jsonSchemaOf(type), 'here')).toBe(words);
  });

  it('must be described if code checks it', () => {
    const Checked = z.string().superRefine(() => undefined);
    expect(() => wordsOf(jsonSchemaOf(Checked), 'here')).toThrow('here: nothing describes what it may hold');
    expect(wordsOf(jsonSchemaOf(Checked.meta({ holds: 'a word' }).optional()), 'here')).toBe('a word');
    expect(() => wordsOf(jsonSchemaOf(z.unknown()), 'here')).toThrow('here: nothing describes what it may hold');
  });
});

/** Keys of the top-level settings; keys of lists have no place in a document. */
const described = keysOf(SCALER_YML).flatMap(({ path, schema: { filledIn } }) =>
  filledIn === undefined || path.includes('[]') ? [] : [{ path, value: filledIn }],
);

describe('a default that the code fills in', () => {
  it('is described for some keys', () => {
    expect(described.map(({ path }) => path)).toContain('runner.session_timeout');
  });

  it.each(described)('$path: absent is the same as $value', ({ path, value }) => {
    const { settings: absent } = parseConfig(withValue(path, undefined));
    expect(parseConfig(withValue(path, value)).settings).toEqual(absent);
  });
});

describe('scaler.schema.json', () => {
  const schema = z.fromJSONSchema(JSON.parse(editorSchema(SCALER_YML)));
  const example: unknown = parse(read('examples/scaler.yml'));

  it('takes the example', () => {
    expect(schema.safeParse(example).error).toBeUndefined();
  });

  it.each([
    ['an unknown key', 'otc.regoin', 'eu-de'],
    ['a number beyond its bounds', 'otc.launch_concurrency', 1000],
    ['another word than the ones there are', 'bucket.dialect', 's3'],
    ['a time that is none', 'runner.maximum_timeout', 'soon'],
  ])('refuses %s', (_name, path, value) => {
    expect(schema.safeParse(withValue(path, value)).success).toBe(false);
  });

  it.each([['12h'], [7200], ['1h30m'], ['7200']])('takes the time %s', (value) => {
    expect(schema.safeParse(withValue('runner.maximum_timeout', value)).success).toBe(true);
  });

  it.each(['examples/scaler.yml', 'examples/small/scaler.yml', 'examples/two-pools/scaler.yml'])(
    'is named in the first line of %s, as seen from its own folder and from where its copy lies',
    (file) => {
      const path = /^# yaml-language-server: \$schema=(\S+)/.exec(read(file))?.[1];
      expect(path).toBe('docs/reference/scaler.schema.json');
      expect(read(join(dirname(file), path ?? ''))).toBe(read(path ?? ''));
    },
  );

  it('shows times as they are written, not in milliseconds', () => {
    expect(JSON.parse(editorSchema(SCALER_YML))).toMatchObject({
      properties: {
        pools: {
          items: {
            properties: {
              max_age: { default: '1d', description: expect.stringContaining('Measured from boot.') },
              machine: { properties: { zones: { description: expect.stringContaining('In order of preference') } } },
              cache: { anyOf: [{}, { properties: { server: { description: expect.any(String) } } }] },
            },
          },
        },
      },
    });
  });
});

describe('docs/configuration.md', () => {
  const page = read('docs/configuration.md');
  const small = /## A small file\n+```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const manager = /## `manager`[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

  it('begins with a file that is accepted', () => {
    expect(loadConfigYaml(small).warnings).toEqual([]);
  });

  it('shows a manager that is accepted', () => {
    expect(loadConfigYaml(small + manager)).toMatchObject({ warnings: [], manager: { mirrors: [{}, {}, { name: 'bsp/kernel.git' }] } });
  });
});
