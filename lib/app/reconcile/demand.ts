import * as z from 'zod/mini';
import { defined } from '../../core/defined.ts';
import { describeError } from '../../core/errors.ts';
import { demandKey } from '../../core/keys.ts';
import type { CallOptions, Demand, DemandRest, Scope, Store, UnreadDemand } from '../ports/index.ts';
import type { Services } from '../services.ts';
import { readJson } from '../storage/json.ts';
import type { RestChange, SourceFailure } from './types.ts';

/** The demand of a scope, and what the next reading is to be told, where that is not what this one was told. */
export interface DemandSeen extends Demand {
  readonly change?: RestChange;
}

/** Reads the waiting jobs of a scope, those first that the last reading did not reach. */
export async function readDemand(services: Services, scope: Scope, signal: AbortSignal): Promise<DemandSeen> {
  let told: DemandRest | undefined;
  const resume = async () => {
    told = await readRest(services.store, scope, { signal });
    return told;
  };
  const demand = await services.forge.pendingJobs(scope, { signal, resume });
  const rest = demand.rest && bounded(demand.rest);
  if (JSON.stringify(rest) === JSON.stringify(told)) return demand;
  return { ...demand, change: { scope, ...defined({ rest }) } };
}

/** A scope's name among the others; also the last part of its key in the bucket. */
export function scopeKey(scope: Scope): string {
  return scope.kind === 'instance' ? 'instance' : `${scope.kind}:${scope.path}`;
}

/** 40 kB at most. What is beyond comes in the order of the list. */
const MOST_PROJECTS = 5_000;
const LONGEST_CURSOR = 2_000;
const Rest = z.object({
  after: z.exactOptional(z.string().check(z.maxLength(LONGEST_CURSOR))),
  projects: z.exactOptional(z.array(z.int().check(z.positive())).check(z.maxLength(MOST_PROJECTS))),
});

function bounded({ after, projects }: DemandRest): DemandRest | undefined {
  const rest = {
    ...(after !== undefined && after.length <= LONGEST_CURSOR && { after }),
    ...(projects && { projects: projects.slice(0, MOST_PROJECTS) }),
  };
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/** Only the order of reading follows from it: whatever is wrong with it, it is as if there were none. */
async function readRest(store: Store, scope: Scope, options: CallOptions): Promise<DemandRest | undefined> {
  const { value } = await readJson(store, demandKey(scopeKey(scope)), Rest, options).catch(() => ({ value: undefined }));
  return value && bounded(value);
}

export async function writeRest(store: Store, { scope, rest }: RestChange, options: CallOptions): Promise<void> {
  if (rest) await store.put(demandKey(scopeKey(scope)), JSON.stringify(rest), { ...options, contentType: 'application/json' });
  else await store.delete(demandKey(scopeKey(scope)), options);
}

/** Named in one line; the others are counted. */
const MOST_NAMED = 5;

/** What of the demand could not be read: one entry for each reason, however many projects it is. */
export function unreadParts(unread: readonly UnreadDemand[]): readonly SourceFailure[] {
  const byCode = new Map<string, { readonly described: ReturnType<typeof describeError>; readonly parts: UnreadDemand[] }>();
  for (const part of unread) {
    const described = describeError(part.error);
    const group = byCode.get(described.code) ?? { described, parts: [] };
    group.parts.push(part);
    byCode.set(described.code, group);
  }
  return [...byCode.values()].map(({ described, parts }) => ({ source: 'jobs', part: partText(parts), ...described }));
}

/** `jobs of projects 77, 78 and 12 more`. Numbers, because what is written of it may be public and a project's name is not. */
function partText(parts: readonly UnreadDemand[]): string {
  const projects = parts.flatMap(({ project }) => project ?? []).sort((a, b) => a - b);
  const named = projects.slice(0, MOST_NAMED).join(', ');
  const more = projects.length > MOST_NAMED ? ` and ${projects.length - MOST_NAMED} more` : '';
  return [
    ...(parts.length > projects.length ? ['later pages of the list'] : []),
    ...(projects.length > 0 ? [`jobs of project${projects.length === 1 ? '' : 's'} ${named}${more}`] : []),
  ].join(', ');
}
