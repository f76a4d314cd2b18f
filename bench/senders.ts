import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import type { Delivery } from './events.ts';

const SENDERS = fileURLToPath(new URL('senders.cjs', import.meta.url));
const Sent = z.object({ ms: z.number(), answers: z.array(z.object({ status: z.number(), ms: z.number() })) });

/** `ms`: from the first delivery to the last answer. */
export type Sent = z.infer<typeof Sent>;

/** A process beside this one that sends hooks as GitLab's Sidekiq does. */
export interface Senders {
  /** Sends all, so many at once. Throws when one gets no answer. */
  send(url: URL, deliveries: readonly Delivery[], atOnce: number): Promise<Sent>;
  close(): void;
}

export function startSenders(): Senders {
  const child = fork(SENDERS, { env: {}, execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    send: async (url, deliveries, atOnce) => {
      child.send({ url: url.href, atOnce, deliveries });
      const [message] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [undefined])]);
      return Sent.parse(message);
    },
    close: () => {
      child.kill();
    },
  };
}
