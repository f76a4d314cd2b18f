import { Hono } from 'hono';
import * as z from 'zod';
import type { SandboxContext } from '../context.ts';
import { faultLayer, header, type SandboxEnv, type SandboxRequest, target } from '../http.ts';
import { ErrorFormats } from '../otc/error-formats.ts';
import { Ids } from '../otc/ids.ts';
import { parseJson } from '../otc/refused.ts';
import type { FunctionGraph, Invocation } from './functiongraph.ts';

/** An API of the gateway that is served by a function. */
export interface GatewayRoute {
  readonly functionName: string;
  /** Default `/`, which with `prefix` is everything. */
  readonly path?: string;
  readonly match?: 'exact' | 'prefix';
  /** `ANY` when absent. */
  readonly method?: string;
  /** The body in base64, whatever it is: the gateway's default. */
  readonly base64?: boolean;
  /** Real milliseconds; the gateway's default is 5 s. */
  readonly timeoutMs?: number;
  /** Host names that the route answers to beside the gateway's own address; any when absent. Asked at each call. */
  readonly hosts?: () => readonly string[];
  /** Calls need authentication, which the sandbox always refuses. */
  readonly closed?: boolean;
  /** The caller does not wait for the function. */
  readonly asynchronous?: boolean;
  readonly apiId?: string;
}

const GATEWAY_BYTES = 12 * 1024 * 1024;
const FUNCTION_BYTES = 6 * 1024 * 1024;

// All four members are required (FunctionGraph user guide, "Using an APIG Trigger").
const Result = z.object({
  statusCode: z.number().int().min(200).max(599),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  isBase64Encoded: z.boolean(),
});

/** The dedicated API gateway: HTTP in, function event, HTTP out. */
export class Gateway {
  readonly app = new Hono<SandboxEnv>();
  readonly #functions: FunctionGraph;
  readonly #respond: ErrorFormats;
  readonly #ids = new Ids('gateway');
  #routes: GatewayRoute[] = [];

  constructor(ctx: SandboxContext, functions: FunctionGraph) {
    this.#functions = functions;
    this.#respond = new ErrorFormats(ctx);
    const operation = faultLayer(ctx, (c, status, code) => this.#respond.fault(c, status, code));
    this.app.onError((error) => this.#respond.refusal(error instanceof URIError ? 400 : 500, 'APIG.0201', 'Bad request'));
    this.app.all('*', operation('gateway.call'), (c) => this.#answer(c));
  }

  /** Of two matching routes the older one answers. Returns a function that takes this one offline. */
  publish(route: GatewayRoute): () => void {
    this.#routes.push(route);
    return () => {
      this.#routes = this.#routes.filter((r) => r !== route);
    };
  }

  routes(): readonly GatewayRoute[] {
    return this.#routes;
  }

  async #answer(c: SandboxRequest): Promise<Response> {
    const { path } = target(c);
    const route = this.#routes.find((r) => matches(r, c.req.method, path) && answersTo(r, c));
    if (!route) return this.#respond.refusal(404, 'APIG.0101', 'The API does not exist or has not been published in the environment');
    if (route.closed) return this.#respond.refusal(401, 'APIG.0301', 'Incorrect IAM authentication information');
    if (Number(header(c, 'content-length') ?? 0) > GATEWAY_BYTES) return this.#tooLarge();
    const body = Buffer.from(await c.req.arrayBuffer());
    if (body.length > GATEWAY_BYTES) return this.#tooLarge();
    const event = this.#event(c, route, body);
    if (Buffer.byteLength(JSON.stringify(event)) > FUNCTION_BYTES) return this.#tooLarge();
    if (route.asynchronous) {
      this.#functions.invokeAsync(route.functionName, event);
      return this.#respond.empty(200);
    }
    const invocation = await withTimeout(this.#functions.invoke(route.functionName, event), route.timeoutMs ?? 5000);
    return invocation ? this.#answerOf(invocation) : this.#respond.refusal(504, 'APIG.0201', 'Backend timeout');
  }

  #tooLarge(): Response {
    return this.#respond.refusal(413, 'APIG.0201', 'Request entity too large');
  }

  #event(c: SandboxRequest, route: GatewayRoute, body: Buffer): unknown {
    const { path, query } = target(c);
    const requestId = this.#ids.hex(32);
    const base64 = route.base64 ?? true;
    const peer = c.env.incoming.socket.remoteAddress ?? '127.0.0.1';
    const host = header(c, 'host') ?? '';
    const own = Object.keys(c.env.incoming.headers).map((name) => [name, header(c, name) ?? '']);
    return {
      body: body.toString(base64 ? 'base64' : 'utf8'),
      isBase64Encoded: base64,
      httpMethod: c.req.method,
      path,
      headers: {
        ...Object.fromEntries(own),
        'x-forwarded-for': peer,
        'x-real-ip': peer,
        'x-forwarded-host': host,
        'x-forwarded-port': '443',
        'x-forwarded-proto': 'https',
        'x-request-id': requestId,
      },
      // Single values only; of repeated ones the last is left.
      queryStringParameters: Object.fromEntries(query),
      pathParameters: route.match === 'prefix' ? { '': path.slice((route.path ?? '/').length) } : {},
      requestContext: { apiId: route.apiId ?? 'sandbox', requestId, stage: 'RELEASE' },
    };
  }

  #answerOf(invocation: Invocation): Response {
    if (invocation.kind === 'throttled') {
      return this.#respond.refusal(429, 'FSS.0429', 'Your request has been controlled by overload sdk, please retry later.');
    }
    if (invocation.kind === 'failed') return this.#respond.refusal(500, 'APIG.0201', 'Backend unavailable');
    const result = Result.safeParse(parseJson(invocation.body));
    if (!result.success || Buffer.byteLength(invocation.body) > FUNCTION_BYTES) {
      return this.#respond.refusal(500, 'FSS.1202', 'The response body is invalid because it does not contain any status code.');
    }
    const { statusCode, headers, body, isBase64Encoded } = result.data;
    const bytes = new Uint8Array(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
    const bodiless = statusCode === 204 || statusCode === 205 || statusCode === 304;
    return new Response(bodiless ? null : bytes, { status: statusCode, headers });
  }
}

function matches(route: GatewayRoute, method: string, path: string): boolean {
  if (route.method !== undefined && route.method !== method) return false;
  const own = route.path ?? '/';
  return route.match === 'prefix' ? path.startsWith(own) : path === own;
}

/** By the name of a group, or by the gateway's own address, because tests have no DNS names. */
function answersTo({ hosts }: GatewayRoute, c: SandboxRequest): boolean {
  if (!hosts) return true;
  const [host = '', port] = (header(c, 'host') ?? '').split(':');
  const { localAddress, localPort } = c.env.incoming.socket;
  if (port === String(localPort) && (host === localAddress || host === 'localhost')) return true;
  return hosts().includes(host.toLowerCase());
}

/** `undefined` after `ms` of real time; the work goes on. */
async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
