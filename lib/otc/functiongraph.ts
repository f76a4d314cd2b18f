import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { CallOptions, Clock, ScalerTrigger } from '../app/ports/index.ts';
import { defined } from '../core/defined.ts';
import { ScalerError, UnclearError } from '../core/errors.ts';
import { reported } from '../http/on-call.ts';
import type { OtcCallName } from './calls.ts';
import type { Credentials } from './credentials.ts';
import { errorInside, otcError } from './errors.ts';
import { signedHeaders } from './signer.ts';

export interface TriggerOptions {
  /** Base URL of FunctionGraph, e.g. `https://functiongraph.eu-de.otc.t-systems.com`. */
  readonly endpoint: string;
  readonly projectId: string;
  /** `urn:fss:<region>:<project>:function:<package>:<name>:<version>`. */
  readonly urn: string;
  readonly credentials: Credentials;
  readonly clock: Pick<Clock, 'now'>;
  /** Becomes the event of the function; at most 256 KB as JSON. */
  readonly body: unknown;
  /** Real milliseconds. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly agents?: { readonly http: HttpAgent; readonly https: HttpsAgent };
}

/** Connections outlive a call, so that a warm function need not shake hands again; it holds no state of a call. */
const AGENTS = { http: new HttpAgent({ keepAlive: true, maxSockets: 4 }), https: new HttpsAgent({ keepAlive: true, maxSockets: 4 }) };
const MAX_BYTES = 64 * 1024;

/**
 * Starts a function without waiting for it. Accepted (202) is success; everything else throws `lib/core/errors.ts`. Never repeated.
 * Written on `node:http`: it is all the network that the webhook needs, and an HTTP library costs tens of milliseconds of each cold start.
 * Source: OTC FunctionGraph API reference, executing_a_function_asynchronously.
 */
async function triggerFunction(options: TriggerOptions): Promise<void> {
  const name: OtcCallName = 'functiongraph.wake';
  const answer = await reported(name, () => post(options, name));
  if (answer.status !== 202) {
    // Another 2xx is no promise to run the function, whatever it is.
    if (answer.status >= 200 && answer.status < 300)
      throw new UnclearError(`http-${answer.status}`, `${name}: not accepted (HTTP ${answer.status})`);
    throw otcError(answer, 'invoke', name);
  }
  const inside = errorInside(answer, 'invoke', name);
  if (inside) throw inside;
}

/** The port of the webhook: one function, one event. */
export class FunctionGraphTrigger implements ScalerTrigger {
  readonly #options: Omit<TriggerOptions, 'signal'>;

  constructor(options: Omit<TriggerOptions, 'signal'>) {
    this.#options = options;
  }

  async trigger(options: CallOptions = {}): Promise<void> {
    await triggerFunction({ ...this.#options, signal: options.signal });
  }
}

interface TriggerAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/**
 * Timer, events and a body in one piece instead of an abort signal, an async iterator and a buffer: a fifth more hooks a second, and this is
 * all that most calls of the webhook do.
 */
function post(options: TriggerOptions, name: string): Promise<TriggerAnswer> {
  const { endpoint, projectId, urn, credentials, clock, deadlineMs = 3_000, agents = AGENTS, signal } = options;
  const url = new URL(`${endpoint}/v2/${encodeURIComponent(projectId)}/fgs/functions/${urn}/invocations-async`);
  const body = JSON.stringify(options.body ?? {});
  const bytes = Buffer.from(body);
  const own = { 'content-type': 'application/json', 'x-project-id': projectId };
  const headers = {
    ...signedHeaders({ method: 'POST', url, headers: own, body: bytes }, credentials, clock.now()),
    'content-length': bytes.length,
  };
  return new Promise<TriggerAnswer>((resolve, reject) => {
    const send = { method: 'POST', headers, ...defined({ signal }) };
    const request =
      url.protocol === 'https:' ? httpsRequest(url, { ...send, agent: agents.https }) : httpRequest(url, { ...send, agent: agents.http });
    const fail = (error: unknown) => {
      clearTimeout(timer);
      request.destroy();
      reject(unclear(error, name));
    };
    const timer = setTimeout(() => fail(new UnclearError('timeout', `${name}: no answer within ${deadlineMs} ms`)), deadlineMs);
    request.on('error', fail);
    request.on('response', (response) => {
      read(response, name, fail, (text) => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    request.end(body);
  });
}

function read(response: IncomingMessage, name: string, fail: (error: unknown) => void, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    chunks.push(chunk);
    if (size > MAX_BYTES) fail(new UnclearError('response-too-large', `${name}: the answer is larger than ${MAX_BYTES} bytes`));
  });
  response.on('error', fail);
  response.on('aborted', () => fail(new UnclearError('ECONNRESET', `${name}: the answer was cut off`)));
  response.on('end', () => done(Buffer.concat(chunks).toString('utf8')));
}

function unclear(error: unknown, name: string): Error {
  if (error instanceof ScalerError) return error;
  if (!(error instanceof Error)) return new UnclearError('no-answer', `${name}: no answer`);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return new UnclearError(code === 'ABORT_ERR' ? 'aborted' : code, `${name}: no answer (${code})`);
}
