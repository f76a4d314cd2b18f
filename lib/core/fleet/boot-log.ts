import { defined } from '../defined.ts';

/** A phase of a worker's boot, and its seconds since the machine was switched on. */
export type BootPhase = readonly [name: string, uptime: number];

/** What a worker said of its boot on its console. */
export interface BootLog {
  /** As they were printed. */
  readonly phases: readonly BootPhase[];
  /** Why it gave up, where it did and said so. */
  readonly reason?: string;
  /** Of its gitlab-runner. */
  readonly runnerVersion?: string;
}

const MOST_PHASES = 20;
const LONGEST_LINE = 300;

/** The rest of a terminal's escape sequence after the escape itself (ECMA-48): colours, and whatever boot managers print to look nice. */
const SEQUENCE = /^(?:\[[0-?]*[ -/]*[@-~]|\][^\p{Cc}]{0,200}|[ -/]*[0-~])/u;
/** One line of the worker's own scripts (`say` in cloud-init/programs/worker/common.sh), whatever else was printed around or into it. */
const LINE =
  /^gl-scaler worker=(\S+) phase=([a-z0-9-]{1,40})(?= )(?: reason=([a-z0-9-]{1,60})(?= ))?(?: version=([\w.~+-]{1,40})(?= ))?.* uptime=(\d{1,7}(?:\.\d{1,3})?)/;

/**
 * Reads the phases of the worker of this name out of a console's text. The text is anybody's who can write to the console, so only few, short
 * and plain words are taken from it.
 */
export function parseBootLog(text: string, worker: string): BootLog {
  const phases: BootPhase[] = [];
  let reason: string | undefined;
  let runnerVersion: string | undefined;
  for (const piece of withoutSequences(text).split(/\p{Cc}+|(?=gl-scaler worker=)/u)) {
    const [, name, phase, why, version, uptime] = LINE.exec(piece.slice(0, LONGEST_LINE)) ?? [];
    if (name !== worker || phase === undefined) continue;
    reason = why ?? reason;
    if (phase === 'runner-version') runnerVersion = version;
    const seconds = Number(uptime);
    const last = phases.at(-1);
    // The journal may print on the console, too: the same line twice.
    const again = last?.[0] === phase && last[1] === seconds;
    if (!again && phases.length < MOST_PHASES) phases.push([phase, seconds]);
  }
  return { phases, ...defined({ reason, runnerVersion }) };
}

/** Text of a console without a terminal's escape sequences. */
export function withoutSequences(text: string): string {
  return text
    .split('\u001b')
    .map((part, i) => (i === 0 ? part : part.replace(SEQUENCE, '')))
    .join('');
}
