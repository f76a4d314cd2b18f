import * as z from 'zod';
import { defined } from '../../lib/core/defined.ts';
import type { OtcHttp } from '../../lib/otc/http.ts';
import { absent, nothing } from './fgs.ts';

/* One dedicated gateway: groups of APIs and their domains. Source: OTC API Gateway API reference V2, "API Group Management", "Domain Name Management". */

const text = z.string().nullish();
const groupSchema = z.object({ id: z.string(), name: z.string(), sl_domain: text, remark: text, is_default: z.number().nullish() });
const groupsSchema = z.object({ groups: z.array(groupSchema), total: z.number().nullish() });
const domainSchema = z.object({ id: z.string(), domain: text, url_domain: text, ssl_id: text, ssl_name: text });
const detailSchema = groupSchema.extend({ url_domains: z.array(domainSchema).nullish() });
const madeDomain = z.object({ id: z.string() });
const apisSchema = z.object({ total: z.number() });

export interface ApiGroup {
  readonly id: string;
  readonly name: string;
  /** The group's own address, for trying out: 1000 calls a day. */
  readonly address: string;
  readonly remark: string;
  readonly domains: readonly BoundDomain[];
}

export interface BoundDomain {
  readonly id: string;
  readonly name: string;
  readonly certificate?: { readonly id: string; readonly name: string };
}

const PAGE = 100;
const DEFAULT_GROUP = 1;

export class GatewayAdmin {
  readonly #http: OtcHttp;
  readonly #base: string;

  constructor(options: { readonly http: OtcHttp; readonly endpoint: string; readonly projectId: string; readonly instanceId: string }) {
    this.#http = options.http;
    this.#base = `${options.endpoint}/v2/${options.projectId}/apigw/instances/${options.instanceId}`;
  }

  /** By its id, or by its exact name. */
  async group(which: { readonly id: string } | { readonly name: string }): Promise<ApiGroup | undefined> {
    const id = 'id' in which ? which.id : await this.#idOf(which.name);
    if (id === undefined) return undefined;
    const call = { name: 'apig.group', kind: 'read', method: 'GET', schema: detailSchema } as const;
    const found = await absent(this.#http.call({ ...call, url: `${this.#groups()}/${id}` }));
    if (!found) return undefined;
    const domains = (found.url_domains ?? []).map((d): BoundDomain => {
      const certificate = d.ssl_id ? { id: d.ssl_id, name: d.ssl_name ?? '' } : undefined;
      return { id: d.id, name: d.domain ?? d.url_domain ?? '', ...defined({ certificate }) };
    });
    return { id: found.id, name: found.name, address: found.sl_domain ?? '', remark: found.remark ?? '', domains };
  }

  /** Names of the groups that others use, ours left out. */
  async foreignGroups(ours: { readonly name: string; readonly remark: string }): Promise<readonly string[]> {
    const others = (await this.#list({})).filter(({ name, remark }) => name !== ours.name || remark !== ours.remark);
    const used = await Promise.all(others.map(async (group) => ((await this.#isUsed(group)) ? [group.name] : [])));
    return used.flat();
  }

  async createGroup(name: string, remark: string): Promise<{ readonly id: string; readonly address: string }> {
    const call = { name: 'apig.group-create', kind: 'create', method: 'POST', json: { name, remark }, schema: groupSchema } as const;
    const made = await this.#http.call({ ...call, url: this.#groups() });
    return { id: made.id, address: made.sl_domain ?? '' };
  }

  async removeGroup(id: string): Promise<void> {
    const call = { name: 'apig.group-delete', kind: 'delete', method: 'DELETE', schema: nothing } as const;
    await absent(this.#http.call({ ...call, url: `${this.#groups()}/${id}` }));
  }

  async bindDomain(groupId: string, domain: string): Promise<string> {
    const call = { name: 'apig.domain-bind', kind: 'create', method: 'POST', json: { url_domain: domain }, schema: madeDomain } as const;
    return (await this.#http.call({ ...call, url: `${this.#groups()}/${groupId}/domains` })).id;
  }

  async unbindDomain(groupId: string, domainId: string): Promise<void> {
    const call = { name: 'apig.domain-unbind', kind: 'delete', method: 'DELETE', schema: nothing } as const;
    await absent(this.#http.call({ ...call, url: `${this.#groups()}/${groupId}/domains/${domainId}` }));
  }

  async bindCertificate(
    groupId: string,
    domainId: string,
    certificate: { readonly name: string; readonly cert: string; readonly key: string },
  ) {
    const json = { name: certificate.name, cert_content: certificate.cert, private_key: certificate.key };
    const call = { name: 'apig.certificate-bind', kind: 'create', method: 'POST', json, schema: nothing } as const;
    await this.#http.call({ ...call, url: `${this.#groups()}/${groupId}/domains/${domainId}/certificate` });
  }

  async unbindCertificate(groupId: string, domainId: string, certificateId: string): Promise<void> {
    const call = { name: 'apig.certificate-unbind', kind: 'delete', method: 'DELETE', schema: nothing } as const;
    await absent(this.#http.call({ ...call, url: `${this.#groups()}/${groupId}/domains/${domainId}/certificate/${certificateId}` }));
  }

  /** The filter by name is fuzzy. */
  async #idOf(name: string): Promise<string | undefined> {
    return (await this.#list({ name })).find((group) => group.name === name)?.id;
  }

  async #list(filter: { readonly name?: string }): Promise<readonly z.output<typeof groupSchema>[]> {
    const all: z.output<typeof groupSchema>[] = [];
    for (;;) {
      const call = { name: 'apig.groups', kind: 'read', method: 'GET', schema: groupsSchema } as const;
      const query = { limit: PAGE, offset: all.length, ...filter };
      const { groups, total } = await this.#http.call({ ...call, url: this.#groups(), query });
      all.push(...groups);
      if (groups.length === 0 || all.length >= (total ?? 0)) return all;
    }
  }

  /** The gateway's default group is everybody's: only APIs in it are somebody's. */
  async #isUsed(group: z.output<typeof groupSchema>): Promise<boolean> {
    if (group.is_default !== DEFAULT_GROUP) return true;
    const call = { name: 'apig.apis', kind: 'read', method: 'GET', schema: apisSchema } as const;
    return (await this.#http.call({ ...call, url: `${this.#base}/apis`, query: { group_id: group.id, limit: 1 } })).total > 0;
  }

  #groups(): string {
    return `${this.#base}/api-groups`;
  }
}
