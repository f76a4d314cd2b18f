import { createHmac, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { secretReader } from '../../lib/runtime/functiongraph/secret-source.ts';
import { createWebhook } from '../../lib/runtime/handlers/webhook.ts';
import { createLog } from '../../lib/runtime/log.ts';
import { jobHookBody } from '../../sandbox/gitlab/hooks/body.ts';
import { playWorkload } from '../../sandbox/workload.ts';
import { HOOK_PATH } from '../../testkit/farm.ts';
import { HOUR, MINUTE, PROJECT, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

type Headers = Readonly<Record<string, string>>;
type Body = string | Uint8Array<ArrayBuffer>;
type Hook = Readonly<Record<string, unknown>>;

/** A farm with one waiting job, and the job's hook, which GitLab has not sent. */
async function waiting(project = PROJECT): Promise<{ readonly p: TestFarm; readonly hook: Hook }> {
  const p = await startTestFarm({ hooks: false, timer: false });
  const [job] = p.push(1, project).jobs;
  if (!job) throw new Error('no job');
  return { p, hook: { ...jobHookBody(job, p.sandbox.urls.gitlab, p.clock.now()) } };
}

/** Headers of a delivery as GitLab 19 signs it: Standard Webhooks, over the bytes whatever they are. */
function signed(p: TestFarm, body: Body, at = p.clock.now()): Headers {
  const id = randomUUID();
  const timestamp = String(Math.floor(at / SECOND));
  const key = Buffer.from((p.farm.secrets.HOOK_SIGNING_TOKENS ?? '').replace('whsec_', ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return { 'x-gitlab-event': 'Job Hook', 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

/** Status and body of the answer, and how often the scaler was woken for it. */
async function post(p: TestFarm, body: Body, headers: Headers) {
  const before = p.faults.calls('fgs.invoke-async');
  const url = `${p.sandbox.urls.gateway}${HOOK_PATH}`;
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
  return { status: answer.status, body: await answer.text(), woken: p.faults.calls('fgs.invoke-async') - before };
}

const answered = (status: number, woken = 0) => ({ status, body: '', woken });

describe('what a hook says', () => {
  it('a waiting job wakes the scaler, which starts a worker', async () => {
    const { p, hook } = await waiting();
    const body = JSON.stringify(hook);
    expect(await post(p, body, signed(p, body))).toEqual(answered(200, 1));
    await p.advance(SECOND);
    expect(p.vms()).toHaveLength(1);
  });

  it.each([
    { name: 'a job that is created', change: { build_status: 'created' } },
    { name: 'a job that runs', change: { build_status: 'running' } },
    { name: 'a job that is over', change: { build_status: 'success' } },
    { name: 'a pending job that a runner has already', change: { runner: { id: 7, description: 'other' } } },
    { name: 'a status of a later GitLab', change: { build_status: 'waiting_for_quantum' } },
    { name: 'a status that is named like a member of every object', change: { build_status: 'constructor' } },
    { name: 'a hook of another kind', change: { object_kind: 'push' } },
    { name: 'a hook of a kind that nobody knows', change: { object_kind: '__proto__' } },
  ])('$name is answered 200 and wakes nobody', async ({ change }) => {
    const { p, hook } = await waiting();
    const body = JSON.stringify({ ...hook, ...change });
    expect(await post(p, body, signed(p, body))).toEqual(answered(200));
  });

  it('a job of a project outside every scope wakes nobody', async () => {
    const { p, hook } = await waiting('elsewhere/tool');
    const body = JSON.stringify(hook);
    expect(await post(p, body, signed(p, body))).toEqual(answered(200));
    expect(p.logged('hook').at(-1)).toMatchObject({ wake: 'foreign' });
  });

  it('a project that the hook does not name is looked at', async () => {
    const { p, hook } = await waiting('elsewhere/tool');
    const body = JSON.stringify({ ...hook, project: undefined });
    expect(await post(p, body, signed(p, body))).toEqual(answered(200, 1));
    await p.advance(SECOND);
    expect([p.logged('woken').length, p.vms().length]).toEqual([1, 0]);
  });

  it('a job that does not exist starts nothing: GitLab is asked, not the hook believed', async () => {
    const { p, hook } = await waiting('elsewhere/tool');
    const body = JSON.stringify({ ...hook, build_id: 999_999, project_id: 999_999, project: undefined });
    expect(await post(p, body, signed(p, body))).toEqual(answered(200, 1));
    await p.advance(SECOND);
    expect(p.vms()).toHaveLength(0);
  });
});

describe('bodies that are no hook, rightly signed', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const utf16 = new Uint8Array(Buffer.from('{"object_kind":"build"}', 'utf16le'));
  it.each<{ name: string; body: (hook: Hook) => Body; woken?: number }>([
    { name: 'nothing at all', body: () => '' },
    { name: 'half of the JSON', body: (hook) => JSON.stringify(hook).slice(0, 300) },
    { name: 'null', body: () => 'null' },
    { name: 'a list', body: (hook) => JSON.stringify([hook]) },
    { name: 'an object without a kind', body: () => '{}' },
    { name: 'a job without an id', body: (hook) => JSON.stringify({ ...hook, build_id: undefined }) },
    { name: 'a job whose id is text', body: (hook) => JSON.stringify({ ...hook, build_id: '1; drop' }) },
    { name: 'a job whose id is too large for a number', body: (hook) => JSON.stringify({ ...hook, build_id: 1e30 }) },
    { name: 'a job whose status is a list', body: (hook) => JSON.stringify({ ...hook, build_status: ['pending'] }) },
    { name: '100,000 nested lists', body: () => deep },
    { name: 'a form', body: () => 'object_kind=build&build_status=pending' },
    { name: 'UTF-16', body: () => utf16 },
    { name: 'bytes that are no UTF-8', body: () => new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]) },
    { name: 'gzip', body: (hook) => new Uint8Array(gzipSync(JSON.stringify(hook))) },
    { name: 'more than a megabyte', body: (hook) => JSON.stringify({ ...hook, padding: 'x'.repeat(1_000_000) }) },
    // What is not used may be as odd as it likes.
    {
      name: 'a job with 100,000 nested lists in a field',
      body: (h) => `{"x":${deep},${JSON.stringify(h).slice(1)}`,
      woken: 1,
    },
    { name: 'a byte order mark before a hook', body: (hook) => `\ufeff${JSON.stringify(hook)}`, woken: 1 },
    { name: 'a hook that names a prototype', body: (h) => `{"__proto__":{"a":1},${JSON.stringify(h).slice(1)}`, woken: 1 },
    { name: 'names beyond ASCII', body: (hook) => JSON.stringify({ ...hook, build_name: 'größe 🚀 \u0000' }), woken: 1 },
  ])('$name is answered 200', async ({ body: make, woken = 0 }) => {
    const { p, hook } = await waiting();
    const body = make(hook);
    expect(await post(p, body, signed(p, body))).toEqual(answered(200, woken));
    // The next one is served as ever.
    const good = JSON.stringify(hook);
    expect(await post(p, good, signed(p, good))).toEqual(answered(200, 1));
  });

  it('GitLab does not disable a hook whose commit messages are large, and the timer serves its jobs', async () => {
    const p = await startTestFarm();
    const project = p.gitlab.findProject(PROJECT) ?? p.gitlab.createProject(PROJECT);
    const spec = { name: 'build', tags: ['pool0'], durationMs: MINUTE };
    for (let i = 0; i < 5; i++) p.gitlab.createPipeline(project, [spec], { message: 'm'.repeat(1_500_000) });
    await p.advance(2 * MINUTE);
    const [hook] = p.gitlab.hooks.values();
    expect(hook?.log.length).toBeGreaterThanOrEqual(10);
    expect([hook?.failures, hook?.disabledUntil, p.count('hook-failed')]).toEqual([0, undefined, 0]);
    expect(p.logged('hook too large; the timer serves its job').length).toBe(hook?.log.length);
    expect(p.vms().length).toBeGreaterThan(0);
  });

  it('more than the gateway passes on never reaches the function', async () => {
    const { p } = await waiting();
    const body = 'x'.repeat(6 * 1024 * 1024);
    expect(await post(p, body, signed(p, body))).toMatchObject({ status: 413, woken: 0 });
    expect(p.logs).toEqual([]);
  });
});

describe('senders that are not GitLab', () => {
  it.each<{ name: string; headers: (p: TestFarm, body: string) => Headers; status: number }>([
    { name: 'no proof at all', headers: () => ({}), status: 401 },
    {
      name: 'the token alone where signatures are asked for',
      headers: (p) => ({ 'x-gitlab-token': p.farm.secrets.HOOK_TOKENS ?? '' }),
      status: 401,
    },
    { name: 'no signature beside id and time', headers: (p, body) => without(signed(p, body), 'webhook-signature'), status: 401 },
    { name: 'no time', headers: (p, body) => without(signed(p, body), 'webhook-timestamp'), status: 401 },
    { name: 'a signature of another body', headers: (p, body) => signed(p, `${body} `), status: 401 },
    { name: 'a signature under another id', headers: (p, body) => ({ ...signed(p, body), 'webhook-id': randomUUID() }), status: 401 },
    { name: 'a signature of another version', headers: (p, body) => version(signed(p, body), 'v2'), status: 401 },
    { name: 'a time that is older than five minutes', headers: (p, body) => signed(p, body, p.clock.now() - 301 * SECOND), status: 401 },
    {
      name: 'a time that is more than five minutes ahead',
      headers: (p, body) => signed(p, body, p.clock.now() + 302 * SECOND),
      status: 401,
    },
    { name: 'a time within five minutes', headers: (p, body) => signed(p, body, p.clock.now() - 299 * SECOND), status: 200 },
  ])('$name: $status', async ({ headers, status }) => {
    const { p, hook } = await waiting();
    const body = JSON.stringify(hook);
    expect(await post(p, body, headers(p, body))).toEqual(answered(status, status === 200 ? 1 : 0));
  });

  it('a delivery that is played again costs a look at once and is refused later', async () => {
    const { p, hook } = await waiting();
    const body = JSON.stringify(hook);
    const headers = signed(p, body);
    expect(await post(p, body, headers)).toEqual(answered(200, 1));
    await p.advance(SECOND);
    expect(await post(p, body, headers)).toEqual(answered(200, 1));
    await p.advance(6 * MINUTE);
    expect(await post(p, body, headers)).toEqual(answered(401));
    expect(p.count('server-created')).toBe(1);
  });

  it.each([
    { name: 'the new token', token: 'new-token', status: 200 },
    { name: 'the old token while it is being replaced', token: 'old-token', status: 200 },
    { name: 'a wrong token', token: 'new-tokem', status: 401 },
    { name: 'the setting itself', token: 'old-token,new-token', status: 401 },
    { name: 'no token', token: undefined, status: 401 },
  ])('where no signing token is configured, $name: $status', async ({ token, status }) => {
    const { p, hook } = await waiting();
    const log = createLog({ clock: p.clock, write: (line) => p.logs.push(line) });
    const handler = createWebhook({ clock: p.clock, loadConfig: () => p.farm.config, readSecret: secretReader({}), log });
    p.sandbox.functions.register({ name: 'webhook', handler, timeoutMs: 10_000, userData: { HOOK_TOKENS: 'old-token,new-token' } });
    const answer = await post(p, JSON.stringify(hook), token === undefined ? {} : { 'x-gitlab-token': token });
    expect(answer).toEqual(answered(status, status === 200 ? 1 : 0));
    expect(p.logs.filter((line) => /(old|new)-toke/.test(line))).toEqual([]);
  });
});

function without(headers: Headers, name: string): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}

function version(headers: Headers, to: string): Headers {
  return { ...headers, 'webhook-signature': (headers['webhook-signature'] ?? '').replace('v1', to) };
}

it('GitLab never disables the hook over a working day, not even while nothing can be woken', async () => {
  const p = await startTestFarm({ start: Date.parse('2026-11-23T08:00:07Z') });
  const from = p.clock.now();
  playWorkload(p.gitlab, p.sandbox.ctx, { seed: 3, from, to: from + 9 * HOUR, projects: [PROJECT, 'acme/bsp'], tags: ['pool0'] });
  p.clock.after(HOUR, () => p.faults.inject({ operation: 'fgs.invoke-async', times: 25, status: 500 }));
  p.clock.after(2 * HOUR, () => p.faults.inject({ operation: 'gitlab.graphql', times: 40, status: 502, body: '<html></html>' }));
  await p.advance(4 * HOUR);
  const [hook] = p.gitlab.hooks.values();
  const answers = new Set(hook?.log.map((event) => `${event.responseStatus} ${event.responseBody}`));
  expect(hook?.log.length).toBeGreaterThan(100);
  expect([...answers]).toEqual(['200 ']);
  expect([hook?.failures, hook?.disabledUntil, p.count('hook-failed'), p.count('hook-disabled')]).toEqual([0, undefined, 0, 0]);
  expect(p.logged('scaler not woken; the timer serves the job').length).toBeGreaterThan(0);
});
