/** `unknown`: could not be looked at; `found` says why. */
export type Level = 'ok' | 'warning' | 'error' | 'unknown';

/** In the order in which they are shown. */
export const AREAS = ['configuration', 'otc', 'machines', 'network', 'bucket', 'gitlab', 'functions', 'caches', 'clocks'] as const;
export type Area = (typeof AREAS)[number];

interface CheckRow {
  readonly area: Area;
  /** Not made where one of these has found an error or could not be made: it would only say the same. */
  readonly after?: readonly string[];
  readonly codes: readonly string[];
}

/**
 * What is looked at, after what, and what can be found: all of a check except its code (run.ts).
 * One that finds nothing wrong, or cannot be made, reports under its own name; so every code is stable and can be looked up (docs/doctor.md).
 */
export const CHECKS = {
  configuration: { area: 'configuration', codes: ['configuration-warning', 'secret-missing'] },
  keys: { area: 'otc', codes: ['keys-refused', 'right-missing', 'ecs-unreachable'] },
  project: { area: 'otc', after: ['keys'], codes: ['project-missing', 'project-disabled', 'project-elsewhere'] },
  zones: { area: 'machines', after: ['keys'], codes: ['zone-missing', 'zone-unavailable'] },
  images: {
    area: 'machines',
    after: ['keys'],
    codes: ['image-missing', 'image-inactive', 'image-too-large', 'image-memory', 'image-without-cloud-init'],
  },
  flavors: { area: 'machines', after: ['keys'], codes: ['flavor-missing', 'flavor-off-sale', 'nothing-to-buy'] },
  'key-pairs': { area: 'machines', after: ['keys'], codes: ['key-pair-missing'] },
  quotas: { area: 'machines', after: ['keys'], codes: ['quota-small', 'quota-taken', 'quota-exhausted'] },
  'public-addresses': { area: 'machines', after: ['keys'], codes: ['public-addresses-few', 'public-addresses-none'] },
  vpc: { area: 'network', after: ['keys'], codes: ['vpc-missing'] },
  subnets: {
    area: 'network',
    after: ['keys'],
    codes: ['subnet-missing', 'subnet-id-of-neutron', 'subnet-elsewhere', 'subnet-inactive', 'subnet-without-dhcp'],
  },
  addresses: { area: 'network', after: ['keys'], codes: ['subnet-small', 'subnet-full'] },
  'security-groups': { area: 'network', after: ['keys'], codes: ['security-group-missing', 'security-group-open', 'security-group-shut'] },
  bucket: { area: 'bucket', after: ['keys'], codes: ['bucket-missing', 'bucket-refused', 'bucket-dialect', 'bucket-unreachable'] },
  'bucket-privacy': { area: 'bucket', after: ['bucket'], codes: ['bucket-public'] },
  'bucket-versions': { area: 'bucket', after: ['bucket'], codes: ['bucket-versioned'] },
  append: { area: 'bucket', after: ['bucket'], codes: ['append-broken', 'append-unused', 'append-dialect', 'probe-left'] },
  gitlab: { area: 'gitlab', codes: ['gitlab-unreachable'] },
  token: { area: 'gitlab', after: ['gitlab'], codes: ['token-refused', 'token-scopes', 'token-expires'] },
  scope: { area: 'gitlab', after: ['token'], codes: ['scope-missing', 'role-low', 'scope-unreadable', 'scope-partly-unreadable'] },
  hook: { area: 'gitlab', after: ['token'], codes: ['hook-missing', 'hook-disabled', 'hook-without-jobs', 'hook-without-secret'] },
  rivals: { area: 'gitlab', after: ['token'], codes: ['runner-rival'] },
  function: { area: 'functions', after: ['keys'], codes: ['function-missing', 'function-without-agency', 'function-timeout'] },
  timer: { area: 'functions', after: ['bucket'], codes: ['timer-late', 'timer-never'] },
  'cache-network': {
    area: 'caches',
    after: ['keys'],
    codes: ['cache-outside', 'cache-machine-missing', 'cache-machine-off', 'cache-blocked', 'cache-not-exported', 'cache-read-only'],
  },
  'cache-health': { area: 'caches', after: ['bucket'], codes: ['cache-silent', 'cache-ill'] },
  clocks: { area: 'clocks', codes: ['clock-here', 'clocks-apart'] },
} as const satisfies Readonly<Record<string, CheckRow>>;

export type CheckName = keyof typeof CHECKS;
export type ProblemCode = (typeof CHECKS)[CheckName]['codes'][number];
export type Code = CheckName | ProblemCode;

export const ALL_CODES: readonly Code[] = (Object.keys(CHECKS) as CheckName[]).flatMap((name) => [name, ...CHECKS[name].codes]);

export interface Finding {
  readonly level: Level;
  readonly code: Code;
  readonly area: Area;
  /** What was found, or why nothing could be. One sentence or so, no secret. */
  readonly found: string;
  /** What to do, concretely. Absent when nothing is to be done. */
  readonly todo?: string;
}

/** What a check gives: its area is known from its name. */
export type Result = Omit<Finding, 'area'>;

export function ok(code: CheckName, found: string): Result {
  return { level: 'ok', code, found };
}

export function unknown(code: CheckName, found: string, todo: string): Result {
  return { level: 'unknown', code, found, todo };
}

export function warning(code: ProblemCode, found: string, todo: string): Result {
  return { level: 'warning', code, found, todo };
}

export function error(code: ProblemCode, found: string, todo: string): Result {
  return { level: 'error', code, found, todo };
}

/** The problems, or else that all is well. */
export function orOk(problems: readonly Result[], code: CheckName, found: string): readonly Result[] {
  return problems.length > 0 ? problems : [ok(code, found)];
}

/** Each once, in their order. */
export function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)];
}
