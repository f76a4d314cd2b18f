import * as z from 'zod/mini';
import { AccessError, ConfigError, type ScalerError, UnclearError } from '../core/errors.ts';
import { redactLine } from '../http/redact.ts';
import type { Session } from './requester.ts';
import { pageInfo, readAnswer } from './schemas.ts';

const CALL = 'POST /api/graphql';
const envelope = z.object({ data: z.optional(z.unknown()), errors: z.nullish(z.array(z.object({ message: z.catch(z.string(), '') }))) });

/**
 * Sends a query, never a mutation: as a read it may be repeated. GitLab answers 200 to what it refuses, with `errors`:
 * `ConfigError` when the query as such is too much or unknown to this version, `AccessError` when the token may not, else `UnclearError`.
 */
export async function queryGraphql<T>(
  session: Session,
  query: string,
  variables: Readonly<Record<string, string | null | readonly string[]>>,
  data: z.core.$ZodType<T>,
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
  const message = `${CALL}: ${redactLine(words)}`;
  if (/exceeds max (complexity|depth)/i.test(words)) return new ConfigError('graphql-too-complex', message);
  if (/doesn't (exist|accept argument)/i.test(words)) return new ConfigError('graphql-unsupported', `${message} (this GitLab is too old)`);
  if (/don't have permission/i.test(words)) return new AccessError('graphql-forbidden', message);
  return new UnclearError('graphql-error', message);
}

/** A connection whose nodes may be hidden one by one. */
export function connection<T extends z.core.$ZodType>(node: T) {
  return z.object({ pageInfo, nodes: z.array(z.nullable(node)) });
}
