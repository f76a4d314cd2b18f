/**
 * Loads the built bundles on a given Node and sends them events as FunctionGraph would:
 *
 *   tsx scripts/smoke.ts [node binary]
 *
 * FunctionGraph's own version comes from scripts/node20.15.sh. Ends with 1 when anything is not as it must be.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { compileConfig } from '../lib/config/load/yaml.ts';

const [node = process.execPath] = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));
const PROJECT = '0123456789abcdef0123456789abcdef';
const HOOK_TOKEN = 'smoke-hook-token';
const GITLAB_TOKEN = 'smoke-gitlab-token';
const SECRETS = [HOOK_TOKEN, GITLAB_TOKEN, 'smoke-secret-key', 'smoke-security-token'];

const Result = z.object({
  node: z.string(),
  kind: z.string(),
  loadMs: z.number(),
  firstMs: z.number(),
  replies: z.array(z.object({ reply: z.looseObject({ statusCode: z.number().optional(), ok: z.boolean().optional() }), ms: z.number() })),
});

const failures: string[] = [];
function check(what: string, holds: boolean, seen: unknown = ''): void {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}${holds ? '' : `: ${JSON.stringify(seen)}`}`);
  if (!holds) failures.push(what);
}

/** A configuration whose GitLab and clouds are where they are said to be. */
function configuration(gitlab: string, endpoint: string): string {
  const document = {
    gitlab: { url: gitlab, scope: { group: 'acme' } },
    otc: {
      region: 'eu-de',
      project_id: PROJECT,
      endpoints: { ecs: endpoint, ims: endpoint, iam: endpoint, vpc: endpoint, obs: endpoint, functiongraph: endpoint },
    },
    bucket: { name: 'smoke-bucket', append: false },
    functions: { scaler: 'smoke-scaler' },
    pools: [
      {
        name: 'smoke',
        tags: ['smoke'],
        limit: 2,
        machine: {
          image: 'Standard_Ubuntu_22.04_latest',
          flavors: ['s3.large.2'],
          zones: ['eu-de-01'],
          vpc_id: '00000000-0000-4000-8000-000000000001',
          subnet_id: '00000000-0000-4000-8000-000000000002',
          security_groups: ['00000000-0000-4000-8000-000000000003'],
          root_volume: { type: 'SSD', size: 40 },
        },
        runner: { executor: 'docker', docker: { image: 'alpine:3.20' } },
      },
    ],
  };
  return compileConfig(JSON.stringify(document)).json;
}

interface Run {
  readonly name: string;
  readonly config?: string;
  readonly timeoutMs: number;
  readonly events: readonly unknown[];
}

async function run({ name, config, timeoutMs, events }: Run) {
  const child = spawn(node, [join(root, 'scripts', 'smoke-child.cjs')], {
    // Nothing of this machine's settings, as in the function.
    env: config === undefined ? {} : { SCALER_CONFIG: config },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const bundle = join(root, 'dist', 'functions', name, 'index.js');
  child.stdin.end(JSON.stringify({ bundle, timeoutMs, events, userData: { HOOK_TOKENS: HOOK_TOKEN, GITLAB_TOKEN } }));
  const [code, stdout, stderr] = await Promise.all([exitCode(child), text(child.stdout), text(child.stderr)]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  const last = lines.at(-1) ?? '';
  const result = last.startsWith('RESULT ') ? Result.parse(JSON.parse(last.slice(7))) : undefined;
  check(`${name}: ends by itself, quietly`, code === 0 && stderr === '' && result !== undefined, { code, stderr, last });
  check(`${name}: handler is a native async function`, result?.kind === 'AsyncFunction', result?.kind);
  const log = lines.slice(0, -1);
  check(`${name}: logs JSON objects, no stack traces`, log.every(isPlainLine), log);
  check(`${name}: shows no secret`, !SECRETS.some((secret) => stdout.includes(secret)), stdout);
  if (result)
    console.log(
      `     ${name} on ${result.node}: load ${result.loadMs.toFixed(1)} ms, with the first event ${result.firstMs.toFixed(1)} ms`,
    );
  return { replies: result?.replies ?? [], log };
}

function isPlainLine(line: string): boolean {
  return line.startsWith('{') && !/\\n\s+at |"stack"/.test(line) && z.record(z.string(), z.unknown()).safeParse(JSON.parse(line)).success;
}

function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on('close', resolve));
}

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${isAddress(address) ? address.port : 0}`);
    });
  });
}

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

const hook = JSON.stringify({
  object_kind: 'build',
  ref: 'main',
  tag: false,
  build_id: 900100,
  build_name: 'image',
  build_stage: 'build',
  build_status: 'pending',
  build_created_at: '2026-03-02 10:00:00 UTC',
  build_created_at_iso: '2026-03-02T10:00:00Z',
  build_started_at: null,
  build_queued_duration: 0.012,
  pipeline_id: 70001,
  runner: null,
  project_id: 4200,
  project_name: 'acme / widgets',
  project: { id: 4200, path_with_namespace: 'acme/widgets' },
});

function hookEvent(body: string, token: string, httpMethod = 'POST') {
  return {
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
    httpMethod,
    path: '/gitlab',
    pathParameters: {},
    queryStringParameters: {},
    headers: { 'content-type': 'application/json', 'x-gitlab-event': 'Job Hook', 'x-gitlab-token': token },
    requestContext: { apiId: 'smoke', requestId: 'smoke', stage: 'RELEASE' },
  };
}

async function smokeWebhook(folder: string): Promise<void> {
  const posts: string[] = [];
  const functionGraph = createServer((request, response) => {
    posts.push(`${request.method} ${request.url}`);
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"request_id":"smoke"}');
  });
  const config = join(folder, 'webhook.json');
  writeFileSync(config, configuration('https://gitlab.example.com', await listen(functionGraph)));
  const cases = [
    { what: 'a pending job', status: 200, event: hookEvent(hook, HOOK_TOKEN) },
    { what: 'a wrong token', status: 401, event: hookEvent(hook, 'wrong') },
    { what: 'a GET', status: 405, event: hookEvent('', HOOK_TOKEN, 'GET') },
    { what: 'a malformed body', status: 200, event: hookEvent('{', HOOK_TOKEN) },
  ];
  const { replies } = await run({ name: 'webhook', config, timeoutMs: 10_000, events: cases.map(({ event }) => event) });
  for (const [i, { what, status }] of cases.entries()) {
    const reply = replies[i]?.reply;
    const members = Object.keys(reply ?? {})
      .sort()
      .join();
    check(`webhook: ${what} gets ${status}, empty`, reply?.statusCode === status && reply.body === '', reply);
    check(`webhook: ${what} gets all four members`, members === 'body,headers,isBase64Encoded,statusCode', members);
  }
  const expected = [`POST /v2/${PROJECT}/fgs/functions/urn:fss:eu-de:${PROJECT}:function:default:smoke-scaler:latest/invocations-async`];
  check('webhook: wakes the scaler once', decodeURIComponent(posts.join()) === expected.join(), posts);
  functionGraph.close();
}

/** With the configuration that was built in. */
async function smokeBuiltConfiguration(): Promise<void> {
  const { replies } = await run({ name: 'webhook', timeoutMs: 10_000, events: [hookEvent(hook, 'wrong')] });
  check('webhook: finds the configuration beside it', replies[0]?.reply.statusCode === 401, replies);
}

/** `gitlab` is an address that leads nowhere. */
async function smokePass(name: string, gitlab: string, folder: string, event: unknown): Promise<void> {
  const timeoutMs = 8_000;
  const config = join(folder, `${name}.json`);
  // Port 9 discards at best; nothing listens there.
  writeFileSync(config, configuration(gitlab, 'http://127.0.0.1:9'));
  const { replies, log } = await run({ name, config, timeoutMs, events: [event] });
  const [first] = replies;
  check(`${name}: says that it could do nothing`, first?.reply.ok === false, first);
  check(`${name}: ends within its time`, first !== undefined && first.ms < timeoutMs, first?.ms);
  check(
    `${name}: logs what was out of reach`,
    log.some((line) => /"level":"warn".*"source":"runners"/.test(line)),
    log,
  );
  check(
    `${name}: logs an error`,
    log.some((line) => line.includes('"level":"error"')),
    log,
  );
}

if (!existsSync(join(root, 'dist', 'functions', 'reaper', 'index.js'))) {
  console.error('dist/functions is not there: build first');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'smoke-'));
const silent = createServer(() => undefined);
try {
  await smokeWebhook(folder);
  await smokeBuiltConfiguration();
  const timer = { version: 'v1.0', time: '2026-11-23T17:00:00+01:00', trigger_type: 'TIMER', trigger_name: 'reaper', user_event: '{}' };
  const hanging = await listen(silent);
  await Promise.all([smokePass('scaler', 'http://127.0.0.1:9', folder, {}), smokePass('reaper', hanging, folder, timer)]);
} finally {
  silent.closeAllConnections();
  silent.close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(failures.length === 0 ? 'all well' : `${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
