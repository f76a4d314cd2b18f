import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { SteppedClock } from '../../../sandbox/clock.ts';
import type { FunctionHandler } from '../../../sandbox/functiongraph/functiongraph.ts';
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts';
import { START } from './bench.ts';
import { ask, sdkHeaders } from './client.ts';
import { order } from './orders.ts';

const MINUTE = 60_000;

let sandbox: Sandbox;
let clock: SteppedClock;
const events: string[] = [];
afterEach(async () => {
  events.length = 0;
  await sandbox.close();
});

async function start(options: Partial<Parameters<typeof startSandbox>[0]> = {}): Promise<void> {
  clock = new SteppedClock(START);
  sandbox = await startSandbox({ clock, onEvent: (e) => events.push(e.kind), ...options });
}

function otc(method: string, path: string, body: unknown): ReturnType<typeof ask> {
  const request = { method, body: JSON.stringify(body) };
  const headers = sdkHeaders(sandbox.credentials, clock.now(), new URL(sandbox.urls.otc).host, request, path);
  return ask(sandbox.urls.otc, path, { ...request, headers });
}

/** A runner in GitLab, its configuration in OBS, and a server that finds it there. */
async function launch(name: string): Promise<void> {
  const { credentials, bucket, projectId, urls } = sandbox;
  const runner = sandbox.gitlab.createRunner({
    type: 'project_type',
    project: sandbox.gitlab.createProject('os/image'),
    description: name,
    tags: ['bitbake'],
    runUntagged: false,
    locked: false,
    paused: false,
    protectedOnly: false,
    maximumTimeout: undefined,
    maintenanceNote: undefined,
  });
  const config = `[[runners]]\nname = "${name}"\nurl = "${urls.gitlab}"\ntoken = "${runner.token}"\nexecutor = "docker"\n`;
  sandbox.obs.bucket(bucket).put(`handoff/${name}`, Buffer.from(config), {});
  const expires = clock.now() / 1000 + 600;
  const signature = createHmac('sha1', credentials.secretKey).update(`GET\n\n\n${expires}\n/${bucket}/handoff/${name}`).digest('base64');
  const query = `AccessKeyId=${credentials.accessKey}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`;
  const userData = `#!/bin/sh\ncurl '${urls.obs}/${bucket}/handoff/${name}?${query}' > config.toml\ngitlab-runner run-single --max-builds 1 --wait-timeout 900\n`;
  const body = order({ name, user_data: Buffer.from(userData).toString('base64') });
  expect((await otc('POST', `/v1/${projectId}/cloudservers`, body)).status).toBe(200);
}

describe('the whole sandbox', () => {
  it('boots a server whose worker fetches its handoff, runs a job and powers itself off', async () => {
    await start();
    await launch('ci-1');
    const pipeline = sandbox.gitlab.createPipeline('os/image', [{ name: 'build', tags: ['bitbake'], durationMs: 30 * MINUTE }]);
    await clock.advance(60 * MINUTE);
    expect(pipeline.jobs.map((job) => job.status)).toEqual(['success']);
    expect(sandbox.ecs.all().map((vm) => [vm.name, vm.status])).toEqual([['ci-1', 'SHUTOFF']]);
    const seen = ['server-created', 'server-active', 'job-running', 'job-finished', 'worker-exit', 'server-off'];
    expect(events.filter((kind) => seen.includes(kind))).toEqual(seen);
  });

  it('ends the worker with its server: GitLab learns nothing, the world does', async () => {
    await start();
    await launch('ci-1');
    const pipeline = sandbox.gitlab.createPipeline('os/image', [{ name: 'build', tags: ['bitbake'], durationMs: 30 * MINUTE }]);
    await clock.advance(10 * MINUTE);
    const [vm] = sandbox.ecs.all();
    await otc('POST', `/v1/${sandbox.projectId}/cloudservers/delete`, { servers: [{ id: vm?.id }], delete_publicip: true });
    await clock.advance(10 * MINUTE);
    expect([pipeline.jobs.map((job) => job.status), sandbox.gitlab.killedJobs.length]).toEqual([['running'], 1]);
    expect(sandbox.ecs.all()).toEqual([]);
  });

  it('carries a hook through the gateway to a function that wakes another', async () => {
    await start();
    const woken: unknown[] = [];
    const wake = `/v2/${sandbox.projectId}/fgs/functions/urn:fss:eu-de:${sandbox.projectId}:function:default:scaler/invocations-async`;
    const webhook: FunctionHandler = async () => {
      await otc('POST', wake, { reason: 'hook' });
      return { statusCode: 200, headers: {}, body: '', isBase64Encoded: false };
    };
    sandbox.functions.register({ name: 'webhook', handler: webhook });
    sandbox.functions.register({ name: 'scaler', maxInstances: 1, handler: async (event) => woken.push(event) });
    sandbox.gateway.publish({ functionName: 'webhook', path: '/gitlab', method: 'POST' });
    const project = sandbox.gitlab.createProject('os/image');
    const hook = sandbox.gitlab.createHook(project, `${sandbox.urls.gateway}/gitlab`);
    sandbox.gitlab.createPipeline(project, [{ name: 'build', tags: ['bitbake'] }]);
    await clock.advance(1000);
    expect(woken.length).toBeGreaterThan(0);
    expect([woken[0], hook.failures]).toEqual([{ reason: 'hook' }, 0]);
  });

  it('does not start when one of its four ports is taken', async () => {
    await start();
    const taken = Number(new URL(sandbox.urls.gateway).port);
    await expect(startSandbox({ clock, port: taken - 3 })).rejects.toThrow('EADDRINUSE');
  });
});
