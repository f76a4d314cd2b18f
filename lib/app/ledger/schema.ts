import * as z from 'zod/mini';
import { Time } from '../storage/bounds.ts';
import type { RanJob } from './types.ts';

const Ran: z.core.$ZodType<RanJob> = z.object({
  id: z.number(),
  project: z.string(),
  name: z.exactOptional(z.string()),
  status: z.string(),
  created: z.exactOptional(z.string()),
  queued: z.exactOptional(z.string()),
  started: z.exactOptional(z.string()),
  finished: z.exactOptional(z.string()),
});

/** One line of the ledger as it is read back: what an older or newer version wrote is taken as far as it is understood. */
export const ReadEntry = z.object({
  kind: z.string(),
  time: z.string(),
  pass: z.exactOptional(z.string()),
  trigger: z.exactOptional(z.string()),
  pool: z.string(),
  worker: z.exactOptional(z.string()),
  why: z.exactOptional(z.string()),
  outcome: z.exactOptional(z.string()),
  jobId: z.exactOptional(z.number()),
  runnerId: z.exactOptional(z.number()),
  serverId: z.exactOptional(z.string()),
  flavor: z.exactOptional(z.string()),
  zone: z.exactOptional(z.string()),
  alarm: z.exactOptional(z.string()),
  state: z.exactOptional(z.string()),
  control: z.exactOptional(z.string()),
  until: z.exactOptional(z.string()),
  by: z.exactOptional(z.string()),
  subject: z.exactOptional(z.string()),
  text: z.exactOptional(z.string()),
  code: z.exactOptional(z.string()),
  message: z.exactOptional(z.string()),
  seconds: z.exactOptional(z.number()),
  createdAt: z.exactOptional(z.string()),
  activeAt: z.exactOptional(z.string()),
  phases: z.exactOptional(z.array(z.tuple([z.string(), z.number()]))),
  reason: z.exactOptional(z.string()),
  runnerVersion: z.exactOptional(z.string()),
  consoleUnread: z.exactOptional(z.string()),
  waiting: z.exactOptional(z.array(z.number())),
  hook: z.exactOptional(z.object({ jobId: z.number(), at: z.string() })),
  ms: z.exactOptional(z.number()),
  jobs: z.exactOptional(z.array(Ran)),
  more: z.exactOptional(z.boolean()),
  unseen: z.exactOptional(z.number()),
  jobsUnread: z.exactOptional(z.string()),
  numbers: z.exactOptional(z.record(z.string(), z.number())),
  brakes: z.exactOptional(
    z.array(z.object({ why: z.string(), until: z.catch(z.optional(Time), undefined), code: z.exactOptional(z.string()) })),
  ),
  held: z.exactOptional(z.array(z.object({ worker: z.string(), why: z.string() }))),
  unread: z.exactOptional(
    z.array(z.object({ source: z.string(), part: z.exactOptional(z.string()), code: z.string(), message: z.string() })),
  ),
});
export type ReadEntry = z.infer<typeof ReadEntry>;
