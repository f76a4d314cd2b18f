import * as z from 'zod';
import { jsonOf } from '../http.ts';
import type { Service } from './error-formats.ts';
import { Ids } from './ids.ts';
import { checked, Refused } from './refused.ts';

const Body = z.object({
  // It becomes the header of a mail.
  subject: z
    .string()
    .regex(/^[^\r\n]*$/)
    .refine((text) => Buffer.byteLength(text) <= 512)
    .default(''),
  message: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= 256 * 1024),
});

export interface PublishedMessage {
  readonly topic: string;
  readonly subject: string;
  readonly message: string;
}

/** Simple Message Notification: topics, and what was published to them (OTC SMN API reference, "Publishing a Message"). */
export class Smn {
  readonly published: PublishedMessage[] = [];
  readonly #topics = new Set<string>();

  /** Returns the topic's URN. */
  createTopic(region: string, projectId: string, name: string): string {
    const urn = `urn:smn:${region}:${projectId}:${name}`;
    this.#topics.add(urn);
    return urn;
  }

  has(urn: string): boolean {
    return this.#topics.has(urn);
  }
}

export function registerSmn({ app, operation, respond }: Service, smn: Smn): void {
  const ids = new Ids('smn');
  app.post('/v2/:project/notifications/topics/:urn/publish', operation('smn.publish'), async (c) => {
    const topic = decodeURIComponent(c.req.param('urn'));
    const { subject, message } = checked(
      Body,
      await jsonOf(c),
      (text) => new Refused(400, 'SMN.0002', `The request is not correct. ${text}`),
    );
    if (!smn.has(topic)) throw new Refused(404, 'SMN.0006', 'Topic not found.');
    smn.published.push({ topic, subject, message });
    return respond.json({ request_id: ids.hex(32), message_id: ids.hex(32) });
  });
}
