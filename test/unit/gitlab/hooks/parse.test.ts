import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JobHook, parseHook } from '../../../../lib/gitlab/hooks/parse.ts';

/** A Job Hook with the fields that matter and some that do not, as GitLab 18 and 19 send it. */
const BODY = {
  object_kind: 'build',
  ref: 'main',
  tag: false,
  retries_count: 0,
  build_id: 51_200,
  build_name: 'image',
  build_stage: 'build',
  build_status: 'pending',
  build_created_at: '2026-11-23 16:00:00 UTC',
  build_started_at: null,
  build_finished_at: null,
  build_created_at_iso: '2026-11-23T16:00:00Z',
  build_started_at_iso: null,
  build_finished_at_iso: null,
  build_duration: null,
  build_queued_duration: 0.25,
  pipeline_id: 8100,
  runner: null,
  project_id: 77,
  project_name: 'Farm / Layers',
  project: { id: 77, path_with_namespace: 'farm/layers' },
  environment: null,
};
const RUNNER = { id: 31, description: 'bb-1', runner_type: 'group_type', active: true, is_shared: false, tags: ['bb'] };

const parse = (body: unknown) => parseHook(Buffer.from(JSON.stringify(body)));
const job = (changes: object = {}): JobHook => {
  const hook = parse({ ...BODY, ...changes });
  if (hook.kind !== 'job') throw new Error(`parsed as ${JSON.stringify(hook)}`);
  return hook;
};

it('reads the fields it uses', () => {
  expect(job()).toEqual({
    kind: 'job',
    jobId: 51_200,
    projectId: 77,
    status: 'pending',
    waiting: true,
    projectPath: 'farm/layers',
  });
});

describe('waiting', () => {
  it.each([
    { name: 'pending without a runner', changes: {}, waiting: true },
    { name: 'pending on an old server that leaves the runner out', changes: { runner: undefined }, waiting: true },
    { name: 'pending but assigned already (two-phase pick-up)', changes: { runner: RUNNER }, waiting: false },
    { name: 'pending with a runner of a form we do not know', changes: { runner: 'bb-1' }, waiting: false },
    { name: 'a retry, which is a new pending job', changes: { build_id: 51_201, retries_count: 1 }, waiting: true },
    { name: 'created', changes: { build_status: 'created', build_failure_reason: null }, waiting: false },
    { name: 'running', changes: { build_status: 'running', runner: RUNNER }, waiting: false },
    { name: 'success', changes: { build_status: 'success', runner: RUNNER }, waiting: false },
    { name: 'failed without ever starting', changes: { build_status: 'failed', runner: null }, waiting: false },
    { name: 'canceled before it started', changes: { build_status: 'canceled' }, waiting: false },
    { name: 'a status that does not exist yet', changes: { build_status: 'waiting_for_moonrise' }, waiting: false },
  ])('$name: $waiting', ({ changes, waiting }) => {
    expect(job(changes)).toMatchObject({ kind: 'job', waiting, ...(changes.build_status && { status: changes.build_status }) });
  });
});

it('needs no more than the job, its project and its status', () => {
  const hook = parse({ object_kind: 'build', build_id: 1, build_status: 'pending', project_id: 2, a_new_field: { x: [1] } });
  expect(hook).toEqual({ kind: 'job', jobId: 1, projectId: 2, status: 'pending', waiting: true });
});

it('takes what it does not need in any form', () => {
  expect(parse({ ...BODY, build_name: 5, pipeline_id: 'x', project: 'farm', runner: { id: 'r' }, build_queued_duration: {} })).toEqual({
    kind: 'job',
    jobId: 51_200,
    projectId: 77,
    status: 'pending',
    waiting: false,
  });
});

describe('other hooks', () => {
  it.each([
    { name: 'a pipeline', body: { object_kind: 'pipeline', object_attributes: { id: 1 } }, what: 'pipeline' },
    { name: 'a push', body: { object_kind: 'push' }, what: 'push' },
    { name: 'a system hook without a kind', body: { event_name: 'project_create' }, what: 'project_create' },
    { name: 'a kind that would spoil a log', body: { object_kind: `x\n<script>${'y'.repeat(500)}` }, what: `xscript${'y'.repeat(33)}` },
  ])('$name', ({ body, what }) => {
    expect(parse(body)).toEqual({ kind: 'other', what });
  });
});

describe('malformed', () => {
  it.each([
    { name: 'nothing', body: '' },
    { name: 'no JSON', body: '{"object_kind":' },
    { name: 'null', body: 'null' },
    { name: 'a number', body: '5' },
    { name: 'a text', body: '"build"' },
    { name: 'a list', body: '[{"object_kind":"build"}]' },
    { name: 'no kind', body: '{"build_id":1}' },
    { name: 'a kind that is no text', body: '{"object_kind":["build"]}' },
    { name: 'the kind inherited', body: '{"__proto__":{"object_kind":"build"}}' },
    { name: 'no id', body: '{"object_kind":"build","build_status":"pending","project_id":1}' },
    { name: 'an id of zero', body: '{"object_kind":"build","build_id":0,"build_status":"pending","project_id":1}' },
    { name: 'an id that is no whole number', body: '{"object_kind":"build","build_id":1.5,"build_status":"pending","project_id":1}' },
    { name: 'an id over 2^53', body: '{"object_kind":"build","build_id":9007199254740993,"build_status":"pending","project_id":1}' },
    { name: 'an id that is a list', body: `{"object_kind":"build","build_id":${'['.repeat(50_000)}${']'.repeat(50_000)}}` },
    { name: 'deep nesting that never ends', body: '['.repeat(500_000) },
    { name: 'another encoding', body: Buffer.from('{"object_kind":"build"}', 'utf16le') },
    { name: 'broken UTF-8', body: Buffer.concat([Buffer.from('{"object_kind":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]) },
  ])('$name', ({ body }) => {
    const hook = parseHook(Buffer.from(body));
    expect(hook.kind).toBe('malformed');
  });

  it('says which fields are wrong and nothing of their values', () => {
    expect(parse({ ...BODY, build_id: 'glpat-secret', project_id: null })).toEqual({
      kind: 'malformed',
      reason: 'unusable build_id, project_id',
    });
  });
});

it('drops a byte order mark', () => {
  expect(parseHook(Buffer.from(`\ufeff${JSON.stringify(BODY)}`)).kind).toBe('job');
});

it('reads a body of megabytes', () => {
  expect(job({ commit: { message: 'x'.repeat(4_000_000) } }).jobId).toBe(51_200);
});

it('is not taken in by names of the prototype', () => {
  const hook = parseHook(
    Buffer.from(
      '{"object_kind":"build","build_id":1,"build_status":"pending","project_id":2,"__proto__":{"waiting":false},"constructor":{"prototype":{"polluted":1}}}',
    ),
  );
  expect(hook).toEqual({ kind: 'job', jobId: 1, projectId: 2, status: 'pending', waiting: true });
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

it('gives an answer to any bytes and any JSON', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => ['job', 'other', 'malformed'].includes(parseHook(bytes).kind)));
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(BODY)), (value, key) =>
      ['job', 'other', 'malformed'].includes(parse({ ...BODY, [key]: value }).kind),
    ),
  );
});
