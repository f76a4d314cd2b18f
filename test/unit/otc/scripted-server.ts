import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Recorded {
  readonly method: string;
  /** Path and query as they came over the wire. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | Buffer | object;
  /** `cut`: ends the connection in the middle of the body. `reset`: without any answer. `hang`: never answers. */
  readonly fault?: 'cut' | 'reset' | 'hang';
}

export interface ScriptedServer {
  readonly url: string;
  readonly requests: readonly Recorded[];
  close(): Promise<void>;
}

/** Answers with the replies in turn, or by the function; a request beyond the script gets a 599, which nothing takes for success. */
export async function scriptedServer(script: readonly Reply[] | ((request: Recorded) => Reply)): Promise<ScriptedServer> {
  const requests: Recorded[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const recorded = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      requests.push(recorded);
      const reply = typeof script === 'function' ? script(recorded) : (script[requests.length - 1] ?? { status: 599 });
      answer(response, reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply.fault === 'hang') return;
  if (reply.fault === 'reset') {
    response.socket?.destroy();
    return;
  }
  const { body = '' } = reply;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const type = typeof body === 'object' && !Buffer.isBuffer(body) ? { 'content-type': 'application/json' } : {};
  const length = String(reply.fault === 'cut' ? bytes.length + 100 : bytes.length);
  const noBody = reply.status === 204 ? {} : { 'content-length': length };
  response.writeHead(reply.status ?? 200, { ...type, ...noBody, ...reply.headers });
  if (reply.fault === 'cut') response.write(bytes, () => response.socket?.destroy());
  else response.end(bytes);
}
