import * as z from 'zod/mini';
import type { AlarmMessage, CallOptions, Notifier } from '../app/ports/index.ts';
import { toIso } from '../core/time.ts';
import type { OtcHttp } from './http.ts';

/** OTC SMN API reference, "Publishing a Message": a subject of at most 512 bytes, a message of at most 256 KB. */
const LONGEST_SUBJECT = 512;
const Published = z.object({ message_id: z.string() });

/** Alarms to the subscribers of a topic: mail, SMS, HTTPS, whatever they chose. */
export class SmnTopic implements Notifier {
  readonly #http: OtcHttp;
  readonly #url: string;

  constructor(options: { readonly http: OtcHttp; readonly endpoint: string; readonly projectId: string; readonly topic: string }) {
    const { endpoint, projectId, topic } = options;
    this.#http = options.http;
    this.#url = `${endpoint}/v2/${projectId}/notifications/topics/${topic}/publish`;
  }

  async notify({ subject, alarm }: AlarmMessage, options: CallOptions = {}): Promise<void> {
    const message = `${alarm.text}\n\n${alarm.state === 'cleared' ? 'It is over. It began' : 'Since'} ${toIso(alarm.since)}.\n`;
    await this.#http.call({
      name: 'smn.publish',
      kind: 'invoke',
      method: 'POST',
      url: this.#url,
      json: { subject: subject.slice(0, LONGEST_SUBJECT), message },
      schema: Published,
      deadlineMs: 5_000,
      signal: options.signal,
    });
  }
}
