import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../lib/app/ports/index.ts';
import { GitLab } from '../../../lib/gitlab/client.ts';

export interface Seen {
  readonly method: string;
  /** With its escapes, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; `undefined` without a body. */
  readonly body: unknown;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string | Buffer;
}

export interface FakeGitLab {
  readonly url: string;
  readonly seen: Seen[];
}

/** A server on a free port that answers by script and remembers what it was asked. A script may use the response itself and give nothing. */
export async function fakeGitLab(script: (seen: Seen, index: number, response: ServerResponse) => Reply | undefined): Promise<FakeGitLab> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [path = '', query = ''] = (request.url ?? '').split('?');
      const text = Buffer.concat(chunks).toString();
      const one: Seen = {
        method: request.method ?? '',
        path,
        query: new URLSearchParams(query),
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
      seen.push(one);
      const reply = script(one, seen.length - 1, response);
      if (reply) send(response, reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function send(response: ServerResponse, { status = 200, headers = {}, json, text }: Reply): void {
  const type = text === undefined ? 'application/json' : 'text/plain';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(text ?? (json === undefined ? '' : JSON.stringify(json)));
}

/** Does not wait: it notes for how long it was asked to, and moves on by that. */
export class NotingClock implements Clock {
  readonly slept: number[] = [];
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.#now += ms;
  }
}

export const NOW = Date.parse('2026-11-23T16:05:00Z');
export const TOKEN = 'glpat-made-up-for-tests';

export function gitLabAt(fake: FakeGitLab, options: { clock?: Clock; deadlineMs?: number; signal?: AbortSignal } = {}): GitLab {
  return new GitLab({ url: fake.url, token: TOKEN, clock: new NotingClock(NOW), ...options });
}

/** The query of a GraphQL request, in one line. */
export function queryOf(seen: Seen | undefined): string {
  return String(Object(seen?.body).query).replace(/\s+/g, ' ');
}

export function variablesOf(seen: Seen | undefined): unknown {
  return Object(seen?.body).variables;
}

/** What a call threw; fails when it did not. */
export async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
