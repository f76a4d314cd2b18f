import type { Hono } from 'hono';
import type { SandboxContext } from '../context.ts';
import { type FaultLayer, ReadyResponse, type SandboxEnv, type SandboxRequest } from '../http.ts';
import { Ids } from './ids.ts';
import type { Refused } from './refused.ts';

/** What the calls of a service are registered with. */
export interface Service {
  readonly app: Hono<SandboxEnv>;
  /** Names each call, and checks access. */
  readonly operation: FaultLayer;
  readonly respond: ErrorFormats;
}

/** Answers. Each service words its errors differently (OTC API references, "Status Codes" and "Error Codes" of ECS, APIG, IAM). */
export class ErrorFormats {
  readonly #ctx: SandboxContext;
  readonly #ids = new Ids('request');

  constructor(ctx: SandboxContext) {
    this.#ctx = ctx;
  }

  json(body: unknown, status = 200): Response {
    return new ReadyResponse(JSON.stringify(body), { status, headers: this.#headers() });
  }

  empty(status: number): Response {
    return new ReadyResponse(null, { status, headers: { date: this.#date() } });
  }

  /** In the words of the service whose code it is; only IAM has titles instead of codes. */
  refusal(status: number, code: string, message: string, detail?: Refused['detail']): Response {
    const [service] = code.split('.');
    // The API gateway in front of every service.
    if (service === 'APIG') return this.json({ error_msg: message, error_code: code, request_id: this.#ids.hex(32) }, status);
    if (service === 'FSS' || service === 'LTS') return this.json({ error_code: code, error_msg: message }, status);
    if (service === 'VPC' || service === 'Common') return this.json({ code, message }, status);
    if (service === 'SMN') return this.json({ request_id: this.#ids.hex(32), code, message }, status);
    if (service === code) return this.#iam(status, code, message);
    return this.#ecs(status, code, message, detail);
  }

  /** An injected fault, worded by the service that would have sent that code. */
  fault(c: SandboxRequest, status: number | undefined, code: string | undefined): Response {
    const injected = 'injected by the sandbox';
    if (code === undefined) return this.refusal(status ?? 500, 'APIG.0201', 'Backend unavailable');
    if (code.startsWith('APIG')) return this.refusal(status ?? (code === 'APIG.0308' ? 429 : 401), code, injected);
    if (/^(FSS|LTS)/.test(code)) return this.refusal(status ?? (code === 'FSS.0429' ? 429 : 500), code, injected);
    if (c.env.incoming.url?.startsWith('/v3')) return this.#iam(status ?? 400, code, injected);
    return this.#ecs(status ?? 400, code, injected);
  }

  #iam(status: number, title: string, message: string): Response {
    return this.json({ error: { code: status, message, title } }, status);
  }

  #ecs(status: number, code: string, message: string, detail?: Refused['detail']): Response {
    return this.json({ error: { message, code, ...(detail ? { details: [detail] } : {}) } }, status);
  }

  #date(): string {
    return new Date(this.#ctx.clock.now()).toUTCString();
  }

  #headers(): Record<string, string> {
    return { 'content-type': 'application/json', date: this.#date(), 'x-request-id': this.#ids.hex(32) };
  }
}
