import * as z from 'zod';
import type { SandboxRequest } from '../../http.ts';
import type { Group, Hook, HookEvent, Job, Project } from '../model.ts';
import type { GitLabState } from '../state.ts';
import { check, Flag, forbidden, groupFor, message, offsetPage, type Params, params, projectFor, Refused, requireToken } from './access.ts';
import { hookEntity, hookEventEntity } from './entities.ts';
import type { Part } from './jobs.ts';

const Fields = z.object({
  url: z.url({ protocol: /^https?$/ }),
  name: z.string().optional(),
  description: z.string().optional(),
  token: z.string().optional(),
  signing_token: z.string().optional(),
  job_events: Flag.optional(),
  push_events: Flag.optional(),
  pipeline_events: Flag.optional(),
  enable_ssl_verification: Flag.optional(),
});
const EventsQuery = z.object({
  status: z.union([z.enum(['successful', 'client_failure', 'server_failure']), z.string().regex(/^\d{3}$/)]).optional(),
});
const KEPT_MS = 7 * 24 * 3_600_000;

type Owner = Project | Group;

/** lib/api/project_hooks.rb and, in the paid tiers, the same below groups. */
export function hookRoutes({ app, gitlab, fault, now }: Part): void {
  const { signing } = gitlab.settings;
  for (const kind of ['projects', 'groups'] as const) {
    const owner = (c: SandboxRequest) => ownerOf(c, gitlab, kind, []);
    // lib/api/api.rb: `read_api` allows every GET.
    const reader = (c: SandboxRequest) => ownerOf(c, gitlab, kind, ['read_api']);
    const path = `/api/v4/${kind}/:id/hooks` as const;

    app.get(path, fault('gitlab.hooks'), async (c) => {
      const place = reader(c);
      const found = [...gitlab.hooks.values()].filter((hook) => belongs(hook, place));
      return c.json(offsetPage(c, await params(c), found).map((hook) => hookEntity(hook, signing, now())));
    });

    app.post(path, fault('gitlab.hook-create'), async (c) => {
      const place = owner(c);
      const { url, change } = read(await params(c), signing);
      // `push_events` is on unless it is switched off.
      const hook = gitlab.createHook(place, url, { jobEvents: false, pushEvents: true, ...change });
      return c.json(hookEntity(hook, signing, now()), 201);
    });

    app.get(`${path}/:hook`, fault('gitlab.hook'), (c) => c.json(hookEntity(hookFor(c, gitlab, reader(c)), signing, now())));

    app.put(`${path}/:hook`, fault('gitlab.hook-update'), async (c) => {
      const hook = hookFor(c, gitlab, owner(c));
      const { url, change } = read(await params(c), signing);
      // Secrets are meant for one receiver: another address loses them.
      if (url !== hook.url) Object.assign(hook, { url, token: undefined, signingToken: undefined });
      Object.assign(hook, change);
      return c.json(hookEntity(hook, signing, now()));
    });

    app.delete(`${path}/:hook`, fault('gitlab.hook-delete'), (c) => {
      gitlab.hooks.delete(hookFor(c, gitlab, owner(c)).id);
      return c.body(null, 204);
    });

    app.get(`${path}/:hook/events`, fault('gitlab.hook-events'), async (c) => {
      const hook = hookFor(c, gitlab, reader(c));
      const input = await params(c);
      const { status } = check(EventsQuery, input);
      const found = hook.log.filter((event) => now() - event.at < KEPT_MS && hasStatus(event, status)).reverse();
      return c.json(offsetPage(c, input, found).map(hookEventEntity));
    });

    app.post(`${path}/:hook/test/:trigger`, fault('gitlab.hook-test'), async (c) => {
      const place = owner(c);
      const hook = hookFor(c, gitlab, place);
      if (c.req.param('trigger') !== 'job_events') throw new Refused(400, { error: 'trigger does not have a valid value' });
      const job = latestJob(gitlab, place);
      if (!job) throw new Refused(422, { message: 'Ensure the project has CI jobs.' });
      const { responseStatus } = await gitlab.hookDispatcher.test(hook, job);
      if (!works(responseStatus)) throw new Refused(422, { message: `Hook executed but returned HTTP ${responseStatus}` });
      return c.json({ message: '201 Created' }, 201);
    });
  }
}

function ownerOf(c: SandboxRequest, gitlab: GitLabState, kind: 'projects' | 'groups', scopes: readonly string[]): Owner {
  const token = requireToken(c, gitlab, scopes);
  const key = c.req.param('id') ?? '';
  if (kind === 'projects') return projectFor(gitlab, token, key, 40);
  if (!gitlab.settings.groupHooks) throw forbidden();
  return groupFor(gitlab, token, key, 50);
}

function belongs(hook: Hook, owner: Owner): boolean {
  return hook.owner.kind === 'project' ? hook.owner.project === owner : hook.owner.group === owner;
}

function hookFor(c: SandboxRequest, gitlab: GitLabState, owner: Owner): Hook {
  const hook = gitlab.hooks.get(Number(c.req.param('hook')));
  if (!hook || !belongs(hook, owner)) throw message(404, 'Not found');
  return hook;
}

/** A GitLab before 19.0 takes the signing token and forgets it. */
function read(input: Params, signing: boolean): { readonly url: string; readonly change: Partial<Hook> } {
  const fields = check(Fields, input);
  const signingToken = signing ? fields.signing_token : undefined;
  if (signingToken !== undefined && !/^whsec_[A-Za-z0-9+/]{43}=$/.test(signingToken)) {
    throw new Refused(422, { message: { signing_token: ['must be whsec_ followed by 32 bytes in base64'] } });
  }
  const change = {
    name: fields.name,
    description: fields.description,
    token: fields.token,
    signingToken,
    jobEvents: fields.job_events,
    pushEvents: fields.push_events,
    pipelineEvents: fields.pipeline_events,
    sslVerification: fields.enable_ssl_verification,
  };
  return { url: fields.url, change: Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) };
}

function works(status: string): boolean {
  return /^[23]/.test(status);
}

function hasStatus(event: HookEvent, wanted: string | undefined): boolean {
  switch (wanted) {
    case undefined:
      return true;
    case 'successful':
      return works(event.responseStatus);
    case 'client_failure':
      return event.responseStatus.startsWith('4');
    case 'server_failure':
      return event.responseStatus.startsWith('5') || event.responseStatus === 'internal error';
    default:
      return event.responseStatus === wanted;
  }
}

function latestJob(gitlab: GitLabState, owner: Owner): Job | undefined {
  const projects = 'pipelines' in owner ? [owner] : [...gitlab.projects.values()].filter((p) => p.path.startsWith(`${owner.path}/`));
  return projects
    .flatMap((project) => project.pipelines.at(-1)?.jobs ?? [])
    .sort((a, b) => b.id - a.id)
    .at(0);
}
