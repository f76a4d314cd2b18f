import type { Quota } from '../../ports/index.ts';
import type { PoolSettings } from '../../settings.ts';
import { cloudOf, type DoctorContext } from '../context.ts';
import { error, ok, orOk, type ProblemCode, type Result, unknown, warning } from '../findings.ts';
import type { FlavorView, Usage } from '../types.ts';

/** What the machines need: one of the smallest, and all of them as the largest flavors that a pool may take. */
export interface Need {
  readonly least: number;
  readonly most: number;
  /** What our machines use already: it is part of what the quota counts as used. */
  readonly ours: number;
}

const WORDS: Readonly<Record<Quota['name'], string>> = { servers: 'servers', cores: 'vCPUs', 'ram-mib': 'MiB of memory' };

export async function checkQuotas({ subject, services, options, reads }: DoctorContext): Promise<readonly Result[]> {
  const cloud = cloudOf(services);
  const { pools } = subject.settings;
  const flavors = await reads.flavors().catch(() => undefined);
  // Why they could not be read is told by the check of the flavors.
  if (!flavors) return [unknown('quotas', 'not looked at: the sizes of the flavors could not be read.', 'see flavors.')];
  const [quotas, ...servers] = await Promise.all([
    cloud.quotas(options),
    ...pools.map(({ pool }) => cloud.servers(`${pool.name}-`, options)),
  ]);
  const ours = servers.flat().map(({ flavor }) => flavor);
  const problems = quotas.flatMap((quota) => judgeQuota(quota, needOf(quota.name, pools, flavors, ours)));
  return orOk(problems, 'quotas', 'Servers, vCPUs and memory are enough for the limits of all pools.');
}

/** A flavor that is not known counts as nothing: another check says so. */
function needOf(name: Quota['name'], pools: readonly PoolSettings[], flavors: readonly FlavorView[], ours: readonly string[]): Need {
  const size = (id: string): number => {
    const flavor = flavors.find((f) => f.id === id);
    if (name === 'servers') return 1;
    return (name === 'cores' ? flavor?.cores : flavor?.ramMib) ?? 0;
  };
  const sizes = pools.map(({ machine }) => machine.flavors.map(size));
  return {
    least: Math.min(...sizes.flat()),
    most: pools.reduce((sum, { pool }, i) => sum + pool.limit * Math.max(0, ...(sizes[i] ?? [])), 0),
    ours: ours.reduce((sum, id) => sum + size(id), 0),
  };
}

function judgeQuota(quota: Quota, need: Need): readonly Result[] {
  const word = WORDS[quota.name];
  const codes = { small: 'quota-small', taken: 'quota-taken', none: 'quota-exhausted' } as const;
  return judge(quota, need, word, codes, 'console: My Quotas, Increase Quota');
}

function judge(
  { used, max }: Usage,
  need: Need,
  word: string,
  codes: Readonly<Record<'small' | 'taken' | 'none', ProblemCode>>,
  where: string,
): readonly Result[] {
  if (max === undefined) return [];
  const others = Math.max(0, used - need.ours);
  const raise = `raise the quota (${where}), or lower the limits of the pools.`;
  if (max - others < need.least) {
    return [error(codes.none, `${others} of ${max} ${word} are used by others: there is no room for a single machine.`, raise)];
  }
  if (max < need.most)
    return [warning(codes.small, `All pools at their limits may need ${need.most} ${word}; the quota is ${max}.`, raise)];
  if (max - others < need.most) {
    const found = `All pools at their limits may need ${need.most} ${word}; others use ${others} of ${max}.`;
    return [warning(codes.taken, found, raise)];
  }
  return [];
}

export async function checkPublicAddresses({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  const pools = subject.settings.pools.filter(({ machine }) => machine.publicIp);
  if (pools.length === 0) return [ok('public-addresses', 'No pool has machines with public addresses.')];
  const cloud = cloudOf(services);
  const [usage, ...servers] = await Promise.all([
    cloud.publicAddresses(options),
    ...pools.map(({ pool }) => cloud.servers(`${pool.name}-`, options)),
  ]);
  const most = pools.reduce((sum, { pool }) => sum + pool.limit, 0);
  return judgePublicAddresses(usage, { least: 1, most, ours: servers.flat().length });
}

function judgePublicAddresses(usage: Usage, need: Need): readonly Result[] {
  const codes = { small: 'public-addresses-few', taken: 'public-addresses-few', none: 'public-addresses-none' } as const;
  return orOk(
    judge(usage, need, 'public addresses', codes, 'console: My Quotas, EIP'),
    'public-addresses',
    'Public addresses are enough for the limits of the pools that use them.',
  );
}
