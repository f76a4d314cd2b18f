/** `unknown`: could not be looked at; `found` says why. */
export type Level = 'ok' | 'warning' | 'error' | 'unknown';

/** In the order in which they are shown. */
export const AREAS = ['configuration', 'otc', 'machines', 'network', 'bucket', 'gitlab', 'functions', 'caches', 'clocks'] as const;
export type Area = (typeof AREAS)[number];

/**
 * What is looked at, and below each what can be found. A check that finds nothing wrong, or cannot be made, reports under its own name; so every
 * code is stable and can be looked up (docs/doctor.md).
 */
export const CHECKS = {
  configuration: { area: 'configuration', codes: ['configuration-warning', 'secret-missing'] },
  keys: { area: 'otc', codes: ['keys-refused', 'right-missing', 'ecs-unreachable'] },
  project: { area: 'otc', codes: ['project-missing', 'project-disabled', 'project-elsewhere'] },
  zones: { area: 'machines', codes: ['zone-missing', 'zone-unavailable'] },
  images: { area: 'machines', codes: ['image-missing', 'image-inactive', 'image-too-large', 'image-memory', 'image-without-cloud-init'] },
  flavors: { area: 'machines', codes: ['flavor-missing', 'flavor-off-sale', 'nothing-to-buy'] },
  'key-pairs': { area: 'machines', codes: ['key-pair-missing'] },
  quotas: { area: 'machines', codes: ['quota-small', 'quota-taken', 'quota-exhausted'] },
  'public-addresses': { area: 'machines', codes: ['public-addresses-few', 'public-addresses-none'] },
  vpc: { area: 'network', codes: ['vpc-missing'] },
  subnets: {
    area: 'network',
    codes: ['subnet-missing', 'subnet-id-of-neutron', 'subnet-elsewhere', 'subnet-inactive', 'subnet-without-dhcp'],
  },
  addresses: { area: 'network', codes: ['subnet-small', 'subnet-full'] },
  'security-groups': { area: 'network', codes: ['security-group-missing', 'security-group-open', 'security-group-shut'] },
  bucket: { area: 'bucket', codes: ['bucket-missing', 'bucket-refused', 'bucket-dialect', 'bucket-unreachable'] },
  'bucket-privacy': { area: 'bucket', codes: ['bucket-public'] },
  'bucket-versions': { area: 'bucket', codes: ['bucket-versioned'] },
  append: { area: 'bucket', codes: ['append-broken', 'append-unused', 'append-dialect', 'probe-left'] },
  gitlab: { area: 'gitlab', codes: ['gitlab-unreachable'] },
  token: { area: 'gitlab', codes: ['token-refused', 'token-scopes', 'token-expires'] },
  scope: { area: 'gitlab', codes: ['scope-missing', 'role-low', 'scope-unreadable', 'scope-partly-unreadable'] },
  hook: { area: 'gitlab', codes: ['hook-missing', 'hook-disabled', 'hook-without-jobs', 'hook-without-secret'] },
  rivals: { area: 'gitlab', codes: ['runner-rival'] },
  function: { area: 'functions', codes: ['function-missing', 'function-without-agency', 'function-timeout'] },
  timer: { area: 'functions', codes: ['timer-late', 'timer-never'] },
  'cache-network': {
    area: 'caches',
    codes: ['cache-outside', 'cache-machine-missing', 'cache-machine-off', 'cache-blocked', 'cache-not-exported', 'cache-read-only'],
  },
  'cache-health': { area: 'caches', codes: ['cache-silent', 'cache-ill'] },
  clocks: { area: 'clocks', codes: ['clock-here', 'clocks-apart'] },
} as const satisfies Readonly<Record<string, { readonly area: Area; readonly codes: readonly string[] }>>;

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
