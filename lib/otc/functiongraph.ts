import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { CallOptions, Clock, Wake } from '../app/ports.ts';
import { ScalerError, UnclearError } from '../core/errors.ts';
import type { Credentials } from './credentials.ts';
import { errorInside, otcError } from './errors.ts';
import { signedHeaders } from './signer.ts';

export interface WakeOptions {
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
async function wakeFunction(options: WakeOptions): Promise<void> {
  const name = 'functiongraph.wake';
  const answer = await post(options, name);
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
export class FunctionGraphWake implements Wake {
  readonly #options: Omit<WakeOptions, 'signal'>;

  constructor(options: Omit<WakeOptions, 'signal'>) {
    this.#options = options;
  }

  async wake(options: CallOptions = {}): Promise<void> {
    await wakeFunction({ ...this.#options, signal: options.signal });
  }
}

interface WakeAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

async function post(options: WakeOptions, name: string): Promise<WakeAnswer> {
  const { endpoint, projectId, urn, credentials, clock, deadlineMs = 3_000, agents = AGENTS } = options;
  const url = new URL(`${endpoint}/v2/${encodeURIComponent(projectId)}/fgs/functions/${urn}/invocations-async`);
  const body = Buffer.from(JSON.stringify(options.body ?? {}));
  const own = { 'content-type': 'application/json', 'x-project-id': projectId };
  const headers = {
    ...signedHeaders({ method: 'POST', url, headers: own, body }, credentials, clock.now()),
    'content-length': body.length,
  };
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  const secure = url.protocol === 'https:';
  try {
    return await new Promise<WakeAnswer>((resolve, reject) => {
      const request = secure
        ? httpsRequest(url, { method: 'POST', headers, signal, agent: agents.https })
        : httpRequest(url, { method: 'POST', headers, signal, agent: agents.http });
      request.on('error', reject);
      request.on('response', (response) => {
        read(response).then((text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }), reject);
      });
      request.end(body);
    });
  } catch (error) {
    throw unclear(error, name, deadline.aborted ? `no answer within ${deadlineMs} ms` : undefined);
  }
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BYTES) throw new UnclearError('response-too-large', `functiongraph.wake: the answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unclear(error: unknown, name: string, late: string | undefined): Error {
  if (error instanceof ScalerError) return error;
  if (late !== undefined) return new UnclearError('timeout', `${name}: ${late}`);
  if (!(error instanceof Error)) return new UnclearError('no-answer', `${name}: no answer`);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return new UnclearError(code === 'ABORT_ERR' ? 'aborted' : code, `${name}: no answer (${code})`);
}
