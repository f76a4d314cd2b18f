import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { SandboxContext } from '../../context.ts';
import { Ids } from '../ids.ts';
import { Refused } from '../refused.ts';
import type { Api, ApiCertificate, ApiDomain, ApiGroup, GatewayInstance, GatewayOrder, GatewayState } from './types.ts';

/** Of the gateways that exist when the sandbox starts. */
const AT_START = { description: '', spec: 'BASIC', vpcId: '', subnetId: '', securityGroupId: '', isPublic: true };

const INSTANCES = 5;
const DOMAINS_PER_GROUP = 5;

/** Dedicated gateways (OTC APIG API reference, "Dedicated Gateway APIs (V2)"). */
export class Apig {
  readonly instances = new Map<string, GatewayInstance>();
  /** How long the next creation takes. */
  buildMs = 15 * 60_000;
  /** How long a deleted gateway remains. */
  deleteMs = 60_000;
  readonly #ctx: SandboxContext;
  readonly #region: string;
  readonly #ids = new Ids('apig');
  #nextBreaks = false;

  constructor(ctx: SandboxContext, region: string, atStart: readonly string[]) {
    this.#ctx = ctx;
    this.#region = region;
    for (const name of atStart) this.#add({ ...AT_START, name }, ctx.clock.now());
  }

  createInstance(order: GatewayOrder): GatewayInstance {
    if (this.instances.size >= INSTANCES) throw new Refused(400, 'APIG.3704', 'The number of instances exceeds the limit.');
    const taken = [...this.instances.values()].some((i) => i.name === order.name);
    if (taken) throw new Refused(400, 'APIG.3708', 'The instance name already exists.');
    const made = this.#add(order, this.#ctx.clock.now() + this.buildMs, this.#nextBreaks);
    this.#nextBreaks = false;
    this.#addGroup(made, 'DEFAULT', '', true);
    return made;
  }

  /** Returns at once; the gateway goes later. */
  deleteInstance(instance: GatewayInstance): void {
    instance.state = 'Deleting';
    if (this.deleteMs === 0) this.instances.delete(instance.id);
    else this.#ctx.clock.after(this.deleteMs, () => void this.instances.delete(instance.id));
  }

  /** The next creation fails, as it does when OTC lacks resources. */
  breakNext(): void {
    this.#nextBreaks = true;
  }

  stateOf({ readyAt, createdAt, broken, state }: GatewayInstance): GatewayState {
    if (state) return state;
    const now = this.#ctx.clock.now();
    if (readyAt <= now) return broken ? 'CreateFail' : 'Running';
    return now < (createdAt + readyAt) / 2 ? 'Creating' : 'Registering';
  }

  ready(instance: GatewayInstance): boolean {
    return this.stateOf(instance) === 'Running';
  }

  createGroup(instance: GatewayInstance, name: string, remark: string): ApiGroup {
    const taken = [...instance.groups.values()].some((g) => g.name === name);
    if (taken) throw new Refused(400, 'APIG.3300', 'The API group name already exists');
    return this.#addGroup(instance, name, remark, false);
  }

  deleteGroup(instance: GatewayInstance, { id }: ApiGroup): void {
    const used = [...instance.apis.values()].some((api) => api.groupId === id);
    if (used) throw new Refused(400, 'APIG.3406', 'This operation is not allowed because the API group contains APIs');
    instance.groups.delete(id);
  }

  /** A domain belongs to one group of all gateways. */
  bindDomain(group: ApiGroup, name: string): ApiDomain {
    const all = [...this.instances.values()].flatMap((i) => [...i.groups.values()]).flatMap((g) => [...g.domains.values()]);
    if (all.some((d) => d.name === name)) throw new Refused(400, 'APIG.3311', 'The domain name already exists');
    if (group.domains.size >= DOMAINS_PER_GROUP) {
      throw new Refused(400, 'APIG.3505', 'The number of domain names bound to the API group exceeds the limit.');
    }
    const domain: ApiDomain = { id: this.#ids.hex(32), name, certificate: undefined };
    group.domains.set(domain.id, domain);
    return domain;
  }

  /** The key must be the certificate's, and the certificate the domain's. */
  bindCertificate(domain: ApiDomain, name: string, certificate: string, key: string): ApiCertificate {
    const wrong = (why: string) => new Refused(400, 'APIG.2011', `Invalid parameter value,parameterName:cert_content. ${why}`);
    const pem = readPem(certificate, key);
    if (!pem) throw wrong('The certificate or the private key is not valid PEM.');
    if (!pem.certificate.checkPrivateKey(pem.key)) throw wrong('The private key does not match the certificate.');
    if (!pem.certificate.checkHost(domain.name)) throw wrong('The certificate is not for the domain.');
    domain.certificate = { id: this.#ids.hex(32), name };
    return domain.certificate;
  }

  addApi(instance: GatewayInstance, api: Omit<Api, 'id' | 'createdAt'>): Api {
    const made = { ...api, id: this.#ids.hex(32), createdAt: this.#ctx.clock.now() };
    instance.apis.set(made.id, made);
    return made;
  }

  #addGroup(instance: GatewayInstance, name: string, remark: string, isDefault: boolean): ApiGroup {
    const id = this.#ids.hex(32);
    const subDomain = `${id}.apic.${this.#region}.otc.t-systems.com`;
    const domains = new Map<string, ApiDomain>();
    const group = { id, name, remark, subDomain, isDefault, createdAt: this.#ctx.clock.now(), domains };
    instance.groups.set(id, group);
    return group;
  }

  #add(order: GatewayOrder, readyAt: number, broken = false): GatewayInstance {
    const id = this.#ids.hex(32);
    const instance = {
      id,
      ...order,
      broken,
      state: undefined,
      readyAt,
      createdAt: this.#ctx.clock.now(),
      groups: new Map<string, ApiGroup>(),
      apis: new Map<string, Api>(),
    };
    this.instances.set(id, instance);
    return instance;
  }
}

function readPem(certificate: string, key: string): { readonly certificate: X509Certificate; readonly key: KeyObject } | undefined {
  try {
    return { certificate: new X509Certificate(certificate), key: createPrivateKey(key) };
  } catch {
    return undefined;
  }
}
