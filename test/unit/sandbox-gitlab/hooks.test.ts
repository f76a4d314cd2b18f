import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { signHook } from '../../../sandbox/gitlab/hooks/hooks.ts';
import { seeded } from '../../../sandbox/gitlab/random.ts';
import { addRunner, bench, MINUTE, receiver, TWO_PHASE } from './server.ts';

const ONE = [{ name: 'compile', tags: ['pool-a'] }] as const;
const Id = z.object({ id: z.int() });

describe('what is sent', () => {
  it('tells of created, pending, running and the end, and of nothing else', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const to = await receiver();
    b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url);
    const { jobs } = b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.settled();
    await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token, info: TWO_PHASE } });
    await b.call('PUT', `/api/v4/jobs/${jobs[0]?.id}`, { token: '', body: { token: jobs[0]?.token, state: 'running' } });
    await b.clock.settled();
    b.gitlab.jobs.cancel(jobs[0] ?? b.gitlab.jobs.all.values().next().value ?? expect.fail('no job'));
    await b.clock.settled();
    await b.call('PUT', `/api/v4/jobs/${jobs[0]?.id}`, { token: '', body: { token: jobs[0]?.token, state: 'failed' } });
    await b.clock.settled();
    expect(to.statuses().sort()).toEqual(['canceled', 'created', 'pending', 'running']);
  });

  it('has the fields of a Job Hook: both spellings of times, the runner, and no tags of the job', async () => {
    const b = await bench();
    const { token, id } = addRunner(b.gitlab);
    const to = await receiver();
    b.gitlab.createHook(b.gitlab.createProject('acme/sub/app'), to.url);
    const { jobs } = b.gitlab.createPipeline('acme/sub/app', ONE);
    await b.clock.advance(90_000);
    await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token, info: { features: {} } } });
    await b.clock.settled();
    const body = JSON.parse(to.received.find(({ body: text }) => text.includes('"build_status":"running"'))?.body ?? '{}');
    expect(body).toMatchObject({
      object_kind: 'build',
      build_id: jobs[0]?.id,
      build_created_at: '2026-03-02 10:10:00 UTC',
      build_started_at: '2026-03-02 10:11:30 UTC',
      build_started_at_iso: '2026-03-02T10:11:30Z',
      build_finished_at: null,
      build_finished_at_iso: null,
      build_queued_duration: 90,
      build_failure_reason: 'unknown_failure',
      project_name: 'acme / sub / app',
      project: { path_with_namespace: 'acme/sub/app', namespace: 'sub' },
      commit: { id: jobs[0]?.pipeline.id, status: 'running' },
      runner: { id, tags: ['pool-a'], runner_type: 'instance_type', active: true },
      environment: null,
    });
    expect(body).not.toHaveProperty('tag_list');
  });

  it('carries the plain token and the headers of GitLab 19', async () => {
    const b = await bench({ externalUrl: 'https://git.acme.example' });
    const to = await receiver();
    b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url, { token: 'plain' });
    b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.settled();
    const { headers } = to.received[0] ?? expect.fail('nothing came');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'GitLab/19.4.0',
      'x-gitlab-event': 'Job Hook',
      'x-gitlab-instance': 'https://git.acme.example',
      'x-gitlab-token': 'plain',
      'webhook-id': headers['idempotency-key'],
      'webhook-timestamp': String(b.clock.now() / 1000),
    });
    expect(headers).not.toHaveProperty('webhook-signature');
  });

  it('signs as Standard Webhooks does', async () => {
    // The example of the Standard Webhooks specification's own libraries.
    const signature = signHook(
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      '1614265330',
      '{"test": 2432232314}',
    );
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
    const b = await bench();
    const to = await receiver();
    const signingToken = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url, { signingToken });
    b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.settled();
    for (const { headers, body } of to.received) {
      expect(headers['webhook-signature']).toBe(
        signHook(signingToken, String(headers['webhook-id']), String(headers['webhook-timestamp']), body),
      );
    }
    expect(to.received).toHaveLength(2);
  });

  it('sends an event of a project to its own hooks and to those of every group above', async () => {
    const b = await bench();
    const [own, group, other] = [await receiver(), await receiver(), await receiver()];
    const project = b.gitlab.createProject('acme/sub/app');
    b.gitlab.createHook(project, own.url);
    b.gitlab.createHook(b.gitlab.createGroup('acme'), group.url);
    b.gitlab.createHook(b.gitlab.createGroup('elsewhere'), other.url);
    b.gitlab.createPipeline(project, ONE);
    await b.clock.settled();
    expect([own.received.length, group.received.length, other.received.length]).toEqual([2, 2, 0]);
    const keys = [...own.received, ...group.received].map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(4);
  });
});

describe('what happens to an answer', () => {
  it('never tries again', async () => {
    const b = await bench();
    const to = await receiver(() => ({ status: 500 }));
    b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url);
    b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.advance(60 * MINUTE);
    expect(to.received).toHaveLength(2);
  });

  it('gives up on a receiver that does not answer', async () => {
    const b = await bench({ hookTimeoutMs: 50 });
    const to = await receiver(() => 'hang');
    const hook = b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url);
    b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.settled();
    expect(hook.log.map(({ responseStatus }) => responseStatus)).toEqual(['internal error', 'internal error']);
  });

  it('is switched off after the fourth failure in a row, for a minute and then twice as long, and for good after forty', async () => {
    const b = await bench();
    let status = 500;
    const to = await receiver(() => ({ status }));
    const project = b.gitlab.createProject('acme/app');
    const hook = b.gitlab.createHook(project, to.url);
    const show = async () => (await b.call('GET', `/api/v4/projects/${project.id}/hooks/${hook.id}`)).json;
    const fire = async () => {
      b.gitlab.createPipeline(project, ONE);
      await b.clock.settled();
    };
    await fire();
    expect(await show()).toMatchObject({ alert_status: 'executable', disabled_until: null });
    await fire();
    expect(await show()).toMatchObject({ alert_status: 'temporarily_disabled', disabled_until: '2026-03-02T10:11:00.000Z' });
    await fire();
    expect(to.received).toHaveLength(4);
    await b.clock.advance(MINUTE);
    await fire();
    expect(hook.disabledUntil).toBe(b.clock.now() + 2 * MINUTE);
    hook.failures = 39;
    await b.clock.advance(2 * MINUTE);
    await fire();
    expect(await show()).toMatchObject({ alert_status: 'disabled' });
    status = 200;
    expect((await b.call('POST', `/api/v4/projects/${project.id}/hooks/${hook.id}/test/job_events`)).status).toBe(201);
    expect(await show()).toMatchObject({ alert_status: 'executable' });
  });

  it('forgets failures after one success, and never disables where that is switched off', async () => {
    const b = await bench({ autoDisableHooks: false });
    const to = await receiver(({ body }) => ({ status: body.includes('"created"') ? 500 : 503 }));
    const hook = b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url);
    for (let i = 0; i < 3; i++) b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.settled();
    expect([hook.failures, hook.disabledUntil, to.received.length]).toEqual([6, undefined, 6]);
  });

  it.each([
    { name: 'a 302 turns the POST into a GET', status: 302, methods: ['POST', 'GET'] },
    { name: 'a 307 keeps it', status: 307, methods: ['POST', 'POST'] },
  ])('follows a redirect on the same host: $name', async ({ status, methods }) => {
    const b = await bench();
    const to = await receiver(({ path }) => (path === '/hook' ? { status, headers: { location: '/there' } } : { status: 200 }));
    const project = b.gitlab.createProject('acme/app');
    const hook = b.gitlab.createHook(project, to.url, { jobEvents: false });
    const [job] = b.gitlab.createPipeline(project, ONE).jobs;
    await b.gitlab.hookDispatcher.test(hook, job ?? expect.fail('no job'));
    expect(to.received.map(({ method }) => method)).toEqual(methods);
  });

  it('does not carry its secrets to another host', async () => {
    const b = await bench();
    const stranger = await receiver();
    const to = await receiver(() => ({ status: 307, headers: { location: stranger.url } }));
    b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url, { token: 'plain' });
    b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.settled();
    expect([to.received.length, stranger.received.length]).toEqual([2, 0]);
  });
});

describe('what happens on the way', () => {
  it.each([
    { name: 'all lost', faults: { loss: 1 }, at: 0, sent: 0 },
    { name: 'all doubled', faults: { duplicate: 1 }, at: 0, sent: 4 },
    { name: 'all late, too early to see them', faults: { delayMs: 10 * MINUTE }, at: 0, sent: 0 },
    { name: 'all late, at last', faults: { delayMs: 10 * MINUTE }, at: 10 * MINUTE, sent: 2 },
  ])('$name', async ({ faults, at, sent }) => {
    const b = await bench();
    const to = await receiver();
    b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url);
    b.gitlab.hookFaults(faults);
    b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.advance(at);
    expect(to.received).toHaveLength(sent);
  });

  it('lets later ones overtake', async () => {
    const b = await bench({ random: seeded(3), hookConcurrency: 1 });
    const to = await receiver();
    b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url);
    b.gitlab.hookFaults({ reorder: 0.5 });
    for (let i = 0; i < 10; i++) b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.advance(MINUTE);
    const ids = to.received.map(({ body }) => Number(JSON.parse(body).build_id));
    expect(ids).toHaveLength(20);
    expect(ids).not.toEqual([...ids].sort((x, y) => x - y));
  });

  it('doubles with the same key, so that a receiver can tell', async () => {
    const b = await bench();
    const to = await receiver();
    b.gitlab.createHook(b.gitlab.createProject('acme/app'), to.url);
    b.gitlab.hookFaults({ duplicate: 1 });
    b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.settled();
    expect(new Set(to.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  });
});

describe('the API of hooks', () => {
  it('creates, lists, changes and deletes, and never shows a secret', async () => {
    const b = await bench();
    const { id } = b.gitlab.createProject('acme/app');
    const path = `/api/v4/projects/${id}/hooks`;
    const signing_token = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    const made = await b.call('POST', path, {
      body: { url: 'https://fn.example/hook', name: 'scaler', job_events: true, push_events: false, token: 'plain', signing_token },
    });
    expect([made.status, made.json]).toMatchObject([
      201,
      {
        url: 'https://fn.example/hook',
        name: 'scaler',
        job_events: true,
        push_events: false,
        token_present: true,
        signing_token_present: true,
      },
    ]);
    expect(made.text).not.toMatch(/plain|whsec_/);
    const hook = `${path}/${Id.parse(made.json).id}`;
    expect((await b.call('GET', path)).json).toMatchObject([{ alert_status: 'executable' }]);
    expect((await b.call('PUT', hook, { body: { job_events: false } })).status).toBe(400);
    const moved = await b.call('PUT', hook, { body: { url: 'https://other.example/hook' } });
    expect(moved.json).toMatchObject({ url: 'https://other.example/hook', token_present: false, signing_token_present: false });
    expect((await b.call('DELETE', hook)).status).toBe(204);
    expect((await b.call('GET', hook)).status).toBe(404);
  });

  it('subscribes to pushes unless told not to', async () => {
    const b = await bench();
    const { id } = b.gitlab.createProject('acme/app');
    const made = await b.call('POST', `/api/v4/projects/${id}/hooks`, { body: { url: 'https://fn.example/hook' } });
    expect(made.json).toMatchObject({ push_events: true, job_events: false });
  });

  it('takes a signing token and forgets it before 19.0', async () => {
    const b = await bench({ signing: false });
    const { id } = b.gitlab.createProject('acme/app');
    const made = await b.call('POST', `/api/v4/projects/${id}/hooks`, {
      body: { url: 'https://fn.example/hook', signing_token: 'whsec_x' },
    });
    expect(made.status).toBe(201);
    expect(made.json).not.toHaveProperty('signing_token_present');
  });

  it('keeps the events and sends one again with its key', async () => {
    const b = await bench();
    const status = 503;
    const to = await receiver(() => ({ status }));
    const { id } = b.gitlab.createGroup('acme');
    const hook = b.gitlab.createHook(b.gitlab.createGroup('acme'), to.url, { token: 'plain' });
    b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.settled();
    const path = `/api/v4/groups/${id}/hooks/${hook.id}/events`;
    const events = z.array(Id).parse((await b.call('GET', `${path}?status=server_failure`)).json);
    expect(events).toHaveLength(2);
    expect((await b.call('GET', `${path}?status=successful`)).json).toEqual([]);
    expect((await b.call('GET', path)).text).not.toContain('plain');
  });

  it('tests with a job, or says that there is none', async () => {
    const b = await bench();
    const to = await receiver();
    const project = b.gitlab.createProject('acme/app');
    const path = `/api/v4/projects/${project.id}/hooks/${b.gitlab.createHook(project, to.url).id}/test/job_events`;
    expect((await b.call('POST', path)).status).toBe(422);
    b.gitlab.createPipeline(project, ONE);
    expect((await b.call('POST', path)).status).toBe(201);
  });

  it('has no group hooks in the free tier', async () => {
    const b = await bench({ groupHooks: false });
    const { id } = b.gitlab.createGroup('acme');
    expect((await b.call('POST', `/api/v4/groups/${id}/hooks`, { body: { url: 'https://fn.example/hook' } })).status).toBe(403);
  });
});
