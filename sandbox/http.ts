import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as realSleep } from 'node:timers/promises';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context, MiddlewareHandler } from 'hono';
import type { SandboxContext } from './context.ts';
import type { Fault } from './faults.ts';

/** Hono's environment in the sandbox: the node request and response, whose socket a fault may cut. */
export interface SandboxEnv {
  Bindings: HttpBindings;
}
export type SandboxRequest = Context<SandboxEnv>;

/** How a service words a refusal. `status` and `code` are those of the fault, if it has any. */
export type Refusal = (c: SandboxRequest, status: number | undefined, code: string | undefined) => Response | Promise<Response>;

/** Names each call, and adds its latency and any injected fault. */
export type FaultLayer = (operation: string | ((c: SandboxRequest) => string)) => MiddlewareHandler<SandboxEnv>;

export function faultLayer(ctx: SandboxContext, refuse: Refusal): FaultLayer {
  return (operation) => async (c, next) => {
    if (ctx.latencyMs > 0) await realSleep(ctx.latencyMs);
    const fault = ctx.faults.take(typeof operation === 'string' ? operation : operation(c));
    if (!fault) return next();
    if (fault.delayMs) await realSleep(fault.delayMs);
    return apply(fault, c, next, refuse);
  };
}

async function apply(fault: Fault, c: SandboxRequest, next: () => Promise<void>, refuse: Refusal): Promise<Response | undefined> {
  switch (fault.kind ?? 'answer') {
    case 'delay':
      await next();
      return undefined;
    case 'answer':
      return answer(fault, c, refuse);
    case 'hang':
      await closed(c);
      return RESPONSE_ALREADY_SENT;
    case 'reset':
      c.env.incoming.socket.resetAndDestroy();
      return RESPONSE_ALREADY_SENT;
    case 'lost':
      await next();
      c.env.incoming.socket.destroy();
      return replace(c);
    case 'half':
      await next();
      await cutInTheMiddle(c);
      return replace(c);
  }
}

async function answer(fault: Fault, c: SandboxRequest, refuse: Refusal): Promise<Response> {
  const response =
    fault.body === undefined
      ? await refuse(c, fault.status, fault.code)
      : new Response(fault.body, { status: fault.status ?? 500, headers: { 'content-type': 'text/html' } });
  for (const [name, value] of Object.entries(fault.headers ?? {})) response.headers.set(name, value);
  return response;
}

/** `c.res` keeps its first answer unless it is cleared. */
function replace(c: SandboxRequest): undefined {
  c.res = undefined;
  c.res = RESPONSE_ALREADY_SENT;
  return undefined;
}

async function cutInTheMiddle(c: SandboxRequest): Promise<void> {
  const { incoming, outgoing } = c.env;
  const body = Buffer.from(await c.res.arrayBuffer());
  if (body.length > 1) {
    outgoing.writeHead(c.res.status, { ...Object.fromEntries(c.res.headers), 'content-length': String(body.length) });
    await new Promise<void>((resolve) => outgoing.write(body.subarray(0, body.length >> 1), () => resolve()));
  }
  incoming.socket.destroy();
}

function closed(c: SandboxRequest): Promise<void> {
  const { socket } = c.env.incoming;
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** The request's target as it was on the wire: signatures are made over it, and a parsed URL may differ from it. */
export interface Target {
  /** Decoded. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
}

/** Throws `URIError` on a broken percent sequence. */
export function target(c: SandboxRequest): Target {
  const url = c.env.incoming.url ?? '/';
  const cut = url.indexOf('?');
  const pairs = cut < 0 ? [] : url.slice(cut + 1).split('&');
  const query = pairs.filter(Boolean).map((pair): readonly [string, string] => {
    const equals = pair.indexOf('=');
    return equals < 0 ? [decodeQuery(pair), ''] : [decodeQuery(pair.slice(0, equals)), decodeQuery(pair.slice(equals + 1))];
  });
  return { path: decodeURIComponent(cut < 0 ? url : url.slice(0, cut)), query };
}

/** In a query `+` is a space for all of these services; a plus is sent as `%2B`. */
function decodeQuery(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** One header as text; repeated ones joined as Node joins them. */
export function header(c: SandboxRequest, name: string): string | undefined {
  const value = c.env.incoming.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

const NOTHING = Buffer.alloc(0);

/** The body as it came. A request without one costs nothing here, while Hono makes a web Request of it with stream and abort signal. */
export async function bytesOf(c: SandboxRequest): Promise<Buffer> {
  const { headers } = c.env.incoming;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return hasBody ? Buffer.from(await c.req.arrayBuffer()) : NOTHING;
}

/** `undefined` for a body that is not JSON. */
export function jsonOf(c: SandboxRequest): Promise<unknown> {
  return c.req.json().catch(() => undefined);
}

/** An answer whose body is at hand: it is written as it is, while a web Response would make a stream of it first. */
export class ReadyResponse extends Response {
  readonly content: string | Uint8Array | null;

  constructor(body: string | Uint8Array | null, init: ResponseInit) {
    super(null, init);
    this.content = body;
  }

  /** For a fault that cuts the answer. */
  override readonly arrayBuffer = async () => new Uint8Array(Buffer.from(this.content ?? '')).buffer;
}

async function answered(response: Response | Promise<Response>, { outgoing }: HttpBindings): Promise<Response> {
  const ready = await response;
  if (!(ready instanceof ReadyResponse)) return ready;
  const length = ready.content === null ? {} : { 'content-length': Buffer.byteLength(ready.content) };
  outgoing.writeHead(ready.status, { ...length, ...Object.fromEntries(ready.headers) });
  outgoing.end(ready.content ?? undefined);
  return RESPONSE_ALREADY_SENT;
}

export interface Listening {
  /** `http://host:port`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A Hono application, or something that stands for one. */
export interface Served {
  fetch(request: Request, env: HttpBindings): Response | Promise<Response>;
}

/** Listens on one address of this machine; port 0 takes a free one. Closing cuts open connections. */
export async function listen(app: Served, port = 0, host = '127.0.0.1'): Promise<Listening> {
  // Node's own Request and Response stay as they are: functions under test run in this process, too.
  const server = createServer(
    getRequestListener((request, env) => answered(app.fetch(request, env as HttpBindings), env as HttpBindings), {
      overrideGlobalObjects: false,
      hostname: host,
    }),
  );
  // A client that keeps its connections must not meet one that is being closed for idleness.
  server.keepAliveTimeout = 300_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${taken}`,
    port: taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
