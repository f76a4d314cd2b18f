import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../cli/shared/environment.ts';
import { parseDuration } from '../../lib/config/durations.ts';
import { type DeployInputs, openDeployment } from '../inputs/deployment.ts';
import { deployedUrn } from '../inputs/function-urn.ts';

export interface LogsOptions {
  readonly function: string;
  /** A span back from now (`10m`), or a time. */
  readonly startTime?: string;
  readonly tail?: boolean;
  /** Milliseconds between two looks. */
  readonly interval?: string;
}

const MOST = 5000;
/** LTS shows lines a little late: each look begins so much before the last one's end. */
const OVERLAP_MS = 60_000;

/** What a function wrote, oldest first. With `tail` it goes on until the process is ended. */
export async function logs(inputs: DeployInputs, options: LogsOptions, now: () => number = Date.now): Promise<void> {
  const deployment = openDeployment(inputs);
  const { clients } = deployment;
  const urn = await deployedUrn(deployment, options.function);
  const place = await clients.fgs.logPlace(urn);
  if (!place) throw new UserError("The function's log is not collected: set provider.logs in serverless.yml to { days: 14 } and deploy.");
  const shown = new Set<string>();
  let from = startOf(options.startTime ?? '10m', now());
  for (;;) {
    const to = now();
    const lines = await clients.lts.lines(place, from, to + 1000, MOST);
    for (const { content, id } of lines) {
      if (!shown.has(id)) inputs.output.data(content.trimEnd());
      shown.add(id);
    }
    const note = noteOf(lines.length, options.tail ?? false);
    if (note !== undefined) inputs.output.say(note);
    if (!options.tail) return;
    from = Math.max(from, to - OVERLAP_MS);
    await sleep(Math.max(1000, Number(options.interval) || 2000));
  }
}

function noteOf(lines: number, tail: boolean): string | undefined {
  if (lines === MOST) return `Only the first ${MOST} lines are shown; use a later --startTime for the rest.`;
  return lines === 0 && !tail ? 'No lines in this time span; --startTime 2h goes further back.' : undefined;
}

function startOf(text: string, now: number): number {
  const span = parseDuration(text);
  const at = span === undefined ? Date.parse(text) : now - span;
  if (Number.isNaN(at)) throw new UserError(`--startTime ${text} is neither a time span, such as 10m or 2h, nor a time.`);
  return at;
}
