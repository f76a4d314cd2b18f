import type { Hono } from 'hono';
import * as z from 'zod';
import type { FaultLayer, SandboxEnv, SandboxRequest } from '../../http.ts';
import { isJobStatus, type Job, type Project, type Role } from '../model.ts';
import type { GitLabState } from '../state.ts';
import { check, Flag, groupFor, keysetPage, List, message, offsetPage, params, projectFor, Refused, requireToken } from './access.ts';
import { jobEntity, pipelineEntity, projectEntity } from './entities.ts';

export interface Part {
  readonly app: Hono<SandboxEnv>;
  readonly gitlab: GitLabState;
  readonly fault: FaultLayer;
  readonly now: () => number;
}

const ListQuery = z.object({
  scope: List.pipe(z.array(z.string().refine(isJobStatus))).optional(),
  pagination: z.string().optional(),
});

/** Projects, groups and jobs (lib/api/ci/jobs.rb), as far as a scaler looks at them. */
export function jobRoutes({ app, gitlab, fault, now }: Part): void {
  const base = gitlab.settings.externalUrl;

  app.get('/api/v4/version', fault('gitlab.version'), (c) => {
    requireToken(c, gitlab, ['read_api', 'read_user']);
    return c.json({ version: gitlab.settings.version, revision: '0'.repeat(11), enterprise: true });
  });

  app.get('/api/v4/projects/:id', fault('gitlab.project'), (c) => {
    const token = requireToken(c, gitlab, ['read_api']);
    return c.json(projectEntity(projectFor(gitlab, token, c.req.param('id'), 10), base));
  });

  app.get('/api/v4/groups/:id', fault('gitlab.group'), (c) => {
    const group = groupFor(gitlab, requireToken(c, gitlab, ['read_api']), c.req.param('id'), 10);
    const name = group.path.slice(group.path.lastIndexOf('/') + 1);
    return c.json({
      id: group.id,
      name,
      path: name,
      full_path: group.path,
      visibility: 'private',
      web_url: `${base}/groups/${group.path}`,
    });
  });

  app.get('/api/v4/groups/:id/projects', fault('gitlab.group-projects'), async (c) => {
    const token = requireToken(c, gitlab, ['read_api']);
    const group = groupFor(gitlab, token, c.req.param('id'), 10);
    const input = await params(c);
    const deep = check(z.object({ include_subgroups: Flag.default(false) }), input).include_subgroups;
    const inside = [...gitlab.projects.values()].filter(({ path }) =>
      deep ? path.startsWith(`${group.path}/`) : path.slice(0, path.lastIndexOf('/')) === group.path,
    );
    return c.json(offsetPage(c, input, inside).map((project) => projectEntity(project, base)));
  });

  app.get('/api/v4/projects/:id/jobs', fault('gitlab.jobs'), async (c) => {
    const project = projectFor(gitlab, requireToken(c, gitlab, ['read_api']), c.req.param('id'), 20);
    const input = await params(c);
    const { scope, pagination } = check(ListQuery, input);
    const found = newestFirst(project).filter((job) => !scope || scope.includes(job.status));
    // Neither way counts: GitLab skips it for this list.
    const page = pagination === 'keyset' ? keysetPage(c, input, found) : offsetPage(c, input, found, false);
    return c.json(page.map((job) => jobEntity(job, base, now())));
  });

  app.get('/api/v4/projects/:id/jobs/:job', fault('gitlab.job'), (c) => {
    const job = jobFor(c, gitlab, ['read_api'], 20);
    return c.json(jobEntity(job, base, now()));
  });

  // lib/api/ci/pipelines.rb; the jobs are those of the project, because the sandbox has no repositories.
  app.post('/api/v4/projects/:id/pipeline', fault('gitlab.pipeline-create'), async (c) => {
    const project = projectFor(gitlab, requireToken(c, gitlab, []), c.req.param('id'), 30);
    const { ref } = check(z.object({ ref: z.string().min(1) }), await params(c));
    if (!project.ciJobs) throw new Refused(400, { message: { base: ['Missing CI config file'] } });
    return c.json(pipelineEntity(gitlab.createPipeline(project, project.ciJobs, { ref, source: 'api' }), base), 201);
  });

  app.post('/api/v4/projects/:id/jobs/:job/retry', fault('gitlab.job-retry'), (c) => {
    const again = gitlab.jobs.retry(jobFor(c, gitlab, [], 30));
    if (!again) throw message(403, 'Forbidden - Job is not retryable');
    return c.json(jobEntity(again, base, now()), 201);
  });
}

function jobFor(c: SandboxRequest, gitlab: GitLabState, scopes: readonly string[], least: Role): Job {
  const project = projectFor(gitlab, requireToken(c, gitlab, scopes), c.req.param('id') ?? '', least);
  const job = gitlab.jobs.all.get(Number(c.req.param('job')));
  if (job?.pipeline.project !== project) throw message(404, 'Not found');
  return job;
}

function newestFirst(project: Project): readonly Job[] {
  return project.pipelines.flatMap((pipeline) => pipeline.jobs).sort((a, b) => b.id - a.id);
}
