import * as z from 'zod';
import { jsonOf, type SandboxRequest } from '../../http.ts';
import type { Service } from '../error-formats.ts';
import { checked, found, Refused } from '../refused.ts';
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
export function registerAgencies(service: Service, options: AgencyApiOptions): void {
  registerAgencyCalls(service, options);
  registerRoles(service, options);
  registerGrants(service, options);
}

const badRequest = (text: string) => new Refused(400, 'Bad Request', text);
const notFound = (what: string) => new Refused(404, 'Not Found', `Could not find ${what}.`);

function registerAgencyCalls({ app, operation, respond }: Service, { agencies, domainId }: AgencyApiOptions): void {
  const ownDomain = (id: string) => {
    if (id !== domainId) throw new Refused(403, 'Forbidden', 'You are not authorized to perform the requested action.');
  };

  app.get('/v3.0/OS-AGENCY/agencies', operation('iam.agencies'), (c) => {
    const { domain_id, name, trust_domain_id } = c.req.query();
    if (domain_id === undefined) throw badRequest("'domain_id' is a required property");
    ownDomain(domain_id);
    const wanted = [...agencies.agencies.values()].filter(
      (a) => (name === undefined || a.name === name) && (trust_domain_id === undefined || trust_domain_id === a.trustedDomain),
    );
    return respond.json({ agencies: wanted.map((a) => agencyView(a, domainId)) });
  });

  app.post('/v3.0/OS-AGENCY/agencies', operation('iam.agency-create'), async (c) => {
    const { name, description, duration, trust_domain_name, domain_id } = checked(AgencyBody, await jsonOf(c), badRequest).agency;
    ownDomain(domain_id);
    const agency = agencies.create({ name, description, duration, trustedDomain: trust_domain_name });
    return respond.json({ agency: agencyView(agency, domainId) }, 201);
  });

  app.get('/v3.0/OS-AGENCY/agencies/:agency', operation('iam.agency'), (c) =>
    respond.json({ agency: agencyView(agencyOf(c, agencies), domainId) }),
  );

  app.delete('/v3.0/OS-AGENCY/agencies/:agency', operation('iam.agency-delete'), (c) => {
    agencies.agencies.delete(agencyOf(c, agencies).id);
    return respond.empty(204);
  });
}

function registerRoles({ app, operation, respond }: Service, { agencies, domainId }: AgencyApiOptions): void {
  const one = '/v3.0/OS-ROLE/roles/:role';

  app.get('/v3.0/OS-ROLE/roles', operation('iam.roles'), (c) => {
    const { page, per_page } = c.req.query();
    const all = [...agencies.roles.values()];
    const size = per_page === undefined ? 300 : Number(per_page);
    if ((page === undefined) !== (per_page === undefined)) throw badRequest('page and per_page go together');
    if (!(size >= 1 && size <= 300)) throw badRequest('per_page: 1 to 300');
    const roles = all.slice((Number(page ?? 1) - 1) * size).slice(0, size);
    const links = { self: 'https://iam/v3.0/OS-ROLE/roles', previous: null, next: null };
    return respond.json({ roles: roles.map((r) => roleView(r, domainId)), links, total_number: all.length });
  });

  app.post('/v3.0/OS-ROLE/roles', operation('iam.role-create'), async (c) =>
    respond.json({ role: roleView(agencies.createRole(readRole(await jsonOf(c))), domainId) }, 201),
  );

  app.get(one, operation('iam.role'), (c) => respond.json({ role: roleView(roleOf(c, agencies), domainId) }));

  app.patch(one, operation('iam.role-update'), async (c) =>
    respond.json({ role: roleView(agencies.updateRole(roleOf(c, agencies), readRole(await jsonOf(c))), domainId) }),
  );

  app.delete(one, operation('iam.role-delete'), (c) => {
    agencies.deleteRole(roleOf(c, agencies).id);
    return respond.empty(200);
  });
}

function registerGrants({ app, operation, respond }: Service, { agencies, domainId, projectIds }: AgencyApiOptions): void {
  const places = [
    { scope: 'project', path: '/v3.0/OS-AGENCY/projects/:place/agencies/:agency/roles', exists: (id: string) => projectIds().includes(id) },
    { scope: 'domain', path: '/v3.0/OS-AGENCY/domains/:place/agencies/:agency/roles', exists: (id: string) => id === domainId },
  ] as const;
  for (const { scope, path, exists } of places) {
    /** The agency's grants at this place. */
    const grants = (c: SandboxRequest): Set<string> => {
      if (!exists(c.req.param('place') ?? '')) throw notFound(scope);
      return agencies.granted(agencyOf(c, agencies), scope);
    };
    app.get(path, operation(`iam.agency-${scope}-roles`), (c) =>
      respond.json({ roles: [...grants(c)].flatMap((id) => agencies.roles.get(id) ?? []).map((r) => roleView(r, domainId)) }),
    );
    app.put(`${path}/:role`, operation(`iam.agency-grant-${scope}`), (c) => {
      const ids = grants(c);
      const role = roleOf(c, agencies);
      if (!fits(role, scope)) throw badRequest(`A policy of type ${role.type} cannot be granted on a ${scope}.`);
      ids.add(role.id);
      return respond.empty(204);
    });
    // A HEAD is a GET to the router.
    app.get(`${path}/:role`, operation(`iam.agency-check-${scope}`), (c) => {
      if (!grants(c).has(c.req.param('role'))) throw notFound('role');
      return respond.empty(204);
    });
    app.delete(`${path}/:role`, operation(`iam.agency-revoke-${scope}`), (c) => {
      if (!grants(c).delete(c.req.param('role'))) throw notFound('role');
      return respond.empty(204);
    });
  }
}

function agencyOf(c: SandboxRequest, { agencies }: Agencies): Agency {
  return found(agencies.get(c.req.param('agency') ?? ''), notFound('agency'));
}

function roleOf(c: SandboxRequest, { roles }: Agencies): Role {
  return found(roles.get(c.req.param('role') ?? ''), notFound('role'));
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
