import * as z from 'zod';
import { UnclearError } from '../../lib/core/errors.ts';
import type { OtcHttp } from '../../lib/otc/http.ts';
import { absent, nothing } from './fgs.ts';

/*
 * Agencies and custom policies. Source: OTC IAM API reference, "Agency Management", "Custom Policy Management", "Querying Project Information".
 */

const projectsSchema = z.object({ projects: z.array(z.object({ id: z.string(), name: z.string(), domain_id: z.string() })) });
const agencySchema = z.object({ id: z.string(), name: z.string(), trust_domain_name: z.string().nullish() });
const agenciesSchema = z.object({ agencies: z.array(agencySchema) });
const policySchema = z.object({
  id: z.string(),
  display_name: z.string().nullish(),
  type: z.string().nullish(),
  policy: z.looseObject({ Version: z.string(), Statement: z.array(z.looseObject({})) }),
});
const policiesSchema = z.object({ roles: z.array(policySchema), total_number: z.number().nullish() });
const rolesSchema = z.object({ roles: z.array(z.object({ id: z.string() })) });
const madeAgency = z.object({ agency: z.object({ id: z.string() }) });
const madePolicy = z.object({ role: z.object({ id: z.string() }) });

export interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly unknown[];
}

/** Where a policy is granted: global services on the account, the others on a project. */
export type GrantPlace = 'account' | { readonly projectId: string };

/** The account that a project belongs to. Asked under the project, as all that is asked before the account is known. */
export async function accountOf(http: OtcHttp, endpoint: string, projectId: string): Promise<string> {
  const url = `${endpoint}/v3/projects`;
  const { projects } = await http.call({ name: 'iam.projects', kind: 'read', method: 'GET', url, schema: projectsSchema });
  const found = projects.find(({ id }) => id === projectId) ?? projects[0];
  if (!found) throw new UnclearError('unexpected-answer', 'iam.projects: the key sees no project');
  return found.domain_id;
}

export class IamAdmin {
  readonly #http: OtcHttp;
  readonly #endpoint: string;
  readonly #account: string;

  /** `http` names the account in its calls, not a project. */
  constructor({ http, endpoint, account }: { readonly http: OtcHttp; readonly endpoint: string; readonly account: string }) {
    this.#http = http;
    this.#endpoint = endpoint;
    this.#account = account;
  }

  async agency(name: string): Promise<{ readonly id: string; readonly trusts: string } | undefined> {
    const query = { domain_id: this.#account, name };
    const { agencies } = await this.#http.call({
      name: 'iam.agencies',
      kind: 'read',
      method: 'GET',
      url: this.#url('AGENCY/agencies'),
      query,
      schema: agenciesSchema,
    });
    const found = agencies.find((agency) => agency.name === name);
    return found && { id: found.id, trusts: found.trust_domain_name ?? '' };
  }

  async createAgency(name: string, trusts: string, description: string): Promise<string> {
    const json = { agency: { name, domain_id: this.#account, trust_domain_name: trusts, description, duration: 'FOREVER' } };
    const call = { name: 'iam.agency-create', kind: 'create', method: 'POST', json, schema: madeAgency } as const;
    return (await this.#http.call({ ...call, url: this.#url('AGENCY/agencies') })).agency.id;
  }

  async removeAgency(id: string): Promise<void> {
    const call = { name: 'iam.agency-delete', kind: 'delete', method: 'DELETE', schema: nothing } as const;
    await absent(this.#http.call({ ...call, url: this.#url(`AGENCY/agencies/${id}`) }));
  }

  /** Custom policies of the account with these names. */
  async policies(
    names: readonly string[],
  ): Promise<readonly { readonly id: string; readonly name: string; readonly document: PolicyDocument }[]> {
    const all: z.output<typeof policySchema>[] = [];
    for (let page = 1; ; page++) {
      const call = { name: 'iam.roles', kind: 'read', method: 'GET', schema: policiesSchema } as const;
      const { roles, total_number } = await this.#http.call({ ...call, url: this.#url('ROLE/roles'), query: { page, per_page: 300 } });
      all.push(...roles);
      if (roles.length === 0 || all.length >= (total_number ?? 0)) break;
    }
    return all.flatMap(({ id, display_name, policy }) =>
      display_name && names.includes(display_name) ? [{ id, name: display_name, document: policy }] : [],
    );
  }

  async createPolicy(name: string, type: 'AX' | 'XA', description: string, policy: PolicyDocument): Promise<string> {
    const json = { role: { display_name: name, type, description, policy } };
    const call = { name: 'iam.role-create', kind: 'create', method: 'POST', json, schema: madePolicy } as const;
    return (await this.#http.call({ ...call, url: this.#url('ROLE/roles') })).role.id;
  }

  async updatePolicy(id: string, name: string, type: 'AX' | 'XA', description: string, policy: PolicyDocument): Promise<void> {
    const json = { role: { display_name: name, type, description, policy } };
    const call = { name: 'iam.role-update', kind: 'update', method: 'PATCH', json, schema: nothing } as const;
    await this.#http.call({ ...call, url: this.#url(`ROLE/roles/${id}`) });
  }

  async removePolicy(id: string): Promise<void> {
    const call = { name: 'iam.role-delete', kind: 'delete', method: 'DELETE', schema: nothing } as const;
    await absent(this.#http.call({ ...call, url: this.#url(`ROLE/roles/${id}`) }));
  }

  /** Ids of the policies that the agency has there. */
  async granted(agencyId: string, place: GrantPlace): Promise<readonly string[]> {
    const name = place === 'account' ? 'iam.agency-domain-roles' : 'iam.agency-project-roles';
    const url = this.#url(`AGENCY/${this.#place(place)}/agencies/${agencyId}/roles`);
    const { roles } = await this.#http.call({ name, kind: 'read', method: 'GET', url, schema: rolesSchema });
    return roles.map(({ id }) => id);
  }

  async grant(agencyId: string, policyId: string, place: GrantPlace): Promise<void> {
    const name = place === 'account' ? 'iam.agency-grant-domain' : 'iam.agency-grant-project';
    const url = this.#url(`AGENCY/${this.#place(place)}/agencies/${agencyId}/roles/${policyId}`);
    await this.#http.call({ name, kind: 'update', method: 'PUT', url, schema: nothing });
  }

  #place(place: GrantPlace): string {
    return place === 'account' ? `domains/${this.#account}` : `projects/${place.projectId}`;
  }

  #url(path: string): string {
    return `${this.#endpoint}/v3.0/OS-${path}`;
  }
}
