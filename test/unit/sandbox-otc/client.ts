import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';

/** A plain HTTP client: it sends the path and the headers exactly as they are given. */
export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Keep-alive, so that a fault that cuts a connection is seen on one that was used before. */
const agent = new Agent({ keepAlive: true, maxSockets: 200 });

/** Rejects when the answer is cut. */
export function ask(
  base: string,
  path: string,
  { method = 'GET', headers = {}, body = '' }: Ask = {},
  signal?: AbortSignal,
): Promise<Answer> {
  const { port } = new URL(base);
  const sized = body === '' && method === 'GET' ? headers : { 'content-length': String(Buffer.byteLength(body)), ...headers };
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers: sized, agent, ...(signal ? { signal } : {}) };
    const sent = request(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') }),
      );
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly securityToken?: string;
}

/** Headers with an unscoped SDK-HMAC-SHA256 signature, made with no code of the sandbox. `path` must need no encoding but its colons. */
export function sdkHeaders(
  keys: Keys,
  now: number,
  host: string,
  { method = 'GET', body = '' }: Ask,
  path: string,
): Record<string, string> {
  const [bare = '', query = ''] = path.split('?');
  const date = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const token: Record<string, string> = keys.securityToken === undefined ? {} : { 'x-security-token': keys.securityToken };
  const headers: Record<string, string> = { host, 'x-sdk-date': date, ...token };
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    `${bare.replaceAll(':', '%3A')}/`,
    query
      .split('&')
      .map((pair) => (pair === '' || pair.includes('=') ? pair : `${pair}=`))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const signature = createHmac('sha256', keys.secretKey).update(`SDK-HMAC-SHA256\n${date}\n${digest}`).digest('hex');
  const authorization = `SDK-HMAC-SHA256 Access=${keys.accessKey}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...headers, authorization };
}

/** A header signature of OBS over the parts that these tests use. `resource` is `/bucket/key` and the signed part of the query. */
export function obsHeaders(
  keys: Keys,
  now: number,
  method: string,
  resource: string,
  headers: Record<string, string> = {},
): Record<string, string> {
  const token: Record<string, string> = keys.securityToken === undefined ? {} : { 'x-obs-security-token': keys.securityToken };
  const all: Record<string, string> = { date: new Date(now).toUTCString(), ...token, ...headers };
  const own = Object.keys(all)
    .filter((name) => name.startsWith('x-obs-'))
    .sort()
    .map((name) => `${name}:${all[name]}\n`)
    .join('');
  const text = `${method}\n${all['content-md5'] ?? ''}\n${all['content-type'] ?? ''}\n${all.date}\n${own}${resource}`;
  const signature = createHmac('sha1', keys.secretKey).update(text).digest('base64');
  return { ...all, authorization: `OBS ${keys.accessKey}:${signature}` };
}
