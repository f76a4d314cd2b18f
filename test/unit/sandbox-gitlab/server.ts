import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { SteppedClock } from '../../../sandbox/clock.ts';
import type { SandboxContext, SandboxEvent } from '../../../sandbox/context.ts';
import { Faults } from '../../../sandbox/faults.ts';
import { createGitLab } from '../../../sandbox/gitlab/gitlab.ts';
import type { Runner, RunnerFields } from '../../../sandbox/gitlab/model.ts';
import type { GitLabOptions } from '../../../sandbox/gitlab/options.ts';
import { seeded } from '../../../sandbox/gitlab/random.ts';
import type { GitLabState } from '../../../sandbox/gitlab/state.ts';
import { listen } from '../../../sandbox/http.ts';

/** Ten minutes past the hour, so that the hourly clean-up is five minutes away. */
export const START = Date.parse('2026-03-02T10:10:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export interface Call {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `undefined` when the answer is no JSON. */
  readonly json: unknown;
}

export interface Bench {
  readonly url: string;
  readonly clock: SteppedClock;
  readonly ctx: SandboxContext;
  readonly gitlab: GitLabState;
  readonly events: SandboxEvent[];
  /** Calls with this token; `admin` when none is given, and with none at all for ''. */
  call(method: string, path: string, options?: { token?: string; body?: unknown; headers?: Record<string, string> }): Promise<Call>;
}

/** GitLab on a free port with a stepped clock and an administrator whose token is `admin`. */
export async function bench(options: GitLabOptions = {}): Promise<Bench> {
  const clock = new SteppedClock(START);
  const events: SandboxEvent[] = [];
  const ctx: SandboxContext = { clock, faults: new Faults(), latencyMs: 0, emit: (event) => events.push(event) };
  const { app, state: gitlab } = createGitLab(ctx, { random: seeded(1), ...options });
  gitlab.createToken({ value: 'admin', scopes: ['api'], admin: true });
  const server = await listen(app);
  onTestFinished(() => server.close());
  return { url: server.url, clock, ctx, gitlab, events, call: (method, path, rest = {}) => call(`${server.url}${path}`, method, rest) };
}

async function call(
  url: string,
  method: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string> },
): Promise<Call> {
  const { token = 'admin', body, headers = {} } = options;
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === '' ? {} : { 'private-token': token }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function addRunner(gitlab: GitLabState, fields: Partial<RunnerFields> = {}): Runner {
  return gitlab.createRunner({
    type: 'instance_type',
    description: 'pool-a-1',
    tags: ['pool-a'],
    runUntagged: false,
    locked: false,
    paused: false,
    protectedOnly: false,
    maximumTimeout: undefined,
    maintenanceNote: undefined,
    ...fields,
  });
}

/** What a runner says of itself. */
export const TWO_PHASE = { features: { two_phase_job_commit: true, cancelable: true } };

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of hooks that remembers what it got and answers as it is told. */
export async function receiver(
  answer: (request: Received) => { status: number; headers?: Record<string, string> } | 'hang' = () => ({ status: 200 }),
) {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      received.push(one);
      const told = answer(one);
      if (told !== 'hang') response.writeHead(told.status, told.headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const statuses = () => received.map(({ body }) => String(JSON.parse(body).build_status));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received, statuses };
}
