import { strToU8, zipSync } from 'fflate';
import { SteppedClock } from '../../../sandbox/clock.ts';
import type { SandboxEvent } from '../../../sandbox/context.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../sandbox/sandbox.ts';
import { type Json, parse, START } from './bench.ts';
import { type Answer, type Ask, ask, type Keys, sdkHeaders } from './client.ts';

export type JsonAnswer = Answer & { readonly json: Json };

/** A whole sandbox, and signed calls to what manages it. */
export interface Cloud {
  readonly sandbox: Sandbox;
  readonly clock: SteppedClock;
  readonly events: readonly SandboxEvent[];
  /** `/v2/<project>`. */
  readonly v2: string;
  /** A signed call of the account, or with other keys. */
  call(method: string, path: string, body?: unknown, keys?: Keys): Promise<JsonAnswer>;
  close(): Promise<void>;
}

export async function startCloud(options: Partial<SandboxOptions> = {}): Promise<Cloud> {
  const clock = new SteppedClock(START);
  const events: SandboxEvent[] = [];
  const sandbox = await startSandbox({ clock, onEvent: (event) => events.push(event), ...options });
  const { otc } = sandbox.urls;
  return {
    sandbox,
    clock,
    events,
    v2: `/v2/${sandbox.projectId}`,
    call: async (method, path, body, keys = sandbox.credentials) => {
      const request: Ask = { method, body: body === undefined ? '' : JSON.stringify(body) };
      const answer = await ask(otc, path, { ...request, headers: sdkHeaders(keys, clock.now(), new URL(otc).host, request, path) });
      return { ...answer, json: parse(answer.text) };
    },
    close: () => sandbox.close(),
  };
}

/** A zip in base64. */
export function zipOf(files: Readonly<Record<string, string>>): string {
  const entries = Object.entries(files).map(([name, text]) => [name, strToU8(text)] as const);
  return Buffer.from(zipSync(Object.fromEntries(entries), { mtime: '2026-01-01T00:00:00' })).toString('base64');
}

/** The body of a function's creation; `code` is that of index.js. */
export function functionBody(code: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    func_name: 'scaler-prod-webhook',
    package: 'default',
    type: 'v2',
    runtime: 'Node.js20.15',
    handler: 'index.handler',
    memory_size: 256,
    timeout: 10,
    code_type: 'zip',
    code_filename: 'index.zip',
    func_code: { file: zipOf({ 'index.js': code }) },
    ...more,
  };
}

export function apiTrigger(gatewayId: string, groupId: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const event_data = {
    instance_id: gatewayId,
    group_id: groupId,
    env_id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
    env_name: 'RELEASE',
    name: 'gitlab_webhook',
    path: '/gitlab',
    protocol: 'HTTPS',
    req_method: 'POST',
    match_mode: 'NORMAL',
    auth: 'NONE',
    type: 1,
    backend_type: 'FUNCTION',
    func_info: { timeout: 10_000, invocation_type: 'sync', version: 'latest' },
    ...more,
  };
  return { trigger_type_code: 'DEDICATEDGATEWAY', trigger_status: 'ACTIVE', event_data };
}

export function timerTrigger(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const event_data = { name: 'minute', schedule_type: 'Rate', schedule: '1m', user_event: 'go', ...more };
  return { trigger_type_code: 'TIMER', trigger_status: 'ACTIVE', event_data };
}
