import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { obsAuthorization } from '../../lib/otc/obs/signer.ts';

const run = promisify(execFile);
const script = path.resolve(import.meta.dirname, '../../scripts/radosgw.sh');

export const KEYS = { accessKey: 'AKTEST', secretKey: 'SKTEST' };

export interface RadosGw {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a real radosgw from Debian's packages (scripts/radosgw.sh says which) and makes one bucket. */
export async function startRadosGw(bucket: string): Promise<RadosGw> {
  const dir = await mkdtemp(path.join(tmpdir(), 'radosgw-'));
  const [port, monPort] = [await freePort(), await freePort()];
  const stop = async () => {
    await run(script, ['stop', dir]);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await run(script, ['start', dir, String(port), String(monPort)], { timeout: 100_000 });
    await makeBucket(`http://127.0.0.1:${port}`, bucket);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

export async function makeBucket(url: string, bucket: string): Promise<void> {
  const date = new Date().toUTCString();
  const authorization = obsAuthorization({ method: 'PUT', bucket, key: '', query: {}, headers: { date } }, KEYS, 'aws');
  const answer = await fetch(`${url}/${bucket}/`, { method: 'PUT', headers: { date, authorization } });
  if (!answer.ok) throw new Error(`bucket not made: ${answer.status} ${await answer.text()}`);
}

async function freePort(): Promise<number> {
  const server = http.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface LossyProxy {
  readonly url: string;
  readonly counts: { lost: number; late: number; forwarded: number };
  close(): Promise<void>;
}

/**
 * Forwards everything to `target`; of the appends and puts it loses 30 % of the answers and delays 20 % of the requests past the client's patience,
 * so that they arrive when the client has long given them up. `random` decides.
 */
export async function startLossyProxy(target: string, random: () => number): Promise<LossyProxy> {
  const counts = { lost: 0, late: 0, forwarded: 0 };
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const dice = request.url?.includes('append') || request.method === 'PUT' ? random() : 1;
      const fate = dice < 0.2 ? 'late' : dice < 0.5 ? 'lost' : 'forwarded';
      counts[fate] += 1;
      setTimeout(() => forward(Buffer.concat(chunks), fate === 'lost'), fate === 'late' ? 250 + random() * 250 : 0);
    });
    const forward = (body: Buffer, lose: boolean) => {
      const options = { agent, method: request.method, headers: request.headers };
      const upstream = http.request(new URL(request.url ?? '/', target), options, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          if (lose || response.destroyed) return void response.destroy();
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          response.end(Buffer.concat(parts));
        });
      });
      upstream.on('error', () => response.destroy());
      upstream.end(body);
    };
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const close = async () => {
    agent.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, counts, close };
}

/** mulberry32: the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
