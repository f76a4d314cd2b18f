import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../../lib/config/load/parse.ts';
import { MINUTE } from '../../lib/core/time.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { type FunctionContext, localContext } from '../../lib/runtime/functiongraph/context.ts';
import { secretReader } from '../../lib/runtime/functiongraph/secret-source.ts';
import { createReaper } from '../../lib/runtime/handlers/reaper.ts';
import { createScaler } from '../../lib/runtime/handlers/scaler.ts';
import { MOST_BYTES, receiveHooks } from '../../lib/runtime/handlers/webhook.ts';
import { createLog } from '../../lib/runtime/log.ts';
import { serveDashboard } from '../dashboard/server.ts';
import { atLeastOne, portNumber } from '../shared/arguments.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { neededSecrets, openStore } from '../shared/environment.ts';
import { escaped } from '../shared/printable.ts';

export interface ServeOptions {
  readonly config: Config;
  readonly port: number;
  readonly host: string;
  /** Between two ticks. */
  readonly everyMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (line: string) => void;
  /** How long hooks that are being received may take once it is to stop, in milliseconds; 5 s when absent. */
  readonly graceMs?: number;
}

export interface Serving {
  readonly url: string;
  /** Takes no more hooks, starts no more passes, waits for those that run, and closes what connections are still open after `graceMs`. */
  stop(): Promise<void>;
}

const CALL_MS = MINUTE;
const GRACE_MS = 5_000;
/** GitLab gives a hook ten seconds. */
const REQUEST_MS = 30_000;
/** Each may hold a megabyte of a body. GitLab sends far fewer hooks at a time; what finds no place is served by the timer. */
const MOST_CONNECTIONS = 100;

/** The three functions in one process, for those without a gateway. Hooks are taken at any path; the timer is ours. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const parts = (name: string) => ({
    clock: systemClock,
    loadConfig: () => options.config,
    readSecret: secretReader(options.env),
    log: createLog({ clock: systemClock, fields: { function: name }, write: options.write }),
  });
  const passes = new Set<Promise<unknown>>();
  let stopping = false;
  const track = (pass: () => Promise<unknown>) => {
    if (stopping) return;
    const work = pass();
    const end = () => passes.delete(work);
    passes.add(work);
    void work.then(end, end);
  };
  const scaler = createScaler({ ...parts('scaler'), scaler: { trigger: async () => start({}) } });
  const start = (event: unknown) => track(() => scaler(event, context('scaler')));
  const reaper = createReaper({ ...parts('reaper'), scaler: { trigger: async () => start({}) } });
  const receive = receiveHooks({ ...parts('webhook'), composeScalerTrigger: ({ event }) => ({ trigger: async () => start(event) }) });
  const tick = () => track(() => reaper({ trigger_type: 'TIMER', trigger_name: 'serve' }, context('reaper')));

  const server = createServer((request, response) => {
    answer(request, receive).then(
      ({ statusCode, headers }) => {
        response.writeHead(statusCode, { ...headers, 'content-length': '0', ...(!request.complete && { connection: 'close' }) });
        response.end();
      },
      () => response.destroy(),
    );
  });
  server.requestTimeout = REQUEST_MS;
  server.maxConnections = MOST_CONNECTIONS;
  await listen(server, options);
  tick();
  const timer = setInterval(tick, options.everyMs);
  return {
    url: `http://${options.host}:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      stopping = true;
      clearInterval(timer);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      // A body that never ends is a stranger's: nobody waits for it.
      const cut = setTimeout(() => server.closeAllConnections(), options.graceMs ?? GRACE_MS);
      while (passes.size > 0) await Promise.allSettled(passes);
      await closed;
      clearTimeout(cut);
    },
  };
}

function context(functionName: string): FunctionContext {
  return localContext({ requestId: randomUUID(), functionName, timeoutMs: CALL_MS });
}

async function answer(request: IncomingMessage, receive: ReturnType<typeof receiveHooks>) {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const reply = await receive(
    { httpMethod: request.method ?? 'GET', headers, ...bytesOf(request), body: read(request) },
    context('webhook'),
  );
  // GitLab takes a connection that is closed while it still sends as a failure. Whom we do not believe need not get to the end.
  if (reply.statusCode === 200) await discard(request);
  return reply;
}

/** Node's parser takes no other body than the one of this length; one in chunks has none. */
function bytesOf({ headers }: IncomingMessage): { readonly bytes?: number } {
  const length = headers['content-length'];
  return length === undefined ? {} : { bytes: Number(length) };
}

/** A body that breaks off is shorter: who sent it does not wait for the answer. */
async function* read(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    // Leaving the loop early must not close the connection before the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch {}
}

/** Reads what is left of a body, as far as GitLab would send it, and keeps nothing. */
async function discard(request: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const chunk of read(request)) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return;
  }
}

function listen(server: Server, { port, host }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
}

export function register(program: Program, context: CommandContext): void {
  program
    .command('serve')
    .description('run webhook, scaler and timer in this process, against the real GitLab and OTC')
    .option('-p, --port <number>', 'port for hooks', portNumber(1), 8080)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--every <seconds>', 'seconds between two ticks', atLeastOne, 60)
    .option('--dashboard-port <number>', 'port of the dashboard, which listens on this machine only', portNumber(1), 8081)
    .option('--no-dashboard', 'do not serve the dashboard')
    .action(({ port, host, every, dashboardPort, dashboard: wanted }) =>
      context.run(false, async (output) => {
        const config = context.load();
        neededSecrets();
        const write = (line: string) => output.data(escaped(line));
        const serving = await serve({ config, port, host, everyMs: every * 1000, env: process.env, write });
        output.say(`Listening for hooks at ${serving.url}; one tick every ${every} s. Ctrl-C stops it.`);
        const live = wanted
          ? await serveDashboard({ store: openStore(config), port: dashboardPort, clock: systemClock }, output)
          : undefined;
        await context.stopSignal();
        output.say('Stopping: waiting for running passes …');
        await Promise.all([serving.stop(), live?.stop()]);
        return 0;
      }),
    );
}
