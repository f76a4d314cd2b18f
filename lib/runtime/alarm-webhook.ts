import got from 'got';
import type { AlarmMessage, CallOptions, Notifier } from '../app/ports/index.ts';
import { UnclearError } from '../core/errors.ts';
import { toIso } from '../core/time.ts';
import type { Agents } from './agents.ts';

const DEADLINE_MS = 5_000;

/**
 * Alarms as JSON to one HTTPS address. The address is a secret (chat services put their key into it): it is in no error and no log, and nobody is
 * redirected.
 */
export class AlarmWebhook implements Notifier {
  readonly #url: string;
  readonly #agents: Agents | undefined;

  constructor(url: string, agents?: Agents) {
    this.#url = url;
    this.#agents = agents;
  }

  async notify({ installation, subject, alarm }: AlarmMessage, { signal }: CallOptions = {}): Promise<void> {
    const { kind, pool, subject: about, state, text, since } = alarm;
    // `text` at the top is what chat services show.
    const json = { text: `${subject}: ${text}`, installation, alarm: { kind, pool, about, state, text, since: toIso(since) } };
    const options = { json, retry: { limit: 0 }, followRedirect: false, throwHttpErrors: false, timeout: { request: DEADLINE_MS } };
    const agent = this.#agents;
    const answer = await got
      .post(this.#url, { ...options, ...(agent && { agent }), ...(signal && { signal }) })
      .catch((error: { readonly code?: unknown }) => {
        throw new UnclearError(typeof error.code === 'string' ? error.code : 'no-answer', 'alarm webhook: no answer');
      });
    if (!answer.ok) throw new UnclearError(`http-${answer.statusCode}`, `alarm webhook: answered HTTP ${answer.statusCode}`);
  }
}
