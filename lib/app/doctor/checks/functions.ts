import { FARM_KEY } from '../../../core/keys.ts';
import { formatDuration, fromIso } from '../../../core/time.ts';
import { readFarm } from '../../status/schema.ts';
import { bucketOf, cloudOf, type DoctorContext } from '../context.ts';
import { error, ok, orOk, type Result, warning } from '../findings.ts';

/** FunctionGraph's own is 3 s; a pass takes up to a minute (docs/deploy.md). */
const LEAST_SECONDS = 30;
/** Three missed minutes are no coincidence. */
const LATE_MS = 180_000;

export async function checkFunction({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  const { scalerFunction: name } = subject;
  if (name === undefined) return [ok('function', 'No function is configured for hooks: the timer, or scaler serve, does the work.')];
  return judgeFunction(name, await cloudOf(services).function(name, options));
}

function judgeFunction(name: string, found: { readonly timeoutSeconds: number; readonly agency?: string } | undefined): readonly Result[] {
  if (!found) {
    return [
      error(
        'function-missing',
        `The function ${name} does not exist, so hooks have no effect.`,
        'deploy it (docs/deploy.md), or mend functions.scaler.',
      ),
    ];
  }
  const problems: Result[] = [];
  if (found.agency === undefined) {
    const todo =
      'give it an agency for FunctionGraph with the rights of docs/deploy.md, or OTC_ACCESS_KEY and OTC_SECRET_KEY in its user data.';
    problems.push(warning('function-without-agency', `The function ${name} has no agency: it has no keys of its own.`, todo));
  }
  if (found.timeoutSeconds < LEAST_SECONDS) {
    const said = `The function ${name} is stopped after ${found.timeoutSeconds} s: too soon for a pass.`;
    problems.push(warning('function-timeout', said, 'set its timeout to 60 s (console: FunctionGraph, Configuration).'));
  }
  return orOk(problems, 'function', `The function ${name} exists.`);
}

/** Whatever drives it, a trigger or scaler serve: a tick writes what people see each minute. */
export async function checkTimer({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  const farm = await readFarm(bucketOf(services).store(subject.bucket.dialect), options);
  return judgeTimer(farm && fromIso(farm.time), services.clock.now());
}

function judgeTimer(last: number | undefined, now: number): readonly Result[] {
  const todo = "enable the reaper's timer trigger, rate 1 minute, and look at its log (console: FunctionGraph), or start scaler serve.";
  if (last === undefined) return [warning('timer-never', `Nothing has looked after the farm yet: there is no ${FARM_KEY}.`, todo)];
  if (now - last > LATE_MS) {
    return [error('timer-late', `No tick has run for ${formatDuration(now - last)}.`, todo)];
  }
  return [ok('timer', 'The farm was looked after within the last minutes.')];
}
