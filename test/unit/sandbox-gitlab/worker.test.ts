import { describe, expect, it } from 'vitest';
import type { SimulatedVm } from '../../../sandbox/context.ts';
import type { Fault } from '../../../sandbox/faults.ts';
import type { JobSpec } from '../../../sandbox/gitlab/model.ts';
import { handoffUrl, limitsOf } from '../../../sandbox/worker/handoff.ts';
import { runWorker, type WorkerOptions } from '../../../sandbox/worker/worker.ts';
import { handoffServer } from './handoff.ts';
import { addRunner, bench, HOUR, MINUTE, START } from './server.ts';

const SECOND = 1000;

/** A time in a header, seconds after the start of the bench. */
function at(seconds: number): string {
  return new Date(START + seconds * SECOND).toUTCString();
}

/** GitLab, a handoff and a VM; the worker on it is started at once. */
async function started(options: WorkerOptions & { flags?: string; broken?: boolean; jobs?: readonly JobSpec[]; held?: boolean } = {}) {
  const { flags = '--max-builds 2 --wait-timeout 600', broken = false, jobs = [], held = true, ...worker } = options;
  const b = await bench({ longPollMs: held ? 50 * SECOND : 0 });
  const runner = addRunner(b.gitlab);
  const handoff = await handoffServer(
    broken
      ? 'not = [valid'
      : `concurrent = 1\n[[runners]]\n  name = "w"\n  url = "${b.url}"\n  token = "${runner.token}"\n  executor = "docker"\n`,
  );
  const pipeline = b.gitlab.createPipeline('acme/app', jobs);
  const gone = new AbortController();
  let off: number | undefined;
  let printed = '';
  const vm: SimulatedVm = {
    id: 'vm-1',
    name: 'pool-a-1',
    userData: `#cloud-config\nruncmd:\n - curl -fsS '${handoff.url}'\n - exec gitlab-runner run-single -c /x ${flags}\n`,
    gone: gone.signal,
    console: (text) => {
      printed += text;
    },
    powerOff: () => {
      off = b.clock.now();
    },
  };
  const start = b.clock.now();
  void b.clock.track(runWorker(vm, b.ctx, { gitlab: b.gitlab, ...worker }));
  return {
    ...b,
    runner,
    jobs: pipeline.jobs,
    gone,
    handoff,
    off: () => off,
    offAfter: () => (off === undefined ? undefined : off - start),
    printed: () => printed,
  };
}

const job = (name: string, rest: Partial<JobSpec> = {}): JobSpec => ({ name, tags: ['pool-a'], ...rest });

describe('a simulated worker', () => {
  it('boots, works its jobs off and powers off after the last one it may do', async () => {
    const w = await started({
      jobs: [job('a', { durationMs: 5 * MINUTE }), job('b', { durationMs: 30 * SECOND, result: 'failed' }), job('c')],
    });
    await w.clock.advance(89 * SECOND);
    expect(w.runner.contactedAt).toBeUndefined();
    await w.clock.advance(HOUR);
    expect(w.jobs.map(({ status }) => status)).toEqual(['success', 'failed', 'pending']);
    expect(w.jobs[0]).toMatchObject({
      startedAt: (w.jobs[0]?.createdAt ?? 0) + 90 * SECOND,
      finishedAt: (w.jobs[0]?.createdAt ?? 0) + 390 * SECOND,
    });
    expect(w.jobs[1]).toMatchObject({ failureReason: 'script_failure', exitCode: 1 });
    expect(w.offAfter()).toBe(420 * SECOND);
    expect(w.jobs[0]?.trace.toString().split('\n')).toHaveLength(7);
  });

  // Measured with gitlab-runner 17.5.0 and 18.5.0: 3, 56 and 109 s after the last job where GitLab holds requests for 50 s.
  it.each([
    { timeout: 1, held: true, after: 3 },
    { timeout: 3, held: true, after: 56 },
    { timeout: 55, held: true, after: 56 },
    { timeout: 56, held: true, after: 109 },
    { timeout: 60, held: true, after: 109 },
    { timeout: 600, held: true, after: 639 },
    { timeout: 1, held: false, after: 3 },
    { timeout: 55, held: false, after: 57 },
    { timeout: 600, held: false, after: 603 },
  ])(
    'powers off between two requests: --wait-timeout $timeout, held $held, $after s after its last job',
    async ({ timeout, held, after }) => {
      const w = await started({ held, flags: `--max-builds=0 --wait-timeout=${timeout}`, jobs: [job('a', { durationMs: MINUTE })] });
      await w.clock.advance(HOUR);
      expect(w.offAfter()).toBe(90 * SECOND + MINUTE + after * SECOND);
    },
  );

  it('counts from its start where no job ever comes', async () => {
    const w = await started({ flags: '--wait-timeout=55' });
    await w.clock.advance(HOUR);
    expect(w.offAfter()).toBe(90 * SECOND + 56 * SECOND);
  });

  it('never leaves where it is told to stay', async () => {
    const w = await started({ stay: true, flags: '--max-builds 2 --wait-timeout=55', jobs: [job('a')] });
    await w.clock.advance(4 * HOUR);
    expect([w.jobs[0]?.status, w.offAfter()]).toEqual(['success', undefined]);
  });

  it.each([{ held: true }, { held: false }])('starts a job that comes later within the check interval: held $held', async ({ held }) => {
    const w = await started({ held });
    await w.clock.advance(120 * SECOND);
    const [late] = w.gitlab.createPipeline('acme/app', [job('late', { durationMs: HOUR })]).jobs;
    await w.clock.advance(3 * SECOND);
    expect(late?.status).toBe('running');
  });

  it('asks rarely while its requests are held', async () => {
    const w = await started();
    await w.clock.advance(90 * SECOND + 500 * SECOND);
    expect(w.ctx.faults.calls('gitlab.job-request')).toBe(11);
  });

  it.each([
    { diskMinFree: 5, offAfter: 90 },
    { diskMinFree: 0, offAfter: undefined },
  ])('leaves when its runner is refused, where it looks after its disk: min_free_gb $diskMinFree', async ({ diskMinFree, offAfter }) => {
    const w = await started({ flags: `--wait-timeout=0\n - DISK_MIN_FREE=${diskMinFree}` });
    w.ctx.faults.inject({ operation: 'gitlab.job-request', times: 1, status: 403 });
    await w.clock.advance(HOUR);
    expect(w.offAfter()).toBe(offAfter === undefined ? undefined : offAfter * SECOND);
  });

  it('never asks GitLab to verify it: run-single does not', async () => {
    const w = await started({ jobs: [job('a')] });
    await w.clock.advance(HOUR);
    expect([w.jobs[0]?.status, w.ctx.faults.calls('gitlab.verify')]).toEqual(['success', 0]);
  });

  it.each<{ name: string; fault: Partial<Fault>; after: number }>([
    { name: 'a limit that names its end', fault: { status: 429, headers: { 'RateLimit-ResetTime': at(210) } }, after: 120 },
    { name: 'a limit that names its end in the past', fault: { status: 429, headers: { 'RateLimit-ResetTime': at(10) } }, after: 60 },
    { name: 'a limit that names nothing', fault: { status: 429, code: 'application' }, after: 0.1 },
    { name: 'a server in trouble', fault: { status: 502 }, after: 0.1 },
    { name: 'a refusal that nothing cures', fault: { status: 410 }, after: 3 },
    { name: 'no answer at all', fault: { kind: 'reset' }, after: 300 },
    { name: 'a runner that is not welcome', fault: { status: 403 }, after: 300 },
  ])('is held up by $name for $after s', async ({ fault, after }) => {
    const w = await started({ jobs: [job('a', { durationMs: MINUTE })] });
    w.ctx.faults.inject({ operation: 'gitlab.job-request', times: 1, ...fault });
    await w.clock.advance(HOUR);
    expect((w.jobs[0]?.startedAt ?? 0) - (w.jobs[0]?.createdAt ?? 0)).toBe((90 + after) * SECOND);
  });

  it('vanishes with its VM, and GitLab is not told', async () => {
    const w = await started({ jobs: [job('a', { durationMs: HOUR })] });
    await w.clock.advance(10 * MINUTE);
    w.gone.abort();
    await w.clock.advance(10 * MINUTE);
    expect(w.jobs[0]?.status).toBe('running');
    expect(w.gitlab.killedJobs).toEqual([w.jobs[0]?.id]);
    expect(w.offAfter()).toBeUndefined();
  });

  it('ends without a trace when the VM goes while it boots or waits', async () => {
    const w = await started();
    await w.clock.advance(MINUTE);
    w.gone.abort();
    await w.clock.advance(HOUR);
    expect([w.runner.contactedAt, w.offAfter(), w.gitlab.killedJobs]).toEqual([undefined, undefined, []]);
  });

  it('stops a job that is cancelled, and goes on with the next', async () => {
    const w = await started({ jobs: [job('a', { durationMs: HOUR })] });
    await w.clock.advance(2 * MINUTE);
    if (w.jobs[0]) w.gitlab.jobs.cancel(w.jobs[0]);
    expect(w.jobs[0]?.status).toBe('canceling');
    const [next] = w.gitlab.createPipeline('acme/app', [job('next')]).jobs;
    await w.clock.advance(2 * MINUTE);
    expect([w.jobs[0]?.status, next?.status]).toEqual(['canceled', 'success']);
  });

  it('gives up a job that takes longer than it may', async () => {
    const w = await started({ jobs: [job('a', { durationMs: HOUR, timeoutSeconds: 600 })] });
    await w.clock.advance(20 * MINUTE);
    expect(w.jobs[0]).toMatchObject({ status: 'failed', failureReason: 'job_execution_timeout' });
  });

  it.each([
    { timeout: 55, after: 300 },
    { timeout: 600, after: 600 },
  ])(
    'considers itself unhealthy when its runner is deleted: gone some $after s later, --wait-timeout $timeout',
    async ({ timeout, after }) => {
      const w = await started({ flags: `--max-builds 2 --wait-timeout ${timeout}` });
      await w.clock.advance(95 * SECOND);
      w.gitlab.deleteRunner(w.runner);
      const deleted = w.clock.now();
      await w.clock.advance(HOUR);
      expect(w.ctx.faults.calls('gitlab.job-request')).toBeLessThan(6);
      // The request that is held when it happens ends early, and the next one is refused.
      expect((w.off() ?? 0) - deleted).toBe((after + 3) * SECOND);
    },
  );

  it('finishes a job though GitLab stumbles', async () => {
    const w = await started({ jobs: [job('a', { durationMs: MINUTE })] });
    w.ctx.faults.inject({ operation: 'gitlab.job-request', times: 2, status: 502 });
    w.ctx.faults.inject({ operation: 'gitlab.job-update', times: 2, status: 500 });
    w.ctx.faults.inject({ operation: 'gitlab.trace', times: 1, kind: 'lost' });
    await w.clock.advance(10 * MINUTE);
    expect(w.jobs[0]?.status).toBe('success');
  });

  it('hangs on request: the job stays with it until GitLab loses patience', async () => {
    const w = await started({ mode: 'hangs', jobs: [job('a', { durationMs: MINUTE })] });
    await w.clock.advance(HOUR);
    expect([w.jobs[0]?.status, w.offAfter()]).toEqual(['running', undefined]);
    await w.clock.advance(HOUR);
    expect(w.jobs[0]).toMatchObject({ status: 'failed', failureReason: 'no_updates_running' });
  });

  it.each([
    { name: 'a broken boot', options: { mode: 'broken-boot' } as const, offAfter: undefined, fetched: 0 },
    { name: 'missing caches', options: { mode: 'cache-missing' } as const, offAfter: 90 * SECOND, fetched: 0 },
    { name: 'a handoff that cannot be read', options: { broken: true }, offAfter: 140 * SECOND, fetched: 5 },
    { name: 'a slower boot', options: { bootMs: () => 300 * SECOND }, offAfter: 939 * SECOND, fetched: 1 },
  ])('never takes a job after $name', async ({ options, offAfter, fetched }) => {
    const w = await started(options);
    await w.clock.advance(HOUR);
    expect([w.offAfter(), w.handoff.received.length]).toEqual([offAfter, fetched]);
  });
});

describe('user data', () => {
  it.each([
    {
      name: 'the first signed address',
      text: 'curl http://x/plain; curl "https://b.obs/o?AccessKeyId=A&Expires=1&Signature=ab%2B=" x',
      url: 'https://b.obs/o?AccessKeyId=A&Expires=1&Signature=ab%2B=',
    },
    { name: 'another kind of signature', text: "URL='https://b/o?X-Amz-Signature=ab'", url: 'https://b/o?X-Amz-Signature=ab' },
    { name: 'none', text: 'curl https://b/o?sig=1', url: undefined },
  ])('yields $name', ({ text, url }) => {
    expect(handoffUrl(text)).toBe(url);
  });

  it('yields the limits', () => {
    expect(limitsOf("run-single --max-builds=3 --wait-timeout '45'")).toEqual({
      maxBuilds: 3,
      waitTimeoutMs: 45_000,
      leavesRefused: false,
    });
    expect(limitsOf('run-single')).toEqual({ maxBuilds: 0, waitTimeoutMs: 0, leavesRefused: false });
  });
});
