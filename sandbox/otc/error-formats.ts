import type { SandboxContext } from '../context.ts';
import { ReadyResponse, type SandboxRequest } from '../http.ts';
import { Ids } from './ids.ts';

/** The wordings of errors differ by who speaks (OTC API references, "Status Codes" and "Error Codes" of ECS, APIG, IAM). */
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

  /** `{"error":{"code","message"}}`; details may carry the more specific code. */
  ecs(status: number, code: string, message: string, details?: readonly { readonly code: string; readonly message: string }[]): Response {
    return this.json({ error: { message, code, ...(details ? { details } : {}) } }, status);
  }

  /** The API gateway in front of every service. */
  gateway(status: number, code: string, message: string): Response {
    return this.json({ error_msg: message, error_code: code, request_id: this.#ids.hex(32) }, status);
  }

  iam(status: number, title: string, message: string): Response {
    return this.json({ error: { code: status, message, title } }, status);
  }

  /** FunctionGraph's, and that of LTS. */
  functionGraph(status: number, code: string, message: string): Response {
    return this.json({ error_code: code, error_msg: message }, status);
  }

  /** An injected fault, worded by whoever would have sent that code. */
  fault(c: SandboxRequest, status: number | undefined, code: string | undefined): Response {
    const injected = 'injected by the sandbox';
    if (code === undefined) return this.gateway(status ?? 500, 'APIG.0201', 'Backend unavailable');
    if (code.startsWith('APIG')) return this.gateway(status ?? (code === 'APIG.0308' ? 429 : 401), code, injected);
    if (code.startsWith('FSS')) return this.functionGraph(status ?? (code === 'FSS.0429' ? 429 : 500), code, injected);
    if (code.startsWith('LTS')) return this.functionGraph(status ?? 500, code, injected);
    if (c.env.incoming.url?.startsWith('/v3')) return this.iam(status ?? 400, code, injected);
    return this.ecs(status ?? 400, code, injected);
  }

  #date(): string {
    return new Date(this.#ctx.clock.now()).toUTCString();
  }

  #headers(): Record<string, string> {
    return { 'content-type': 'application/json', date: this.#date(), 'x-request-id': this.#ids.hex(32) };
  }
}
