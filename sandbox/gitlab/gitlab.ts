import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { SandboxContext } from '../context.ts';
import { faultLayer, type Refusal, type SandboxEnv } from '../http.ts';
import { graphqlRoute } from './graphql/route.ts';
import type { GitLabOptions } from './options.ts';
import { Refused } from './rest/access.ts';
import { hookRoutes } from './rest/hooks.ts';
import { jobRoutes } from './rest/jobs.ts';
import { peopleRoutes } from './rest/people.ts';
import { runnerApi } from './rest/runner-api.ts';
import { runnerRoutes } from './rest/runners.ts';
import { GitLabState } from './state.ts';

export interface GitLab {
  readonly app: Hono<SandboxEnv>;
  readonly state: GitLabState;
}

/** A stand-in for GitLab: its REST, GraphQL and runner APIs over one state, and hooks that it sends by itself. */
export function createGitLab(ctx: SandboxContext, options: GitLabOptions = {}): GitLab {
  const state = new GitLabState(ctx, options);
  const app = new Hono<SandboxEnv>();
  app.onError((error) => {
    if (error instanceof Refused) return Response.json(error.body, { status: error.status, headers: error.headers });
    throw error;
  });
  app.notFound((c) => c.json({ error: '404 Not Found' }, 404));
  const part = { app, gitlab: state, fault: faultLayer(ctx, refuse(ctx)), now: () => ctx.clock.now() };
  runnerApi(part);
  runnerRoutes(part);
  jobRoutes(part);
  peopleRoutes(part);
  hookRoutes(part);
  graphqlRoute(part);
  return { app, state };
}

/**
 * The words of refusals on request. 429 comes in two kinds: the request limiter's plain text with its headers, and with the code
 * `application` the JSON of an endpoint's own limit, which may lack `Retry-After` (lib/gitlab/rack_attack.rb, lib/api/helpers/rate_limiter.rb).
 */
function refuse(ctx: SandboxContext): Refusal {
  return (c, status = 500, code = undefined) => {
    const kind = status as ContentfulStatusCode;
    if (status === 429 && code === 'application') {
      return c.json({ message: { error: 'This endpoint has been requested too many times. Try again later.' } }, kind);
    }
    if (status === 429) return retryLater(ctx.clock.now());
    if (code === 'complexity') return c.json({ errors: [{ message: 'Query has complexity of 320, which exceeds max complexity of 250' }] });
    return c.json({ message: `${status} ${code ?? WORDS[status] ?? 'Internal Server Error'}` }, kind);
  };
}

const WORDS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

function retryLater(now: number): Response {
  const reset = now + 60_000;
  return new Response('Retry later\n', {
    status: 429,
    headers: {
      'Content-Type': 'text/plain',
      'Retry-After': '60',
      'RateLimit-Limit': '2000',
      'RateLimit-Name': 'throttle_authenticated_api',
      'RateLimit-Observed': '2001',
      'RateLimit-Remaining': '0',
      'RateLimit-Reset': String(Math.floor(reset / 1000)),
      'RateLimit-ResetTime': new Date(reset).toUTCString(),
    },
  });
}
