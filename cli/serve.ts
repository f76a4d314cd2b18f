import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../lib/config/config.ts';
import { systemClock } from '../lib/runtime/clock.ts';
import { type FunctionContext, localContext } from '../lib/runtime/function-graph.ts';
import { createLog } from '../lib/runtime/log.ts';
import { createReaper } from '../lib/runtime/reaper.ts';
import { createScaler } from '../lib/runtime/scaler.ts';
import { secretReader } from '../lib/runtime/secret-source.ts';
import { createWebhook } from '../lib/runtime/webhook.ts';

export interface ServeOptions {
  readonly config: Config;
  readonly port: number;
  readonly host: string;
  /** Between two ticks. */
  readonly everyMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (line: string) => void;
}

export interface Serving {
  readonly url: string;
  /** Takes no more hooks, starts no more ticks, and waits for what runs. */
  stop(): Promise<void>;
}

const CALL_MS = 60_000;
/** A little more than the webhook itself takes: the rest is cut there. */
const MOST_BYTES = 2_000_000;

/** The three functions in one process, for those without a gateway. Hooks are taken at any path; the timer is ours. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const parts = (name: string) => ({
    clock: systemClock,
    loadConfig: () => options.config,
    readSecret: secretReader(options.env),
    log: createLog({ clock: systemClock, fields: { function: name }, write: options.write }),
  });
  const running = new Set<Promise<unknown>>();
  const track = (work: Promise<unknown>) => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };
  const scaler = createScaler({ ...parts('scaler'), wake: { wake: async () => start() } });
  const start = () => track(scaler({}, context('scaler')));
  const reaper = createReaper({ ...parts('reaper'), wake: { wake: async () => start() } });
  const webhook = createWebhook({ ...parts('webhook'), composeWake: () => ({ wake: async () => start() }) });
  const tick = () => track(reaper({ trigger_type: 'TIMER', trigger_name: 'serve' }, context('reaper')));

  const server = createServer((request, response) => {
    track(
      answer(request, webhook).then(({ statusCode, headers }) => {
        response.writeHead(statusCode, { ...headers, 'content-length': '0' });
        response.end();
      }),
    );
  });
  await listen(server, options);
  tick();
  const timer = setInterval(tick, options.everyMs);
  return {
    url: `http://${options.host}:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      clearInterval(timer);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      while (running.size > 0) await Promise.allSettled(running);
      await closed;
    },
  };
}

function context(functionName: string): FunctionContext {
  return localContext({ requestId: randomUUID(), functionName, timeoutMs: CALL_MS });
}

async function answer(request: IncomingMessage, webhook: ReturnType<typeof createWebhook>) {
  const body = await readBody(request);
  if (!body) return { statusCode: 413, headers: { connection: 'close' } };
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const event = { httpMethod: request.method ?? 'GET', headers, body: body.toString('base64'), isBase64Encoded: true };
  return await webhook(event, context('webhook'));
}

/** `undefined` for a body that is too large or does not end. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      if (size > MOST_BYTES) return undefined;
      chunks.push(chunk as Buffer);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

function listen(server: Server, { port, host }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
}
