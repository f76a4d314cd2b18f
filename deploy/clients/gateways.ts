import * as z from 'zod';
import { defined } from '../../lib/core/defined.ts';
import type { OtcHttp } from '../../lib/otc/http.ts';
import { GatewayAdmin } from './apig.ts';
import { absent, nothing } from './fgs.ts';

/* Dedicated gateways of a project. Source: OTC API Gateway API reference V2, "Gateway Management". */

const text = z.string().nullish();
const instanceSchema = z.object({
  id: z.string(),
  instance_name: text,
  status: text,
  description: text,
  spec: text,
  vpc_id: text,
  subnet_id: text,
  security_group_id: text,
  eip_address: text,
  publicips: z.array(z.object({ ip_address: text })).nullish(),
});
const instancesSchema = z.object({ instances: z.array(z.object({ id: z.string(), instance_name: text })), total: z.number().nullish() });
const madeSchema = z.object({ instance_id: z.string() });
const progressSchema = z.object({ progress: z.number().nullish(), status: z.string(), error_code: text, error_msg: text });

/** A dedicated gateway to be made, with a public address of its own. It costs as long as it exists. */
export interface GatewayOrder {
  readonly name: string;
  /** By this it is known as made by this deployment. */
  readonly description: string;
  readonly spec: string;
  readonly zones: readonly string[];
  readonly vpcId: string;
  readonly subnetId: string;
  readonly securityGroupId: string;
  /** Of the public address, in Mbit/s. */
  readonly bandwidth: number;
  readonly enterpriseProjectId?: string | undefined;
}

export interface Gateway {
  readonly id: string;
  readonly name: string;
  /** `Running`, `Creating`, `CreateFail` and others. */
  readonly status: string;
  readonly description: string;
  /** The public one, if it has one. */
  readonly address?: string;
  /** What it was made with, as far as OTC tells. */
  readonly made: Partial<Pick<GatewayOrder, 'spec' | 'vpcId' | 'subnetId' | 'securityGroupId'>>;
}

export interface GatewayProgress {
  readonly status: string;
  readonly percent: number;
  /** Why it failed. */
  readonly why: string;
}

const PAGE = 100;

export class Gateways {
  readonly #options: { readonly http: OtcHttp; readonly endpoint: string; readonly projectId: string };
  readonly #base: string;

  constructor(options: { readonly http: OtcHttp; readonly endpoint: string; readonly projectId: string }) {
    this.#options = options;
    this.#base = `${options.endpoint}/v2/${options.projectId}/apigw/instances`;
  }

  /** What is at one gateway. */
  at(instanceId: string): GatewayAdmin {
    return new GatewayAdmin({ ...this.#options, instanceId });
  }

  /** By its id, or by its exact name; `undefined` when there is no such gateway. */
  async find(which: { readonly id: string } | { readonly name: string }): Promise<Gateway | undefined> {
    const id = 'id' in which ? which.id : await this.#idOf(which.name);
    if (id === undefined) return undefined;
    const call = { name: 'apig.instance', kind: 'read', method: 'GET', schema: instanceSchema } as const;
    const found = await absent(this.#options.http.call({ ...call, url: `${this.#base}/${id}` }));
    if (!found) return undefined;
    const address = found.eip_address || found.publicips?.[0]?.ip_address;
    const {
      instance_name: name,
      status,
      description,
      spec,
      vpc_id: vpcId,
      subnet_id: subnetId,
      security_group_id: securityGroupId,
    } = found;
    const made = {
      ...(spec && { spec }),
      ...(vpcId && { vpcId }),
      ...(subnetId && { subnetId }),
      ...(securityGroupId && { securityGroupId }),
    };
    return { id, name: name ?? '', status: status ?? '', description: description ?? '', made, ...(address && { address }) };
  }

  /** Takes about a quarter of an hour; gives its id at once. */
  async create(order: GatewayOrder): Promise<string> {
    const { name, description, spec, zones, vpcId, subnetId, securityGroupId, bandwidth, enterpriseProjectId } = order;
    const json = {
      ...defined({ enterprise_project_id: enterpriseProjectId }),
      instance_name: name,
      description,
      spec_id: spec,
      vpc_id: vpcId,
      subnet_id: subnetId,
      security_group_id: securityGroupId,
      available_zone_ids: zones,
      loadbalancer_provider: 'elb',
      ingress_bandwidth_size: bandwidth,
      ingress_bandwidth_charging_mode: 'traffic',
    };
    const call = { name: 'apig.instance-create', kind: 'create', method: 'POST', json, schema: madeSchema } as const;
    return (await this.#options.http.call({ ...call, url: this.#base })).instance_id;
  }

  async progress(id: string): Promise<GatewayProgress> {
    const call = { name: 'apig.instance-progress', kind: 'read', method: 'GET', schema: progressSchema } as const;
    const { progress, status, error_code, error_msg } = await this.#options.http.call({ ...call, url: `${this.#base}/${id}/progress` });
    return { status, percent: progress ?? 0, why: [error_code, error_msg].filter(Boolean).join(' ') };
  }

  /** With all that is at it. */
  async remove(id: string): Promise<void> {
    const call = { name: 'apig.instance-delete', kind: 'delete', method: 'DELETE', schema: nothing } as const;
    await absent(this.#options.http.call({ ...call, url: `${this.#base}/${id}` }));
  }

  /** Ids and names of all in the project. */
  async list(): Promise<readonly { readonly id: string; readonly name: string }[]> {
    const all: { readonly id: string; readonly name: string }[] = [];
    for (;;) {
      const call = { name: 'apig.instances', kind: 'read', method: 'GET', schema: instancesSchema } as const;
      const { instances, total } = await this.#options.http.call({ ...call, url: this.#base, query: { limit: PAGE, offset: all.length } });
      all.push(...instances.map(({ id, instance_name }) => ({ id, name: instance_name ?? '' })));
      if (instances.length === 0 || all.length >= (total ?? 0)) return all;
    }
  }

  async #idOf(name: string): Promise<string | undefined> {
    return (await this.list()).find((one) => one.name === name)?.id;
  }
}
