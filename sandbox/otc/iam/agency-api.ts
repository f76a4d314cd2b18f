import type { Hono } from 'hono';
import * as z from 'zod';
import type { SandboxContext } from '../../context.ts';
import type { FaultLayer, SandboxEnv, SandboxRequest } from '../../http.ts';
import { ErrorFormats } from '../error-formats.ts';
import { firstIssue, Refused } from '../refused.ts';
import type { Agencies, Agency, Role, Scope } from './agencies.ts';
import { readRole } from './policy.ts';

export interface AgencyApiOptions {
  readonly agencies: Agencies;
  readonly domainId: string;
  readonly projectIds: () => readonly string[];
}

const AgencyBody = z.strictObject({
  agency: z.strictObject({
    name: z.string().regex(/^[\w-]{1,64}$/),
    domain_id: z.string(),
    trust_domain_name: z.string().min(1),
    trust_domain_id: z.string().optional(),
    description: z.string().max(255).default(''),
    duration: z.enum(['FOREVER', 'ONEDAY']).nullable().default(null),
  }),
});

/** Agencies and custom policies (OTC IAM API reference, "Agency Management", "Custom Policy Management"). `operation` checks the signature. */
export function mountAgencies(app: Hono<SandboxEnv>, operation: FaultLayer, ctx: SandboxContext, options: AgencyApiOptions): void {
  const say = new ErrorFormats(ctx);
  mountAgencyCalls(app, operation, say, options);
  mountRoles(app, operation, say, options);
  mountGrants(app, operation, say, options);
}

const refuse = (say: ErrorFormats, { status, code, message }: Refused) => say.iam(status, code, message);
const notFound = (say: ErrorFormats, what: string) => say.iam(404, 'Not Found', `Could not find ${what}.`);
const bodyOf = (c: SandboxRequest): Promise<unknown> => c.req.json().catch(() => undefined);

function mountAgencyCalls(app: Hono<SandboxEnv>, operation: FaultLayer, say: ErrorFormats, { agencies, domainId }: AgencyApiOptions): void {
  app.get('/v3.0/OS-AGENCY/agencies', operation('iam.agencies'), (c) => {
    const { domain_id, name, trust_domain_id } = c.req.query();
    if (domain_id === undefined) return say.iam(400, 'Bad Request', "'domain_id' is a required property");
    if (domain_id !== domainId) return say.iam(403, 'Forbidden', 'You are not authorized to perform the requested action.');
    const wanted = [...agencies.agencies.values()].filter(
      (a) => (name === undefined || a.name === name) && (trust_domain_id === undefined || trust_domain_id === a.trustedDomain),
    );
    return say.json({ agencies: wanted.map((a) => agencyView(a, domainId)) });
  });

  app.post('/v3.0/OS-AGENCY/agencies', operation('iam.agency-create'), async (c) => {
    const body = AgencyBody.safeParse(await bodyOf(c));
    if (!body.success) return say.iam(400, 'Bad Request', firstIssue(body.error).text);
    const { name, description, duration, trust_domain_name, domain_id } = body.data.agency;
    if (domain_id !== domainId) return say.iam(403, 'Forbidden', 'You are not authorized to perform the requested action.');
    const made = agencies.create({ name, description, duration, trustedDomain: trust_domain_name });
    return made instanceof Refused ? refuse(say, made) : say.json({ agency: agencyView(made, domainId) }, 201);
  });

  app.get('/v3.0/OS-AGENCY/agencies/:agency', operation('iam.agency'), (c) => {
    const agency = agencies.agencies.get(c.req.param('agency'));
    return agency ? say.json({ agency: agencyView(agency, domainId) }) : notFound(say, 'agency');
  });

  app.delete('/v3.0/OS-AGENCY/agencies/:agency', operation('iam.agency-delete'), (c) =>
    agencies.agencies.delete(c.req.param('agency')) ? say.empty(204) : notFound(say, 'agency'),
  );
}

function mountRoles(app: Hono<SandboxEnv>, operation: FaultLayer, say: ErrorFormats, { agencies, domainId }: AgencyApiOptions): void {
  app.get('/v3.0/OS-ROLE/roles', operation('iam.roles'), (c) => {
    const { page, per_page } = c.req.query();
    const all = [...agencies.roles.values()];
    const size = per_page === undefined ? 300 : Number(per_page);
    if ((page === undefined) !== (per_page === undefined)) return say.iam(400, 'Bad Request', 'page and per_page go together');
    if (!(size >= 1 && size <= 300)) return say.iam(400, 'Bad Request', 'per_page: 1 to 300');
    const roles = all.slice((Number(page ?? 1) - 1) * size).slice(0, size);
    const links = { self: 'https://iam/v3.0/OS-ROLE/roles', previous: null, next: null };
    return say.json({ roles: roles.map((r) => roleView(r, domainId)), links, total_number: all.length });
  });

  app.post('/v3.0/OS-ROLE/roles', operation('iam.role-create'), async (c) => {
    const role = readRole(await bodyOf(c));
    const made = role instanceof Refused ? role : agencies.createRole(role);
    return made instanceof Refused ? refuse(say, made) : say.json({ role: roleView(made, domainId) }, 201);
  });

  app.get('/v3.0/OS-ROLE/roles/:role', operation('iam.role'), (c) => {
    const role = agencies.roles.get(c.req.param('role'));
    return role ? say.json({ role: roleView(role, domainId) }) : notFound(say, 'role');
  });

  app.patch('/v3.0/OS-ROLE/roles/:role', operation('iam.role-update'), async (c) => {
    const old = agencies.roles.get(c.req.param('role'));
    if (!old) return notFound(say, 'role');
    const role = readRole(await bodyOf(c));
    const changed = role instanceof Refused ? role : agencies.updateRole(old, role);
    return changed instanceof Refused ? refuse(say, changed) : say.json({ role: roleView(changed, domainId) });
  });

  app.delete('/v3.0/OS-ROLE/roles/:role', operation('iam.role-delete'), (c) =>
    agencies.deleteRole(c.req.param('role')) ? say.empty(200) : notFound(say, 'role'),
  );
}

function mountGrants(app: Hono<SandboxEnv>, operation: FaultLayer, say: ErrorFormats, options: AgencyApiOptions): void {
  const { agencies, domainId, projectIds } = options;
  const places = [
    { scope: 'project', path: '/v3.0/OS-AGENCY/projects/:place/agencies/:agency/roles', exists: (id: string) => projectIds().includes(id) },
    { scope: 'domain', path: '/v3.0/OS-AGENCY/domains/:place/agencies/:agency/roles', exists: (id: string) => id === domainId },
  ] as const;
  for (const { scope, path, exists } of places) {
    /** The agency's grants at this place, when both exist. */
    const grants = (c: SandboxRequest): Set<string> | Response => {
      if (!exists(c.req.param('place') ?? '')) return notFound(say, scope);
      const agency = agencies.agencies.get(c.req.param('agency') ?? '');
      return agency ? agencies.granted(agency, scope) : notFound(say, 'agency');
    };
    app.get(path, operation(`iam.agency-${scope}-roles`), (c) => {
      const ids = grants(c);
      if (ids instanceof Response) return ids;
      return say.json({ roles: [...ids].flatMap((id) => agencies.roles.get(id) ?? []).map((r) => roleView(r, domainId)) });
    });
    app.put(`${path}/:role`, operation(`iam.agency-grant-${scope}`), (c) => {
      const ids = grants(c);
      if (ids instanceof Response) return ids;
      const role = agencies.roles.get(c.req.param('role'));
      if (!role) return notFound(say, 'role');
      if (!fits(role, scope)) return say.iam(400, 'Bad Request', `A policy of type ${role.type} cannot be granted on a ${scope}.`);
      ids.add(role.id);
      return say.empty(204);
    });
    // A HEAD is a GET to the router.
    app.get(`${path}/:role`, operation(`iam.agency-check-${scope}`), (c) => {
      const ids = grants(c);
      if (ids instanceof Response) return ids;
      return ids.has(c.req.param('role')) ? say.empty(204) : notFound(say, 'role');
    });
    app.delete(`${path}/:role`, operation(`iam.agency-revoke-${scope}`), (c) => {
      const ids = grants(c);
      if (ids instanceof Response) return ids;
      return ids.delete(c.req.param('role')) ? say.empty(204) : notFound(say, 'role');
    });
  }
}

function fits(role: Role, scope: Scope): boolean {
  return (role.type === 'AX') === (scope === 'domain');
}

function agencyView(agency: Agency, domainId: string): Readonly<Record<string, unknown>> {
  const { id, name, description, duration, createdAt, trustedDomain } = agency;
  return {
    id,
    name,
    description,
    duration,
    domain_id: domainId,
    trust_domain_id: trustedDomain,
    trust_domain_name: trustedDomain,
    create_time: new Date(createdAt).toISOString().replace('Z', '000'),
    expire_time: null,
  };
}

function roleView(role: Role, domainId: string): Readonly<Record<string, unknown>> {
  const { id, name, display_name, type, description, policy, createdAt } = role;
  const times = { created_time: String(createdAt), updated_time: String(createdAt) };
  return {
    id,
    name,
    display_name,
    type,
    description,
    policy,
    domain_id: domainId,
    catalog: 'CUSTOMED',
    references: 0,
    links: {},
    ...times,
  };
}
