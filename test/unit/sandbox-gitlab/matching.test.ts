import { describe, expect, it } from 'vitest';
import type { JobSpec, PipelineOptions, RunnerFields } from '../../../sandbox/gitlab/model.ts';
import { addRunner, bench } from './server.ts';

interface Row {
  readonly name: string;
  readonly runner?: Partial<RunnerFields>;
  readonly group?: string;
  readonly job?: Partial<JobSpec>;
  readonly pipeline?: PipelineOptions;
  readonly taken: boolean;
}

const rows: readonly Row[] = [
  { name: 'the same tag', taken: true },
  { name: 'more tags on the runner', runner: { tags: ['docker', 'pool-a', 'big'] }, taken: true },
  { name: 'a tag that the runner lacks', job: { tags: ['pool-a', 'gpu'] }, taken: false },
  { name: 'a tag in another case', job: { tags: ['Pool-A'] }, taken: false },
  { name: 'no tags and a runner for tagged jobs', job: { tags: [] }, taken: false },
  { name: 'no tags and a runner for untagged jobs', job: { tags: [] }, runner: { runUntagged: true }, taken: true },
  { name: 'an open ref and a runner for protected refs', runner: { protectedOnly: true }, taken: false },
  { name: 'a protected ref and a runner for protected refs', runner: { protectedOnly: true }, pipeline: { protected: true }, taken: true },
  { name: 'a protected ref and a runner for all', pipeline: { protected: true }, taken: true },
  { name: 'a runner of the group above', group: 'acme', taken: true },
  { name: 'a runner of the own group', group: 'acme/sub', taken: true },
  { name: 'a runner of a group whose name only begins alike', group: 'acme/su', taken: false },
  { name: 'a runner of another group', group: 'other', taken: false },
  { name: 'a locked runner', runner: { locked: true }, taken: true },
];

describe('which runner may take which job', () => {
  it.each(rows)('$name: $taken', async ({ runner, group, job, pipeline, taken }) => {
    const b = await bench();
    const place: Partial<RunnerFields> = group === undefined ? {} : { type: 'group_type', group: b.gitlab.createGroup(group) };
    const { token } = addRunner(b.gitlab, { ...runner, ...place });
    b.gitlab.createPipeline('acme/sub/app', [{ name: 'compile', tags: ['pool-a'], ...job }], pipeline);
    const answer = await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token } });
    expect(answer.status).toBe(taken ? 201 : 204);
  });

  it.each([
    { name: 'a project with CI switched off', change: { buildsEnabled: false } },
    { name: 'a project without group runners', change: { groupRunnersEnabled: false } },
  ])('gives nothing from $name', async ({ change }) => {
    const b = await bench();
    Object.assign(b.gitlab.createProject('acme/app'), change);
    const { token } = addRunner(b.gitlab, { type: 'group_type', group: b.gitlab.createGroup('acme') });
    b.gitlab.createPipeline('acme/app', [{ name: 'compile', tags: ['pool-a'] }]);
    expect((await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token } })).status).toBe(204);
  });

  it('keeps a project runner to its project', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab, { type: 'project_type', project: b.gitlab.createProject('acme/one') });
    b.gitlab.createPipeline('acme/two', [{ name: 'compile', tags: ['pool-a'] }]);
    expect((await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token } })).status).toBe(204);
    b.gitlab.createPipeline('acme/one', [{ name: 'compile', tags: ['pool-a'] }]);
    expect((await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token } })).status).toBe(201);
  });
});

describe('stages', () => {
  it('starts the next stage when the one before has succeeded', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const pipeline = b.gitlab.createPipeline('acme/app', [
      { name: 'one', stage: 'build', tags: ['pool-a'] },
      { name: 'two', stage: 'test', tags: ['pool-a'] },
    ]);
    const states = () => pipeline.jobs.map(({ status }) => status);
    expect([...states(), pipeline.status]).toEqual(['pending', 'created', 'pending']);
    await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token } });
    expect([...states(), pipeline.status]).toEqual(['running', 'created', 'running']);
    await b.call('PUT', `/api/v4/jobs/${pipeline.jobs[0]?.id}`, { token: '', body: { token: pipeline.jobs[0]?.token, state: 'success' } });
    expect([...states(), pipeline.status]).toEqual(['success', 'pending', 'running']);
  });

  it('skips what is behind a failure, and gives it another chance on retry', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const pipeline = b.gitlab.createPipeline('acme/app', [
      { name: 'one', stage: 'build', tags: ['pool-a'] },
      { name: 'two', stage: 'test', tags: ['pool-a'] },
    ]);
    await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token } });
    await b.call('PUT', `/api/v4/jobs/${pipeline.jobs[0]?.id}`, { token: '', body: { token: pipeline.jobs[0]?.token, state: 'failed' } });
    expect([pipeline.jobs[1]?.status, pipeline.status]).toEqual(['skipped', 'failed']);
    const answer = await b.call('POST', `/api/v4/projects/acme%2Fapp/jobs/${pipeline.jobs[0]?.id}/retry`);
    expect([answer.status, answer.json]).toMatchObject([201, { name: 'one', status: 'pending' }]);
    expect(pipeline.jobs.map(({ status }) => status)).toEqual(['failed', 'created', 'pending']);
    expect((await b.call('POST', `/api/v4/projects/acme%2Fapp/jobs/${pipeline.jobs[0]?.id}/retry`)).status).toBe(403);
  });

  it('forgives a job that may fail', async () => {
    const b = await bench();
    const { token } = addRunner(b.gitlab);
    const pipeline = b.gitlab.createPipeline('acme/app', [
      { name: 'one', stage: 'build', tags: ['pool-a'], allowFailure: true },
      { name: 'two', stage: 'test', tags: ['pool-a'] },
    ]);
    await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token } });
    await b.call('PUT', `/api/v4/jobs/${pipeline.jobs[0]?.id}`, { token: '', body: { token: pipeline.jobs[0]?.token, state: 'failed' } });
    expect(pipeline.jobs[1]?.status).toBe('pending');
  });
});
