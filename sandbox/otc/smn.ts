import type { Hono } from 'hono';
import * as z from 'zod';
import type { SandboxContext } from '../context.ts';
import type { FaultLayer, SandboxEnv } from '../http.ts';
import { ErrorFormats } from './error-formats.ts';
import { Ids } from './ids.ts';

const Body = z.object({ subject: z.string().optional(), message: z.string().min(1) });

export interface PublishedMessage {
  readonly topic: string;
  readonly subject: string;
  readonly message: string;
}

/** Simple Message Notification: topics, and what was published to them (OTC SMN API reference, "Publishing a Message"). */
export class Smn {
  readonly published: PublishedMessage[] = [];
  readonly #topics = new Set<string>();

  /** Gives the topic's URN. */
  createTopic(region: string, projectId: string, name: string): string {
    const urn = `urn:smn:${region}:${projectId}:${name}`;
    this.#topics.add(urn);
    return urn;
  }

  has(urn: string): boolean {
    return this.#topics.has(urn);
  }
}

export function mountSmn(app: Hono<SandboxEnv>, operation: FaultLayer, ctx: SandboxContext, smn: Smn): void {
  const say = new ErrorFormats(ctx);
  const ids = new Ids('smn');
  const refuse = (status: number, code: string, message: string) => say.json({ request_id: ids.hex(32), code, message }, status);

  app.post('/v2/:project/notifications/topics/:urn/publish', operation('smn.publish'), async (c) => {
    const urn = decodeURIComponent(c.req.param('urn'));
    const text = await c.req.text();
    const body = Body.safeParse(parse(text));
    if (!body.success) return refuse(400, 'SMN.0002', 'The request message is not correct.');
    const { subject = '', message } = body.data;
    // A subject becomes the header of a mail.
    if (Buffer.byteLength(subject) > 512 || /[\r\n]/.test(subject)) return refuse(400, 'SMN.0002', 'The subject is not correct.');
    if (Buffer.byteLength(message) > 256 * 1024) return refuse(400, 'SMN.0002', 'The message is too long.');
    if (!smn.has(urn)) return refuse(404, 'SMN.0006', 'Topic not found.');
    smn.published.push({ topic: urn, subject, message });
    return say.json({ request_id: ids.hex(32), message_id: ids.hex(32) });
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
