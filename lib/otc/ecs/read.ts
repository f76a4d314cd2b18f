import type * as z from 'zod/mini';
import type { Operation, Quota } from '../../app/ports/index.ts';
import { defined } from '../../core/defined.ts';
import { UnclearError } from '../../core/errors.ts';
import type { Server } from '../../core/fleet/types.ts';
import { redactLine } from '../../http/redact.ts';
import { canonicalCode } from '../error-codes.ts';
import { type flavorsSchema, identitySchema, type jobSchema, type limitsSchema, serverSchema } from './schema.ts';

/** Metadata keys by which a VM tells whose it is and which runner it was created for. */
export const OWNER_KEY = 'managed-by';
const RUNNER_KEY = 'runner-id';

/**
 * The server if it is ours, by exact prefix and by its own metadata: ECS's name filter is fuzzy. Throws `UnclearError` when one of ours
 * cannot be read, since a list that lacks a VM is worse than none.
 */
export function ownServer(item: unknown, prefix: string, installation: string): Server | undefined {
  const identity = identitySchema.safeParse(item);
  if (!identity.success) throw new UnclearError('unexpected-answer', 'ecs.list: a server without id or name');
  const { name, metadata } = identity.data;
  if (!name.startsWith(prefix) || metadata?.[OWNER_KEY] !== installation) return undefined;
  const parsed = serverSchema.safeParse(item);
  const createdAt = parsed.success ? Date.parse(parsed.data.created) : Number.NaN;
  if (!parsed.success || Number.isNaN(createdAt)) throw new UnclearError('unexpected-answer', `ecs.list: server ${name} cannot be read`);
  const activeAt = utc(parsed.data['OS-SRV-USG:launched_at']);
  const runnerId = positiveInteger(parsed.data.metadata[RUNNER_KEY]);
  const task = parsed.data['OS-EXT-STS:task_state'] ?? '';
  return {
    id: parsed.data.id,
    name,
    status: status(parsed.data.status, task),
    deleting: parsed.data.status === 'DELETED' || task === 'deleting' || task === 'soft-deleting',
    createdAt,
    ...defined({ activeAt, runnerId }),
    flavor: parsed.data.flavor.id,
    zone: parsed.data['OS-EXT-AZ:availability_zone'] ?? '',
  };
}

/** A VM that is off but on its way to something else (`powering-on`) is not certainly off. */
function status(text: string, task: string): Server['status'] {
  switch (text) {
    case 'ACTIVE':
      return 'active';
    case 'BUILD':
      return 'building';
    case 'ERROR':
      return 'error';
    case 'SHUTOFF':
      return task === '' || task === 'powering-off' || task === 'deleting' ? 'off' : 'other';
    default:
      return 'other';
  }
}

/** `launched_at` has microseconds and no zone; it is UTC. */
function utc(text: string | null | undefined): number | undefined {
  if (!text) return undefined;
  const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(at) ? undefined : at;
}

function positiveInteger(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^[1-9]\d*$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

/** The outer code of a failure is a wrapper (`Common.0021`); the sub job of the server knows the reason. */
export function toOperation(job: z.output<typeof jobSchema>): Operation {
  const failed = (job.entities?.sub_jobs ?? []).find((sub) => sub.status === 'FAIL');
  if (job.status !== 'FAIL' && !(job.status === 'SUCCESS' && failed)) return { status: job.status === 'SUCCESS' ? 'success' : 'running' };
  const code = canonicalCode(failed?.error_code) ?? canonicalCode(job.error_code) ?? failed?.error_code ?? job.error_code;
  const reason = failed?.entities?.errorcode_message || failed?.fail_reason || job.entities?.errorcode_message || job.fail_reason;
  return { status: 'failed', ...(code ? { code } : {}), ...(reason ? { reason: redactLine(reason) } : {}) };
}

export function toQuotas({ absolute: a }: z.output<typeof limitsSchema>): readonly Quota[] {
  return [
    quota('servers', a.totalInstancesUsed, a.maxTotalInstances),
    quota('cores', a.totalCoresUsed, a.maxTotalCores),
    quota('ram-mib', a.totalRAMUsed, a.maxTotalRAMSize),
  ];
}

function quota(name: Quota['name'], used: number, max: number): Quota {
  return max < 0 ? { name, used } : { name, used, max };
}

const BUYABLE = new Set(['normal', 'promotion', 'obt']);

/**
 * Flavors on sale in the zone: the zone's own state where one is given, else the region's, else normal.
 * Source: OTC ECS API reference, listing_flavor_details_and_extended_information (`cond:operation:status`, `cond:operation:az`).
 */
export function buyableFlavors({ flavors }: z.output<typeof flavorsSchema>, zone: string): readonly string[] {
  return flavors
    .filter(({ os_extra_specs: specs }) => {
      const inZone = zoneStates(specs?.['cond:operation:az']).get(zone);
      const inRegion = specs?.['cond:operation:status'];
      return BUYABLE.has(inZone ?? (typeof inRegion === 'string' && inRegion !== '' ? inRegion : 'normal'));
    })
    .map(({ id }) => id);
}

/** `az0(normal), az1(sellout)`; empty parentheses say nothing. */
function zoneStates(text: unknown): ReadonlyMap<string, string> {
  const states = new Map<string, string>();
  for (const [, zone, state] of (typeof text === 'string' ? text : '').matchAll(/([^\s,()]+)\s*\(\s*([^\s()]+)\s*\)/g)) {
    if (zone !== undefined && state !== undefined) states.set(zone, state);
  }
  return states;
}
