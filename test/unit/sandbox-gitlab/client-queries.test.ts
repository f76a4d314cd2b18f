import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Scope } from '../../../lib/app/ports/index.ts';
import { GitLab } from '../../../lib/gitlab/client.ts';
import { SCHEMA } from '../../../sandbox/gitlab/graphql/schema.ts';
import { fakeGitLab } from '../gitlab/fake-gitlab.ts';

const CLIENT = fileURLToPath(new URL('../../../lib/gitlab/', import.meta.url));
const SCOPES: readonly Scope[] = [{ kind: 'group', path: 'acme' }, { kind: 'project', path: 'acme/app' }, { kind: 'instance' }];
const Request = z.object({ query: z.string() });

/** Each text that the client sends for any scope, once. */
async function sent(): Promise<readonly string[]> {
  // A project with more than the first query shows, so that the second one is sent, too.
  const large = { id: 'gid://gitlab/Project/1', running: { pageInfo: { hasNextPage: true }, nodes: [] } };
  const json = { data: { group: { projects: { pageInfo: { hasNextPage: false }, nodes: [large] } } } };
  const server = await fakeGitLab(() => ({ json }));
  const gitlab = new GitLab({ url: server.url, token: 'glpat-x', clock: { now: Date.now, sleep: async () => undefined } });
  await Promise.allSettled(
    SCOPES.flatMap((scope) => [gitlab.runners(scope), gitlab.findRunners(scope, 'pool-a-1'), gitlab.pendingJobs(scope)]),
  );
  const queries = server.seen.filter(({ path }) => path === '/api/graphql').map(({ body }) => Request.parse(body).query);
  return [...new Set(queries)];
}

/** How many query texts stand in the client's sources. */
function written(): number {
  const files = readdirSync(CLIENT, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.flatMap((name) => readFileSync(join(CLIENT, name), 'utf8').match(/`query\b/g) ?? []).length;
}

const mistakes = (query: string) => validate(SCHEMA, parse(query)).map(({ message }) => message);

describe('the queries of our client', () => {
  it('are valid by GitLab’s schema, every one of them', async () => {
    const queries = await sent();
    expect(queries).toHaveLength(written());
    for (const query of queries) expect(mistakes(query)).toEqual([]);
  });

  it.each([
    { name: 'a field', change: (q: string) => q.replace(/nodes \{\s+id\b/, 'nodes { uid') },
    { name: 'an argument', change: (q: string) => q.replace('first:', 'limit:') },
    { name: 'the type of a variable', change: (q: string) => q.replace(/\$(after|ids): [^,)]+/, '$$$1: Int') },
    { name: 'a status', change: (q: string) => q.replace('[PENDING', '[WAITING') },
  ])('would not be with $name wrong', async ({ change }) => {
    for (const query of await sent()) {
      expect(change(query)).not.toBe(query);
      expect(mistakes(change(query))).not.toEqual([]);
    }
  });
});
