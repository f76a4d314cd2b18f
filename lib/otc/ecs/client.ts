import pMap from 'p-map';
import type { CallOptions, Cloud, Operation, Quota, ServerSpec } from '../../app/ports/index.ts';
import { ConfigError, ConflictError, NotFoundError, type ScalerError, UnclearError } from '../../core/errors.ts';
import type { Server } from '../../core/fleet/types.ts';
import { errorOfCode } from '../errors.ts';
import type { OtcHttp } from '../http.ts';
import { createBody } from './create.ts';
import { buyableFlavors, ownServer, toOperation, toQuotas } from './read.ts';
import { consoleSchema, createdSchema, deletedSchema, flavorsSchema, jobSchema, limitsSchema, listSchema } from './schema.ts';

/** The size that OTC advises for lists. */
const PAGE_SIZE = 200;
const PAGES_AT_ONCE = 8;
/** Nobody waits long for what is only worth knowing. */
const CONSOLE_MS = 3_000;
const CONSOLE_BYTES = 4 * 1024 * 1024;
/** Beyond any quota: a count like this is nonsense, not a fleet. */
const MOST_PAGES = 500;

export interface EcsOptions {
  readonly http: OtcHttp;
  /** Base URL of ECS, e.g. `https://ecs.eu-de.otc.t-systems.com`. */
  readonly endpoint: string;
  readonly projectId: string;
  /** Value of the metadata `managed-by` that makes a server ours. */
  readonly installation: string;
}

/** Elastic Cloud Server, the v1 API of OTC. Source: OTC ECS API reference, apis_recommended. */
export class Ecs implements Omit<Cloud, 'image'> {
  readonly #http: OtcHttp;
  readonly #base: string;
  readonly #nova: string;
  readonly #installation: string;

  constructor(options: EcsOptions) {
    this.#http = options.http;
    const project = encodeURIComponent(options.projectId);
    this.#base = `${options.endpoint}/v1/${project}`;
    this.#nova = `${options.endpoint}/v2.1/${project}`;
    this.#installation = options.installation;
  }

  async servers(prefix: string, options: CallOptions = {}): Promise<readonly Server[]> {
    const found = new Map<string, Server>();
    const seen = new Set<string>();
    // All pages or none: a server that is missing looks like room for another, and like a runner whose VM is gone.
    // Pages are offsets into a changing list: a server deleted meanwhile shifts another one out of sight. Then look once more.
    for (let pass = 1; pass <= 2; pass += 1) {
      const { items, count, pages } = await this.#listOnce(prefix, options);
      for (const item of items) {
        seen.add(idOf(item));
        const server = ownServer(item, prefix, this.#installation);
        if (server) found.set(server.id, server);
      }
      if (pages === 1 || seen.size >= count) break;
    }
    return [...found.values()];
  }

  async #listOnce(prefix: string, options: CallOptions): Promise<{ items: readonly unknown[]; count: number; pages: number }> {
    const first = await this.#page(prefix, 1, options);
    const pages = Math.max(1, Math.ceil(first.count / PAGE_SIZE));
    if (pages > MOST_PAGES) throw new UnclearError('unexpected-answer', `ecs.list: ${first.count} servers are beyond belief`);
    const numbers = Array.from({ length: pages - 1 }, (_, index) => index + 2);
    const rest = await pMap(numbers, (number) => this.#page(prefix, number, options), { concurrency: PAGES_AT_ONCE });
    return {
      items: [first, ...rest].flatMap((page) => page.servers),
      count: Math.max(first.count, ...rest.map((page) => page.count)),
      pages,
    };
  }

  /** `offset` is a page number that begins at 1. */
  #page(prefix: string, offset: number, options: CallOptions) {
    return this.#http.call({
      name: 'ecs.list',
      kind: 'read',
      method: 'GET',
      url: `${this.#base}/cloudservers/detail`,
      query: { limit: PAGE_SIZE, offset, ...(prefix === '' ? {} : { name: prefix }), 'not-tags': '__type_baremetal' },
      schema: listSchema,
      signal: options.signal,
    });
  }

  async createServer(spec: ServerSpec, options: CallOptions = {}): Promise<{ readonly operationId: string; readonly serverId: string }> {
    const created = await this.#http.call({
      name: 'ecs.create',
      kind: 'create',
      method: 'POST',
      url: `${this.#base}/cloudservers`,
      json: createBody(spec, this.#installation),
      schema: createdSchema,
      signal: options.signal,
    });
    return { operationId: created.job_id, serverId: created.serverIds[0] };
  }

  async deleteServer(id: string, options: CallOptions = {}): Promise<void> {
    // An empty id would be a request without a subject; what ECS makes of one is not documented.
    if (id === '') throw new ConfigError('server-id-missing', 'ecs.delete: no server id');
    try {
      await this.#http.call({
        name: 'ecs.delete',
        kind: 'delete',
        method: 'POST',
        url: `${this.#base}/cloudservers/delete`,
        json: { servers: [{ id }], delete_publicip: true, delete_volume: true },
        schema: deletedSchema,
        signal: options.signal,
      });
    } catch (error) {
      if (error instanceof NotFoundError || isBeingDeleted(error)) return;
      throw error;
    }
  }

  async operation(id: string, options: CallOptions = {}): Promise<Operation | undefined> {
    try {
      const job = await this.#http.call({
        name: 'ecs.operation',
        kind: 'read',
        method: 'GET',
        url: `${this.#base}/jobs/${encodeURIComponent(id)}`,
        schema: jobSchema,
        signal: options.signal,
      });
      const operation = toOperation(job);
      return operation.status === 'failed' ? { ...operation, error: operationError(operation) } : operation;
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  /**
   * The Nova-compatible action: the v1 API has none. No microversion is asked for, since only those up to 2.5 know it. Newer regions of this
   * technology have dropped it, which reads as "no console".
   */
  async consoleLog(serverId: string, { lines }: { readonly lines: number }, options: CallOptions = {}): Promise<string | undefined> {
    try {
      const { output } = await this.#http.call({
        name: 'ecs.console',
        kind: 'read',
        method: 'POST',
        url: `${this.#nova}/servers/${encodeURIComponent(serverId)}/action`,
        json: { 'os-getConsoleOutput': { length: lines } },
        schema: consoleSchema,
        deadlineMs: CONSOLE_MS,
        maxBytes: CONSOLE_BYTES,
        signal: options.signal,
      });
      return output ?? undefined;
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof ConfigError) return undefined;
      throw error;
    }
  }

  async quotas(options: CallOptions = {}): Promise<readonly Quota[]> {
    const limits = await this.#http.call({
      name: 'ecs.quotas',
      kind: 'read',
      method: 'GET',
      url: `${this.#base}/cloudservers/limits`,
      schema: limitsSchema,
      signal: options.signal,
    });
    return toQuotas(limits);
  }

  async flavors(zone: string, options: CallOptions = {}): Promise<readonly string[]> {
    const flavors = await this.#http.call({
      name: 'ecs.flavors',
      kind: 'read',
      method: 'GET',
      url: `${this.#base}/cloudservers/flavors`,
      query: { availability_zone: zone },
      schema: flavorsSchema,
      signal: options.signal,
    });
    return buyableFlavors(flavors, zone);
  }
}

/** The error that a failed create operation stands for, so that callers react to it as to a refused create. */
function operationError(operation: Operation): ScalerError {
  return errorOfCode(operation.code, operation.reason, 'create', 'ecs.operation');
}

/** A second delete while the first one runs is refused with the state as reason; the wish is fulfilled. */
function isBeingDeleted(error: unknown): boolean {
  return error instanceof ConflictError && error.code === 'Ecs.0100' && /\bdeleting\b|being deleted|been deleted/i.test(error.message);
}

function idOf(item: unknown): string {
  return typeof item === 'object' && item !== null && 'id' in item && typeof item.id === 'string' ? item.id : '';
}
