import * as z from 'zod';
import { counted } from '../../core/plural.ts';

const UNDER_MACHINE = 'belongs under "machine"';
const UNDER_RUNNER = 'belongs under "runner"';
const MIRRORS = 'belongs under "runner" as "registry_mirrors", a list of URLs';
const MERGE_KEY = 'is a merge key, which is not supported: put shared values under the top-level "machine" and "runner"';

/** Keys that people bring along or look for here, and what to do instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  concurrent: 'does not exist here: each pool has its own "limit"',
  token: secret('GITLAB_TOKEN'),
  privatetoken: secret('GITLAB_TOKEN'),
  hooktoken: secret('HOOK_TOKENS'),
  hooktokens: secret('HOOK_TOKENS'),
  hooksigningtokens: secret('HOOK_SIGNING_TOKENS'),
  accesskey: secret('OTC_ACCESS_KEY'),
  accesskeyid: secret('OTC_ACCESS_KEY'),
  secretkey: secret('OTC_SECRET_KEY'),
  accesskeysecret: secret('OTC_SECRET_KEY'),
  tenantid: 'is docker-machine\'s word: write "project_id" under "otc"',
  machinedriver: 'is not needed: every worker is an OTC server',
  machinename: 'is not needed: a worker is called <pool>-<ulid>',
  machineoptions: 'is docker+machine\'s: write the options under "machine", see docs/configuration.md',
  offpeakperiods: 'is an old docker+machine setting: write "periods"',
  autoscaling: 'is docker+machine\'s: write "periods"',
  sessiontimeout: UNDER_RUNNER,
  availabilityzone: 'takes several here: write "zones", a list',
  flavor: 'takes several here: write "flavors", a list in order of preference',
  securitygroup: 'takes several here: write "security_groups", a list',
  image: UNDER_MACHINE,
  flavors: UNDER_MACHINE,
  zones: UNDER_MACHINE,
  vpcid: UNDER_MACHINE,
  subnetid: UNDER_MACHINE,
  securitygroups: UNDER_MACHINE,
  rootvolume: UNDER_MACHINE,
  publicip: UNDER_MACHINE,
  keyname: UNDER_MACHINE,
  engineregistrymirror: MIRRORS,
  engineregistrymirrors: MIRRORS,
  registrymirror: MIRRORS,
  registrymirrors: MIRRORS,
  executor: UNDER_RUNNER,
  docker: UNDER_RUNNER,
  environment: UNDER_RUNNER,
};

function secret(key: string): string {
  return `does not belong in this file, because it is a secret: set ${key} in the function's encrypted user data or in the environment`;
}

/** What to say about a key that is not known in this place. */
function unknownKey(key: string, known: readonly string[]): string {
  const plain = simplify(key);
  const same = known.find((word) => simplify(word) === plain);
  const hint = key === '<<' ? MERGE_KEY : ELSEWHERE[plain];
  if (hint && !same) return hint;
  const near = same ?? nearest(key, known);
  return near === undefined ? `is not a key here; known are ${[...known].sort().join(', ')}` : `is not a key here; did you mean "${near}"?`;
}

/** The known word closest to what was written, if any is close enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = simplify(word);
  let best: { word: string; steps: number } | undefined;
  for (const candidate of known) {
    const steps = distance(plain, simplify(candidate));
    if (steps <= Math.max(1, Math.floor(candidate.length / 4)) && (best === undefined || steps < best.steps))
      best = { word: candidate, steps };
  }
  return best?.word;
}

/** `IdleCount`, `idle-count` and `idle_count` are the same word. */
function simplify(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance in which two swapped neighbours are one step as well (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? (before[j - 2] ?? Number.POSITIVE_INFINITY) + 1 : Number.POSITIVE_INFINITY;
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swapped, replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? a.length;
}

/** A strict object whose complaint about unknown keys is one line per key, with a suggestion. */
export function section<S extends z.core.$ZodLooseShape>(shape: S) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey(key, known)).join('\n') : undefined),
  });
}

/** Zod's own complaints in the words of this file. */
export const plainMessage: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(String(issue.expected), issue.input);
    case 'too_small':
      return issue.origin === 'number' ? `must be at least ${issue.minimum}` : shortOf(issue.origin, Number(issue.minimum));
    case 'too_big':
      return issue.origin === 'number'
        ? `must be at most ${issue.maximum}`
        : `must have at most ${unitsOf(issue.origin, Number(issue.maximum))}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    default:
      return undefined;
  }
};

function wrongType(expected: string, input: unknown): string {
  if (input === undefined) return 'is missing';
  if (expected === 'string' && typeof input === 'number') return 'must be text: put the value in quotes';
  return `must be ${TYPES[expected] ?? expected}, not ${kindOf(input)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section of keys and values',
  record: 'a section of keys and values',
};

function kindOf(input: unknown): string {
  if (input === null) return 'empty';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a section';
  if (typeof input === 'string') return 'text';
  if (typeof input === 'number') return Number.isInteger(input) ? 'a number' : 'a fraction';
  return typeof input === 'boolean' ? String(input) : typeof input;
}

function shortOf(origin: string, least: number): string {
  if (least === 1) return origin === 'string' ? 'must not be empty' : 'needs at least one entry';
  return `must have at least ${unitsOf(origin, least)}`;
}

function unitsOf(origin: string, n: number): string {
  return origin === 'string' ? counted(n, 'character') : counted(n, 'entry', 'entries');
}
