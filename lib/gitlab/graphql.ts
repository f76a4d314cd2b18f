import * as z from 'zod';
import { AccessError, ConfigError, type ScalerError, UnclearError } from '../core/errors.ts';
import { pageInfo, readAnswer } from './answers.ts';
import { shorten } from './refusal.ts';
import type { Session } from './requester.ts';

const CALL = 'POST /api/graphql';
const envelope = z.object({ data: z.unknown().optional(), errors: z.array(z.object({ message: z.string().catch('') })).nullish() });

/**
 * Sends a query, never a mutation: as a read it may be repeated. GitLab answers 200 to what it refuses, with `errors`:
 * `ConfigError` when the query as such is too much or unknown to this version, `AccessError` when the token may not, else `UnclearError`.
 */
export async function queryGraphql<T>(
  session: Session,
  query: string,
  variables: Readonly<Record<string, string | null>>,
  data: z.ZodType<T>,
): Promise<T> {
  const { body } = await session.send({
    name: 'gitlab.graphql',
    method: 'POST',
    path: 'api/graphql',
    json: { query, variables },
    readOnly: true,
    signal: session.signal,
  });
  const answer = readAnswer(envelope, body, CALL);
  if (answer.errors?.length) throw graphqlError(answer.errors.map((error) => error.message).join('; '));
  return readAnswer(data, answer.data, CALL);
}

function graphqlError(words: string): ScalerError {
  const message = `${CALL}: ${shorten(words)}`;
  if (/exceeds max (complexity|depth)/i.test(words)) return new ConfigError('graphql-too-complex', message);
  if (/doesn't (exist|accept argument)/i.test(words)) return new ConfigError('graphql-unsupported', `${message} (this GitLab is too old)`);
  if (/don't have permission/i.test(words)) return new AccessError('graphql-forbidden', message);
  return new UnclearError('graphql-error', message);
}

/** A connection whose nodes may be hidden one by one. */
export function connection<T extends z.ZodType>(node: T) {
  return z.object({ pageInfo, nodes: z.array(node.nullable()) });
}

interface Page<T> {
  readonly pageInfo: z.infer<typeof pageInfo>;
  readonly nodes: readonly T[];
}

/** Reads page after page. `complete` is false when `maxPages` were not enough. Throws `UnclearError` when the cursor does not move. */
export async function readPages<T>(
  read: (after: string | null) => Promise<Page<T>>,
  maxPages: number,
): Promise<{ readonly nodes: readonly T[]; readonly complete: boolean }> {
  const nodes: T[] = [];
  let after: string | null = null;
  for (let page = 0; page < maxPages; page += 1) {
    const found: Page<T> = await read(after);
    nodes.push(...found.nodes);
    if (!found.pageInfo.hasNextPage) return { nodes, complete: true };
    const next = found.pageInfo.endCursor;
    if (!next || next === after) throw new UnclearError('stuck-cursor', `${CALL}: a next page without a new cursor`);
    after = next;
  }
  return { nodes, complete: false };
}
