import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { addRunner, type Bench, bench, HOUR, MINUTE, TWO_PHASE } from './server.ts';

const Taken = z.object({ id: z.int(), token: z.string() });

async function request(b: Bench, token: string, info: unknown = TWO_PHASE, lastUpdate = '') {
  return b.call('POST', '/api/v4/jobs/request', { token: '', body: { token, system_id: 's_0123456789ab', info, last_update: lastUpdate } });
}

async function take(b: Bench, token: string, info: unknown = TWO_PHASE) {
  const answer = await request(b, token, info);
  expect(answer.status).toBe(201);
  const taken = Taken.parse(answer.json);
  const update = (state: string, rest: object = {}) =>
    b.call('PUT', `/api/v4/jobs/${taken.id}`, { token: '', body: { token: taken.token, state, ...rest } });
  const patch = (text: string, from: number, jobToken = taken.token) =>
    b.call('PATCH', `/api/v4/jobs/${taken.id}/trace?debug_trace=false`, {
      token: '',
      body: text,
      headers: { 'content-type': 'text/plain', 'content-range': `${from}-${from + text.length - 1}`, 'job-token': jobToken },
    });
  const job = b.gitlab.jobs.all.get(taken.id);
  if (!job) throw new Error('the job that was handed out is unknown');
  return { ...taken, update, patch, job };
}

const ONE = [{ name: 'compile', tags: ['pool-a'] }] as const;

describe('runner tokens', () => {
  it('verifies a runner without counting it as a contact', async () => {
    const b = await bench();
    const runner = addRunner(b.gitlab);
    const answer = await b.call('POST', '/api/v4/runners/verify', { token: '', body: { token: runner.token } });
    expect(answer).toMatchObject({ status: 200, json: { id: runner.id, token: runner.token } });
    expect(runner.contactedAt).toBeUndefined();
  });

  it('refuses one that has expired, and says before when that is', async () => {
    const b = await bench({ runnerTokenLifeMs: 7_200_000 });
    const runner = addRunner(b.gitlab);
    const verify = () => b.call('POST', '/api/v4/runners/verify', { token: '', body: { token: runner.token } });
    const ends = new Date(b.clock.now() + 7_200_000).toISOString();
    expect(await verify()).toMatchObject({ status: 200, json: { token_expires_at: ends } });
    await b.clock.advance(7_199_999);
    expect((await verify()).status).toBe(200);
    await b.clock.advance(1);
    expect((await verify()).status).toBe(403);
    const asked = await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token: runner.token } });
    expect([asked.status, runner.contactedAt]).toEqual([403, undefined]);
  });

  it.each([
    ['verify', 'POST', '/api/v4/runners/verify'],
    ['job request', 'POST', '/api/v4/jobs/request'],
  ])('refuses an unknown token: %s', async (_, method, path) => {
    const b = await bench();
    expect((await b.call(method, path, { token: '', body: { token: 'glrt-none' } })).status).toBe(403);
  });
});

describe('asking for a job', () => {
  it('answers 204 with the queue value, and skips the queue while that is unchanged', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const value = (await request(b, token)).headers.get('x-gitlab-last-update') ?? '';
    expect((await request(b, token, TWO_PHASE, value)).status).toBe(204);
    b.gitlab.createPipeline('acme/app', ONE);
    expect((await request(b, token, TWO_PHASE, value)).status).toBe(201);
  });

  it('hands out the oldest job with all that a runner needs', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const { jobs } = b.gitlab.createPipeline('acme/app', [
      { name: 'first', tags: ['pool-a'], durationMs: 90_000, result: 'failed', image: 'debian:12', variables: { MACHINE: 'qemu' } },
      { name: 'second', tags: ['pool-a'] },
    ]);
    expect((await request(b, token)).json).toMatchObject({
      id: jobs[0]?.id,
      token: jobs[0]?.token,
      job_info: { name: 'first', stage: 'test', project_full_path: 'acme/app' },
      git_info: { ref: 'main', ref_type: 'branch' },
      runner_info: { timeout: 3600 },
      variables: expect.arrayContaining([
        { key: 'MACHINE', value: 'qemu', public: true, masked: false },
        { key: 'CI_SERVER_URL', value: b.url, public: true, masked: false },
      ]),
      steps: [{ name: 'script', script: [`echo "job ${jobs[0]?.id}"`, 'sleep 90', 'exit 1'], when: 'on_success' }],
      image: { name: 'debian:12' },
      services: [],
      cache: [],
      features: { trace_sections: true },
    });
  });

  it('gives each job to one runner only', async () => {
    const b = await bench();
    const [one, two] = [addRunner(b.gitlab), addRunner(b.gitlab)];
    b.gitlab.createPipeline('acme/app', ONE);
    const statuses = await Promise.all([request(b, one.token), request(b, two.token)]);
    expect(statuses.map(({ status }) => status).sort()).toEqual([201, 204]);
  });

  it('gives nothing to a paused runner', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab, { paused: true });
    b.gitlab.createPipeline('acme/app', ONE);
    expect((await request(b, token)).status).toBe(204);
  });

  it('still gives a job when the pause comes after the look at it', async () => {
    const b = await bench();
    const runner = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    let open = () => {};
    const held = new Promise<void>((resolve) => {
      b.gitlab.holdJobRequest = () => {
        resolve();
        return new Promise((go) => {
          open = go;
        });
      };
    });
    const asking = request(b, runner.token);
    await held;
    expect((await b.call('PUT', `/api/v4/runners/${runner.id}`, { body: { paused: true } })).json).toMatchObject({ paused: true });
    open();
    expect((await asking).status).toBe(201);
  });
});

describe('the life of a job', () => {
  it('runs at once for a runner without two phases', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    const { job, update } = await take(b, token, { features: {} });
    expect(job.status).toBe('running');
    expect((await update('pending')).status).toBe(400);
    expect((await update('running')).status).toBe(200);
  });

  it('stays pending on its runner until that confirms', async () => {
    const b = await bench();
    const runner = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    const { job, update } = await take(b, runner.token);
    expect(job).toMatchObject({ status: 'pending', runner: { id: runner.id } });
    expect((await update('success')).status).toBe(400);
    expect((await update('running')).headers.get('job-status')).toBe('running');
    expect(job).toMatchObject({ status: 'running', unconfirmedSince: undefined });
  });

  it('counts the first piece of trace as confirmation', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    const { job, patch } = await take(b, token);
    expect((await patch('hello', 0)).status).toBe(202);
    expect(job.status).toBe('running');
  });

  it('is given up and retried as a new job without confirmation in two minutes', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const pipeline = b.gitlab.createPipeline('acme/app', ONE);
    const { job, update } = await take(b, token);
    await b.clock.advance(2 * MINUTE);
    expect(job).toMatchObject({ status: 'failed', failureReason: 'runner_provisioning_timeout', retried: true });
    expect(pipeline.jobs.at(-1)).toMatchObject({ status: 'pending', retries: 1 });
    expect(pipeline.jobs.at(-1)?.runner).toBeUndefined();
    expect(await update('running')).toMatchObject({ status: 403 });
  });

  it('is waited for longer when the runner says that it still prepares', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    const { job, update } = await take(b, token);
    await b.clock.advance(MINUTE);
    expect((await update('pending')).status).toBe(200);
    await b.clock.advance(1.5 * MINUTE);
    expect(job.status).toBe('pending');
    await b.clock.advance(MINUTE);
    expect(job.status).toBe('failed');
  });

  it.each([
    { name: 'success', report: { state: 'success' }, expected: { status: 'success', failureReason: undefined } },
    {
      name: 'failure of the script',
      report: { state: 'failed', failure_reason: 'script_failure', exit_code: 2 },
      expected: { status: 'failed', failureReason: 'script_failure', exitCode: 2 },
    },
    { name: 'failure without a reason', report: { state: 'failed' }, expected: { status: 'failed', failureReason: 'unknown_failure' } },
  ])('ends with $name', async ({ report, expected }) => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    const { job, update } = await take(b, token);
    await update('running');
    await b.clock.advance(MINUTE);
    expect((await update(report.state, report)).status).toBe(200);
    expect(job).toMatchObject(expected);
    expect((job.finishedAt ?? 0) - (job.startedAt ?? 0)).toBe(MINUTE);
    expect(await update('running')).toMatchObject({ status: 403, json: { message: '403 Forbidden - Job is not running' } });
  });

  it('collects the trace and refuses a gap', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    const { job, patch } = await take(b, token);
    const first = await patch('hello ', 0);
    expect([first.headers.get('range'), first.headers.get('job-status'), first.headers.get('x-gitlab-trace-update-interval')]).toEqual([
      '0-6',
      'running',
      '60',
    ]);
    expect((await patch('hello ', 0)).status).toBe(202);
    const gap = await patch('gitlab', 8);
    expect([gap.status, gap.headers.get('range')]).toEqual([416, '0-6']);
    await patch('gitlab', 6);
    expect(job.trace.toString()).toBe('hello gitlab');
    expect(
      (await b.call('PATCH', `/api/v4/jobs/${job.id}/trace`, { token: '', body: 'x', headers: { 'job-token': job.token } })).status,
    ).toBe(400);
  });

  it('refuses a wrong job token', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    const { id, patch } = await take(b, token);
    expect((await patch('x', 0, 'wrong')).status).toBe(403);
    expect((await b.call('PUT', `/api/v4/jobs/${id}`, { token: '', body: { token: 'wrong', state: 'success' } })).status).toBe(403);
  });

  it('tells a runner that can stop gracefully to do so, and ends as canceled whatever it reports', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const pipeline = b.gitlab.createPipeline('acme/app', ONE);
    const { job, update, patch } = await take(b, token);
    await update('running');
    b.gitlab.cancelPipeline(pipeline);
    expect((await patch('x', 0)).headers.get('job-status')).toBe('canceling');
    await update('failed', { failure_reason: 'job_canceled' });
    expect(job.status).toBe('canceled');
  });

  it('is taken from any other runner at once', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const pipeline = b.gitlab.createPipeline('acme/app', ONE);
    const { update } = await take(b, token, { features: {} });
    b.gitlab.cancelPipeline(pipeline);
    const answer = await update('running');
    expect([answer.status, answer.headers.get('job-status')]).toEqual([403, 'canceled']);
  });

  it('outlives its runner, without a link to it', async () => {
    const b = await bench();
    const runner = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', ONE);
    const { job, update } = await take(b, runner.token);
    await update('running');
    expect((await b.call('DELETE', `/api/v4/runners/${runner.id}`)).status).toBe(204);
    expect((await request(b, runner.token)).status).toBe(403);
    expect(job).toMatchObject({ status: 'running', runner: undefined });
    expect((await update('success')).status).toBe(200);
    expect(job.status).toBe('success');
  });
});

describe('jobs that nobody works on', () => {
  it('fails a job that waited an hour without a matching runner online', async () => {
    const b = await bench();
    addRunner(b.gitlab);
    const { jobs } = b.gitlab.createPipeline('acme/app', ONE);
    await b.clock.advance(HOUR);
    expect(jobs[0]?.status).toBe('pending');
    await b.clock.advance(HOUR);
    expect(jobs[0]).toMatchObject({ status: 'failed', failureReason: 'stuck_pending_no_matching_runners' });
  });

  it('lets it wait for a day when a matching runner was there lately', async () => {
    const b = await bench();
    const runner = addRunner(b.gitlab);
    const { jobs } = b.gitlab.createPipeline('acme/app', ONE);
    for (let hour = 0; hour < 23; hour++) {
      runner.contactedAt = b.clock.now();
      await b.clock.advance(HOUR);
    }
    expect(jobs[0]?.status).toBe('pending');
    runner.contactedAt = b.clock.now();
    await b.clock.advance(2 * HOUR);
    expect(jobs[0]).toMatchObject({ status: 'failed', failureReason: 'stuck_pending_with_matching_runners' });
  });

  it('fails a running job after an hour of silence, and only then', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    b.gitlab.createPipeline('acme/app', [{ name: 'long', tags: ['pool-a'], timeoutSeconds: 4 * 3600 }]);
    const { job, patch } = await take(b, token);
    await patch('x', 0);
    await b.clock.advance(30 * MINUTE);
    await patch('y', 1);
    await b.clock.advance(40 * MINUTE);
    expect(job.status).toBe('running');
    await b.clock.advance(HOUR);
    expect(job).toMatchObject({ status: 'failed', failureReason: 'no_updates_running' });
  });
});
