import type * as z from 'zod';
import type { CallOptions } from '../../app/ports/index.ts';
import { AccessError, ConfigError, NotFoundError, UnclearError } from '../../core/errors.ts';
import type { OtcCallName } from '../calls.ts';
import type { OtcHttp } from '../http.ts';
import {
  allFlavorsSchema,
  anyServersSchema,
  availabilitySchema,
  functionSchema,
  imageListSchema,
  keyPairsSchema,
  projectsSchema,
  securityGroupsSchema,
  subnetsSchema,
  vpcQuotasSchema,
  vpcsSchema,
  zonesSchema,
} from './survey-schema.ts';

export interface OtcSurveyOptions {
  readonly http: OtcHttp;
  readonly projectId: string;
  readonly endpoints: Readonly<Record<'ecs' | 'iam' | 'ims' | 'vpc' | 'functiongraph', string>>;
}

/** What OTC recommends to ask for at most; more of these has no project of ours. */
const MOST = 1000;

/**
 * Reads what an examination of the installation wants to know and the farm itself does not ask. Never changes anything. The functions do not
 * carry it.
 */
export class OtcSurvey {
  readonly #http: OtcHttp;
  readonly #endpoints: OtcSurveyOptions['endpoints'];
  readonly #project: string;

  constructor({ http, projectId, endpoints }: OtcSurveyOptions) {
    this.#http = http;
    this.#endpoints = endpoints;
    this.#project = encodeURIComponent(projectId);
  }

  async projects(options: CallOptions = {}) {
    return (await this.#read('iam.projects', `${this.#endpoints.iam}/v3/projects`, projectsSchema, options)).projects;
  }

  /** Without a zone every flavor is listed, whatever its state. */
  allFlavors(options: CallOptions = {}) {
    return this.#read('ecs.flavors', `${this.#ecs()}/cloudservers/flavors`, allFlavorsSchema, options);
  }

  zones(options: CallOptions = {}) {
    return this.#read('ecs.zones', `${this.#nova()}/os-availability-zone`, zonesSchema, options);
  }

  /** Those of exactly this name or id, whatever their status; the newest first. */
  async images(which: { readonly id: string } | { readonly name: string }, options: CallOptions = {}) {
    const query = { ...which, sort_key: 'created_at', sort_dir: 'desc', limit: 50 };
    const found = await this.#read('ims.images', `${this.#endpoints.ims}/v2/cloudimages`, imageListSchema, options, query);
    return found.filter((image) => ('id' in which ? image.id === which.id : image.name === which.name));
  }

  keyPairs(options: CallOptions = {}) {
    return this.#read('ecs.key-pairs', `${this.#nova()}/os-keypairs`, keyPairsSchema, options);
  }

  vpcs(options: CallOptions = {}) {
    return this.#read('vpc.vpcs', `${this.#vpc()}/vpcs`, vpcsSchema, options, { limit: MOST });
  }

  subnets(options: CallOptions = {}) {
    return this.#read('vpc.subnets', `${this.#vpc()}/subnets`, subnetsSchema, options, { limit: MOST });
  }

  securityGroups(options: CallOptions = {}) {
    return this.#read('vpc.security-groups', `${this.#vpc()}/security-groups`, securityGroupsSchema, options, { limit: MOST });
  }

  /** Without the addresses that the system keeps. `undefined` where the call is not offered or not allowed: it is only worth knowing. */
  async addresses(subnetId: string, options: CallOptions = {}): Promise<{ readonly used: number; readonly total: number } | undefined> {
    const url = `${this.#endpoints.vpc}/v2.0/network-ip-availabilities/${encodeURIComponent(subnetId)}`;
    try {
      const { network_ip_availability: found } = await this.#read('vpc.addresses', url, availabilitySchema, options);
      return { used: found.used_ips, total: found.total_ips };
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof AccessError || error instanceof ConfigError) return undefined;
      throw error;
    }
  }

  async publicAddresses(options: CallOptions = {}): Promise<{ readonly used: number; readonly max?: number }> {
    const { quotas } = await this.#read('vpc.quotas', `${this.#vpc()}/quotas`, vpcQuotasSchema, options, { type: 'publicIp' });
    const found = quotas.resources.find(({ type }) => type === 'publicIp');
    if (!found) throw new UnclearError('unexpected-answer', 'vpc.quotas: no line for public addresses');
    return found.quota < 0 ? { used: found.used } : { used: found.used, max: found.quota };
  }

  /** The filter is fuzzy: 10.0.0.1 also finds 10.0.0.12. */
  async serverAt(address: string, options: CallOptions = {}) {
    const query = { ip: address, limit: MOST, offset: 1 };
    const { servers } = await this.#read('ecs.list', `${this.#ecs()}/cloudservers/detail`, anyServersSchema, options, query);
    const found = servers.find(({ addresses }) => Object.values(addresses).some((list) => list.some(({ addr }) => addr === address)));
    if (!found) return undefined;
    const securityGroups = (found.security_groups ?? []).map(({ id, name }) => id ?? name);
    return { name: found.name, status: found.status, securityGroups };
  }

  async function(name: string, options: CallOptions = {}) {
    const url = `${this.#endpoints.functiongraph}/v2/${this.#project}/fgs/functions/${name.replace(/:latest$/, '')}/config`;
    try {
      return await this.#read('functiongraph.config', url, functionSchema, options);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  #read<Schema extends z.ZodType>(
    name: OtcCallName,
    url: string,
    schema: Schema,
    { signal }: CallOptions,
    query: Readonly<Record<string, string | number>> = {},
  ): Promise<z.output<Schema>> {
    return this.#http.call({ name, kind: 'read', method: 'GET', url, query, schema, signal });
  }

  #ecs(): string {
    return `${this.#endpoints.ecs}/v1/${this.#project}`;
  }

  #nova(): string {
    return `${this.#endpoints.ecs}/v2.1/${this.#project}`;
  }

  #vpc(): string {
    return `${this.#endpoints.vpc}/v1/${this.#project}`;
  }
}
