import * as z from 'zod';
import { findToken, Refused } from '../rest/access.ts';
import type { Part } from '../rest/jobs.ts';
import { type Result, runQuery } from './execute.ts';
import type { Viewer } from './find.ts';

const Body = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).nullish() });

/** `POST /api/graphql`. Mistakes in a query are answered with status 200 and `errors`. */
export function graphqlRoute({ app, gitlab, fault, now }: Part): void {
  app.post('/api/graphql', fault('gitlab.graphql'), async (c) => {
    let viewer: Omit<Viewer, 'asked'>;
    try {
      const token = findToken(c, gitlab);
      if (token && !token.scopes.some((scope) => scope === 'api' || scope === 'read_api')) throw new Refused(403, {});
      viewer = { gitlab, token, now: now() };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const text = error.status === 401 ? 'Invalid token' : 'Forbidden';
      return Response.json({ errors: [{ message: text }] }, { status: error.status });
    }
    const body: unknown = await c.req.json().catch(() => undefined);
    return c.json(Array.isArray(body) ? body.map((one) => answer(one, viewer)) : answer(body, viewer));
  });
}

function answer(body: unknown, viewer: Omit<Viewer, 'asked'>): Result {
  const request = Body.safeParse(body);
  if (!request.success) return { errors: [{ message: 'Unexpected end of document' }] };
  return runQuery(request.data.query, request.data.variables ?? {}, { ...viewer, asked: new Set() });
}
