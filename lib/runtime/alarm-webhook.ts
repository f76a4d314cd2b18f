import type { AlarmMessage, CallOptions, Notifier } from '../app/ports/index.ts';
import { UnclearError } from '../core/errors.ts';
import { toIso } from '../core/time.ts';
import type { Agents } from '../http/agents.ts';
import { send } from '../http/client.ts';

const DEADLINE_MS = 5_000;
/** Nothing of the answer is read. */
const MAX_BYTES = 1024 * 1024;

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
    const { status } = await send({
      name: 'alarm webhook',
      method: 'POST',
      url: this.#url,
      body: Buffer.from(JSON.stringify(json)),
      headers: () => ({ 'content-type': 'application/json', 'user-agent': 'otc-gitlab-scaler' }),
      pausesMs: [],
      deadlineMs: DEADLINE_MS,
      maxBytes: MAX_BYTES,
      signal,
      agents: this.#agents,
    });
    if (status < 200 || status > 299) throw new UnclearError(`http-${status}`, `alarm webhook: answered HTTP ${status}`);
  }
}
