import * as z from 'zod';
import type { SandboxRequest } from '../../http.ts';
import { STALE_MS } from '../jobs/stuck.ts';
import { type AccessToken, isBelow, isJobStatus, type Runner, type RunnerFields } from '../model.ts';
import type { GitLabState } from '../state.ts';
import {
  check,
  Flag,
  forbidden,
  groupFor,
  List,
  message,
  offsetPage,
  type Params,
  params,
  projectFor,
  Refused,
  requireToken,
  roleOn,
  Whole,
} from './access.ts';
import { iso, jobEntity, managerEntity, projectEntity, runnerDetails, runnerEntity, runnerStatus } from './entities.ts';
import type { Part } from './jobs.ts';

const RunnerType = z.enum(['instance_type', 'group_type', 'project_type']);
const Editable = z.object({
  description: z.string().optional(),
  paused: Flag.optional(),
  active: Flag.optional(),
  locked: Flag.optional(),
  run_untagged: Flag.optional(),
  tag_list: List.optional(),
  access_level: z.enum(['not_protected', 'ref_protected']).optional(),
  maximum_timeout: Whole.nullish(),
  maintenance_note: z.string().nullish(),
});
const NewRunner = Editable.omit({ active: true }).extend({
  runner_type: RunnerType,
  group_id: z.union([Whole, z.string()]).optional(),
  project_id: z.union([Whole, z.string()]).optional(),
});
const ListQuery = z.object({
  type: RunnerType.optional(),
  paused: Flag.optional(),
  status: z.enum(['online', 'offline', 'stale', 'never_contacted', 'active', 'paused']).optional(),
  tag_list: List.optional(),
});
const JobsQuery = z.object({
  status: z.string().refine(isJobStatus).optional(),
  system_id: z.string().optional(),
  sort: z.enum(['asc', 'desc']).default('desc'),
});

/** lib/api/user_runners.rb and lib/api/ci/runners.rb. */
export function runnerRoutes({ app, gitlab, fault, now }: Part): void {
  const base = gitlab.settings.externalUrl;

  app.post('/api/v4/user/runners', fault('gitlab.runner-create'), async (c) => {
    const token = requireToken(c, gitlab, ['create_runner']);
    const fields = newRunner(gitlab, token, await params(c), now());
    const runner = gitlab.createRunner(fields);
    return c.json({ id: runner.id, token: runner.token, token_expires_at: iso(runner.tokenExpiresAt) }, 201);
  });

  app.get('/api/v4/runners/all', fault('gitlab.runners-all'), async (c) => {
    if (!requireToken(c, gitlab, ['read_api']).admin) throw forbidden();
    return list(c, [...gitlab.runners.values()]);
  });

  // The group's own, those above it and the instance's; not those of groups below.
  app.get('/api/v4/groups/:id/runners', fault('gitlab.group-runners'), async (c) => {
    const { path } = groupFor(gitlab, requireToken(c, gitlab, ['read_api']), c.req.param('id'), 40);
    return list(
      c,
      [...gitlab.runners.values()].filter((r) => r.type === 'instance_type' || (r.group && isBelow(path, r.group.path))),
    );
  });

  app.get('/api/v4/projects/:id/runners', fault('gitlab.project-runners'), async (c) => {
    const project = projectFor(gitlab, requireToken(c, gitlab, ['read_api']), c.req.param('id'), 40);
    return list(
      c,
      [...gitlab.runners.values()].filter(
        (r) => r.type === 'instance_type' || r.projects.includes(project) || (r.group && isBelow(project.path, r.group.path)),
      ),
    );
  });

  app.get('/api/v4/runners/:id', fault('gitlab.runner'), (c) =>
    c.json(runnerDetails(runnerFor(c, gitlab, ['read_api', 'manage_runner']), base, now())),
  );

  app.put('/api/v4/runners/:id', fault('gitlab.runner-update'), async (c) => {
    const runner = runnerFor(c, gitlab, ['manage_runner'], true);
    const change = edited(check(Editable, await params(c)));
    validate({ ...runner, ...change });
    gitlab.editRunner(runner, change);
    return c.json(runnerDetails(runner, base, now()));
  });

  app.delete('/api/v4/runners/:id', fault('gitlab.runner-delete'), (c) => {
    const runner = runnerFor(c, gitlab, ['manage_runner'], true);
    if (runner.projects.length > 1) throw message(403, 'Forbidden - Runner associated with more than one project');
    gitlab.deleteRunner(runner);
    return c.body(null, 204);
  });

  app.get('/api/v4/runners/:id/managers', fault('gitlab.runner-managers'), (c) =>
    c.json([...runnerFor(c, gitlab, ['read_api', 'manage_runner']).managers.values()].map((m) => managerEntity(m, now()))),
  );

  app.get('/api/v4/runners/:id/jobs', fault('gitlab.runner-jobs'), async (c) => {
    const runner = runnerFor(c, gitlab, ['read_api', 'manage_runner']);
    const token = requireToken(c, gitlab, ['read_api', 'manage_runner']);
    const input = await params(c);
    const { status, system_id, sort } = check(JobsQuery, input);
    // Jobs of projects where the caller is no reporter are left out without a word.
    const found = runner.jobs
      .filter((job) => roleOn(token, job.pipeline.project.path) >= 20)
      .filter((job) => (status === undefined || job.status === status) && (system_id === undefined || job.manager?.systemId === system_id))
      .sort((a, b) => (sort === 'asc' ? a.id - b.id : b.id - a.id));
    const page = offsetPage(c, input, found, system_id === undefined);
    return c.json(page.map((job) => ({ ...jobEntity(job, base, now()), project: projectEntity(job.pipeline.project, base) })));
  });

  async function list(c: SandboxRequest, runners: readonly Runner[]): Promise<Response> {
    const input = await params(c);
    const query = check(ListQuery, input);
    const found = runners.filter((runner) => passes(runner, query, now())).sort((a, b) => b.id - a.id);
    return c.json(offsetPage(c, input, found).map((runner) => runnerEntity(runner, now())));
  }
}

function passes(runner: Runner, query: z.output<typeof ListQuery>, now: number): boolean {
  const { type, paused, status, tag_list } = query;
  if (type !== undefined && runner.type !== type) return false;
  if (paused !== undefined && runner.paused !== paused) return false;
  if (tag_list && !tag_list.every((tag) => runner.tags.includes(tag))) return false;
  if (status === undefined) return true;
  if (status === 'paused' || status === 'active') return runner.paused === (status === 'paused');
  return runnerStatus(runner, now) === status;
}

/** The place that decides about a runner; `undefined` is the instance. */
function mayManage(token: AccessToken, runner: Runner, change = false): boolean {
  if (token.admin) return true;
  if (runner.group) return roleOn(token, runner.group.path) >= (change ? 50 : 40);
  return runner.projects.some((project) => roleOn(token, project.path) >= 40);
}

function runnerFor(c: SandboxRequest, gitlab: GitLabState, scopes: readonly string[], change = false): Runner {
  const token = requireToken(c, gitlab, scopes);
  const runner = gitlab.runners.get(Number(c.req.param('id')));
  if (!runner) throw message(404, 'Runner Not Found');
  if (!mayManage(token, runner, change)) throw message(403, 'Forbidden - No access granted');
  return runner;
}

function newRunner(gitlab: GitLabState, token: AccessToken, input: Params, now: number): RunnerFields {
  const asked = check(NewRunner, input);
  const fields: RunnerFields = {
    type: asked.runner_type,
    ...place(gitlab, token, asked),
    createdBy: token.user,
    description: asked.description ?? '',
    tags: [...new Set(asked.tag_list ?? [])],
    runUntagged: asked.run_untagged ?? true,
    locked: asked.locked ?? false,
    paused: asked.paused ?? false,
    protectedOnly: asked.access_level === 'ref_protected',
    maximumTimeout: asked.maximum_timeout ?? undefined,
    maintenanceNote: asked.maintenance_note ?? undefined,
  };
  validate(fields);
  requireRoom(gitlab, fields, now);
  return fields;
}

function place(gitlab: GitLabState, token: AccessToken, asked: z.output<typeof NewRunner>): Pick<RunnerFields, 'group' | 'project'> {
  switch (asked.runner_type) {
    case 'instance_type':
      if (!token.admin) throw forbidden();
      return {};
    case 'group_type': {
      if (asked.group_id === undefined) throw new Refused(400, { error: 'group_id is missing' });
      return { group: groupFor(gitlab, token, String(asked.group_id), 50) };
    }
    case 'project_type': {
      if (asked.project_id === undefined) throw new Refused(400, { error: 'project_id is missing' });
      return { project: projectFor(gitlab, token, String(asked.project_id), 40) };
    }
  }
}

function edited(asked: z.output<typeof Editable>): Partial<RunnerFields> {
  const paused = asked.paused ?? (asked.active === undefined ? undefined : !asked.active);
  return {
    ...(asked.description === undefined ? {} : { description: asked.description }),
    ...(paused === undefined ? {} : { paused }),
    ...(asked.locked === undefined ? {} : { locked: asked.locked }),
    ...(asked.run_untagged === undefined ? {} : { runUntagged: asked.run_untagged }),
    ...(asked.tag_list === undefined ? {} : { tags: [...new Set(asked.tag_list)] }),
    ...(asked.access_level === undefined ? {} : { protectedOnly: asked.access_level === 'ref_protected' }),
    ...(asked.maximum_timeout === undefined ? {} : { maximumTimeout: asked.maximum_timeout ?? undefined }),
    ...(asked.maintenance_note === undefined ? {} : { maintenanceNote: asked.maintenance_note ?? undefined }),
  };
}

type Checked = Pick<RunnerFields, 'tags' | 'runUntagged' | 'maximumTimeout' | 'description' | 'maintenanceNote'>;

/** app/models/ci/runner.rb. */
function validate(fields: Checked): void {
  const wrong = (field: string, text: string) => new Refused(400, { message: { [field]: [text] } });
  const tooLong = 'is too long (maximum is 1024 characters)';
  if (!fields.runUntagged && fields.tags.length === 0) {
    throw wrong('tags_list', 'can not be empty when runner is not allowed to pick untagged jobs');
  }
  if (fields.tags.length > 50) throw wrong('tags_list', 'Too many tags specified. Please limit the number of tags to 50');
  if (fields.maximumTimeout !== undefined && fields.maximumTimeout < 600) throw wrong('maximum_timeout', 'needs to be at least 10 minutes');
  if (fields.description.length > 1024) throw wrong('description', tooLong);
  if ((fields.maintenanceNote ?? '').length > 1024) throw wrong('maintenance_note', tooLong);
}

/** Counts the runners of the same place that were made or seen in the last seven days. */
function requireRoom(gitlab: GitLabState, fields: RunnerFields, now: number): void {
  if (fields.type === 'instance_type') return;
  const { runnerLimit } = gitlab.settings;
  const recent = [...gitlab.runners.values()].filter(
    (r) =>
      r.type === fields.type &&
      r.group === fields.group &&
      (!fields.project || r.projects.includes(fields.project)) &&
      now - Math.max(r.createdAt, r.contactedAt ?? 0) < STALE_MS,
  );
  const kind = fields.type === 'group_type' ? 'group' : 'project';
  if (recent.length >= runnerLimit) {
    throw new Refused(400, { message: { base: [`Maximum number of ci registered ${kind} runners (${runnerLimit}) exceeded`] } });
  }
}
