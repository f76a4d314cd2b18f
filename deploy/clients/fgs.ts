import * as z from 'zod';
import { NotFoundError, ScalerError } from '../../lib/core/errors.ts';
import type { OtcHttp } from '../../lib/otc/http.ts';

/*
 * FunctionGraph's management API, the part that a deployment uses. Source: OTC FunctionGraph API reference, "Function Lifecycle Management",
 * "Function Triggers", "Asynchronous Execution Notification". Answers are read tolerantly.
 */

export const nothing = z.unknown().transform(() => undefined);
const text = z.string().nullish();

const functionSchema = z.object({ func_name: z.string(), func_urn: z.string(), description: text, resource_id: text });
const listSchema = z.object({ functions: z.array(functionSchema), next_marker: z.number().nullish(), count: z.number().nullish() });

const configSchema = z.object({
  func_urn: z.string(),
  func_name: z.string(),
  runtime: z.string(),
  handler: z.string(),
  memory_size: z.number(),
  timeout: z.number(),
  description: text,
  xrole: text,
  app_xrole: text,
  digest: text,
  resource_id: text,
  strategy_config: z.object({ concurrency: z.number().nullish() }).nullish(),
  func_vpc: z.object({ vpc_id: text, subnet_id: text }).nullish(),
});
export type FunctionConfig = z.output<typeof configSchema>;

const triggerSchema = z.object({
  trigger_id: z.string(),
  trigger_type_code: z.string(),
  trigger_status: text,
  event_data: z.looseObject({ name: text }),
});
export type FunctionTrigger = z.output<typeof triggerSchema>;

const asyncSchema = z.object({
  max_async_event_age_in_seconds: z.number().nullish(),
  max_async_retry_attempts: z.number().nullish(),
  destination_config: z.object({ on_failure: z.object({ destination: text, param: text }).nullish() }).nullish(),
});
export type AsyncAnswer = z.output<typeof asyncSchema>;

const logSchema = z.object({ group_id: text, stream_id: text });
const tagsSchema = z.object({ tags: z.array(z.object({ key: z.string(), value: z.string().nullish() })).nullish() });
const invokedSchema = z.looseObject({ request_id: text, result: z.unknown(), log: text });

export interface Invoked {
  readonly requestId?: string;
  /** What the function returned, as it stands in the answer. */
  readonly result: unknown;
  /** The end of its log, where the answer has it. */
  readonly log?: string;
  readonly failed: boolean;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

const PAGE = 100;

export class FunctionGraphAdmin {
  readonly #http: OtcHttp;
  readonly #base: string;

  constructor({ http, endpoint, projectId }: { readonly http: OtcHttp; readonly endpoint: string; readonly projectId: string }) {
    this.#http = http;
    this.#base = `${endpoint}/v2/${projectId}`;
  }

  /** All functions of the project. */
  async functions(): Promise<readonly z.output<typeof functionSchema>[]> {
    const all: z.output<typeof functionSchema>[] = [];
    for (let marker = 0; ; ) {
      const query = { marker, maxitems: PAGE };
      const page = await this.#http.call({
        name: 'fgs.list',
        kind: 'read',
        method: 'GET',
        url: this.#functions(),
        query,
        schema: listSchema,
      });
      all.push(...page.functions);
      const next = page.next_marker ?? 0;
      if (page.functions.length === 0 || next <= marker || all.length >= (page.count ?? Number.POSITIVE_INFINITY)) return all;
      marker = next;
    }
  }

  /** `undefined` when there is no such function. */
  config(urn: string): Promise<FunctionConfig | undefined> {
    return absent(
      this.#http.call({ name: 'fgs.config', kind: 'read', method: 'GET', url: this.#function(urn, 'config'), schema: configSchema }),
    );
  }

  /** SHA-512 of the deployed zip, in hex. */
  async digest(urn: string): Promise<string | undefined> {
    const schema = z.object({ digest: text });
    const code = await this.#http.call({ name: 'fgs.code', kind: 'read', method: 'GET', url: this.#function(urn, 'code'), schema });
    return code.digest ?? undefined;
  }

  async create(body: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#http.call({ name: 'fgs.create', kind: 'create', method: 'POST', url: this.#functions(), json: body, schema: nothing });
  }

  async updateConfig(urn: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    const url = this.#function(urn, 'config');
    await this.#http.call({ name: 'fgs.config-update', kind: 'update', method: 'PUT', url, json: body, schema: nothing });
  }

  /** Code that is there already is success (FSS.0409). */
  async updateCode(urn: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      const url = this.#function(urn, 'code');
      await this.#http.call({ name: 'fgs.code-update', kind: 'update', method: 'PUT', url, json: body, schema: nothing });
    } catch (error) {
      if (!(error instanceof ScalerError && error.code === 'FSS.0409')) throw error;
    }
  }

  async setMaxInstances(urn: string, count: number): Promise<void> {
    const url = this.#function(urn, 'config-max-instance');
    const json = { max_instance_num: count };
    await this.#http.call({ name: 'fgs.max-instance', kind: 'update', method: 'PUT', url, json, schema: nothing });
  }

  async remove(urn: string): Promise<void> {
    await absent(this.#http.call({ name: 'fgs.delete', kind: 'delete', method: 'DELETE', url: this.#function(urn), schema: nothing }));
  }

  /** `undefined` when the platform's defaults hold. */
  asyncConfig(urn: string): Promise<AsyncAnswer | undefined> {
    const url = this.#function(urn, 'async-invoke-config');
    return absent(this.#http.call({ name: 'fgs.async', kind: 'read', method: 'GET', url, schema: asyncSchema }));
  }

  async setAsyncConfig(urn: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    const url = this.#function(urn, 'async-invoke-config');
    await this.#http.call({ name: 'fgs.async-update', kind: 'update', method: 'PUT', url, json: body, schema: nothing });
  }

  async removeAsyncConfig(urn: string): Promise<void> {
    const url = this.#function(urn, 'async-invoke-config');
    await absent(this.#http.call({ name: 'fgs.async-delete', kind: 'delete', method: 'DELETE', url, schema: nothing }));
  }

  triggers(urn: string): Promise<readonly FunctionTrigger[]> {
    const url = `${this.#base}/fgs/triggers/${urn}`;
    return this.#http.call({ name: 'fgs.triggers', kind: 'read', method: 'GET', url, schema: z.array(triggerSchema) });
  }

  async createTrigger(urn: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    const url = `${this.#base}/fgs/triggers/${urn}`;
    await this.#http.call({ name: 'fgs.trigger-create', kind: 'create', method: 'POST', url, json: body, schema: nothing });
  }

  async removeTrigger(urn: string, type: string, id: string): Promise<void> {
    const url = `${this.#base}/fgs/triggers/${urn}/${type}/${encodeURIComponent(id)}`;
    await absent(this.#http.call({ name: 'fgs.trigger-delete', kind: 'delete', method: 'DELETE', url, schema: nothing }));
  }

  async tags(resourceId: string): Promise<readonly Tag[]> {
    const url = `${this.#base}/functions/${resourceId}/tags`;
    const { tags } = await this.#http.call({ name: 'fgs.tags', kind: 'read', method: 'GET', url, schema: tagsSchema });
    return (tags ?? []).map(({ key, value }) => ({ key, value: value ?? '' }));
  }

  async addTags(resourceId: string, tags: readonly Tag[]): Promise<void> {
    const url = `${this.#base}/functions/${resourceId}/tags/create`;
    const json = { tags };
    await this.#http.call({ name: 'fgs.tags-create', kind: 'update', method: 'POST', url, json, schema: nothing });
  }

  async removeTags(resourceId: string, tags: readonly Tag[]): Promise<void> {
    const url = `${this.#base}/functions/${resourceId}/tags/delete`;
    const json = { tags };
    await this.#http.call({ name: 'fgs.tags-delete', kind: 'update', method: 'DELETE', url, json, schema: nothing });
  }

  /** Where the function's log goes; `undefined` when it is not collected. */
  async logPlace(urn: string): Promise<{ readonly groupId: string; readonly streamId: string } | undefined> {
    const url = this.#function(urn, 'lts-log-detail');
    const found = await absent(this.#http.call({ name: 'fgs.lts-log-detail', kind: 'read', method: 'GET', url, schema: logSchema }));
    return found?.group_id && found.stream_id ? { groupId: found.group_id, streamId: found.stream_id } : undefined;
  }

  /**
   * Runs the function and waits, 90 s at most. Version `v1` of the answer keeps what the function returned as a text. A function that failed
   * is answered with HTTP 200, too: only a header tells.
   */
  async invoke(urn: string, event: unknown): Promise<Invoked> {
    const { data, headers } = await this.#http.exchange({
      name: 'fgs.invoke',
      kind: 'invoke',
      method: 'POST',
      url: this.#function(urn, 'invocations'),
      json: event,
      headers: { 'x-cff-request-version': 'v1', 'x-cff-log-type': 'tail' },
      schema: invokedSchema,
    });
    const failed = headers['x-is-func-err'] === 'true' || (headers['x-func-err-code'] ?? '0') !== '0';
    return { ...(data.request_id && { requestId: data.request_id }), result: data.result, ...(data.log && { log: data.log }), failed };
  }

  #functions(): string {
    return `${this.#base}/fgs/functions`;
  }

  #function(urn: string, part?: string): string {
    return `${this.#functions()}/${urn}${part === undefined ? '' : `/${part}`}`;
  }
}

/** Not there is an answer. */
export async function absent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
