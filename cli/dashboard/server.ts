import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock, Store } from '../../lib/app/ports/index.ts';
import { describeError } from '../../lib/core/errors.ts';
import type { Output } from '../shared/output.ts';
import { type PageFile, readPageFiles } from './assets.ts';

export interface LiveOptions {
  /** Where the counts are; only what is below `counts/` is shown. */
  readonly store: Store;
  /** On 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Its time is what the answers carry, and what the page goes by. */
  readonly clock: Pick<Clock, 'now'>;
  /** How often the page is to look; a minute when absent. */
  readonly everySeconds?: number;
}

export interface Live {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the dashboard on this machine and says where. `undefined`, with the reason said, when it cannot: it is never worth stopping for. */
export async function serveDashboard(options: LiveOptions, output: Pick<Output, 'say'>): Promise<Live | undefined> {
  const page = readPageFiles();
  if (!page) {
    output.say('The dashboard is not served because it has not been built: run npm run build.');
    return undefined;
  }
  try {
    const live = await startLive(page, options);
    output.say(`Dashboard: ${live.url}`);
    return live;
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    output.say(`The dashboard is not served: port ${options.port} ${taken ? 'is used by another program' : 'cannot be opened'}.`);
    return undefined;
  }
}

/** The page as it was built, and `counts/` as it is in the store at this moment. */
export async function startLive(page: readonly PageFile[], options: LiveOptions): Promise<Live> {
  const { port, everySeconds } = options;
  const server = createServer((request, response) => void answer(request, response, page, options));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}/${everySeconds === undefined ? '' : `?every=${everySeconds}`}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  page: readonly PageFile[],
  { store, clock }: LiveOptions,
): Promise<void> {
  const reply = await replyTo(request, page, store);
  const { status, headers = {}, body = '' } = reply;
  response.writeHead(status, {
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
    ...headers,
    date: new Date(clock.now()).toUTCString(),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function replyTo({ method, url = '/', headers }: IncomingMessage, page: readonly PageFile[], store: Store): Promise<Reply> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { allow: 'GET, HEAD' } };
  const path = url.replace(/\?.*$/s, '').slice(1);
  const file = page.find((one) => one.path === (path === '' ? 'index.html' : path));
  if (file) return { status: 200, headers: { 'content-type': file.contentType, 'cache-control': file.cacheControl }, body: file.body };
  if (!/^counts\/v1\/[\w/-]+\.(csv|json)$/.test(path)) return { status: 404 };
  try {
    return await readCounts(store, path, /^bytes=(\d{1,15})-$/.exec(headers.range ?? '')?.[1]);
  } catch (error) {
    return { status: 502, headers: { 'content-type': 'text/plain' }, body: describeError(error).code };
  }
}

async function readCounts(store: Store, key: string, from: string | undefined): Promise<Reply> {
  const found = await store.get(key, from === undefined ? {} : { range: { from: Number(from) } });
  if (!found) return { status: 404 };
  const type = key.endsWith('.csv') ? 'text/csv; charset=utf-8' : 'application/json';
  const headers = { 'content-type': type, 'cache-control': 'no-cache', 'accept-ranges': 'bytes' };
  if (from === undefined || Number(from) === 0) return { status: 200, headers, body: found.body };
  if (found.body.length === 0) return { status: 416, headers: { ...headers, 'content-range': `bytes */${found.size}` } };
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${from}-${found.size - 1}/${found.size}` },
    body: found.body,
  };
}
