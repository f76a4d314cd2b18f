import { Cron } from 'croner';
import { counted } from '../core/plural.ts';

/**
 * What is wrong with a period, or `undefined`. Periods are gitlab-runner's: seven cron fields (second, minute, hour, day of month, month,
 * day of week, year), and a moment is inside when the next match is at most one second away. So with a fixed second the period holds for one
 * second a minute, which nobody means (gitlab-runner: helpers/timeperiod/period.go). Its cron library also takes ranges that run backwards
 * without a word and then never matches.
 */
export function periodProblem(expression: string): string | undefined {
  const fields = expression.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== 7) {
    return `has ${counted(fields.length, 'field')}, but needs 7: second minute hour day-of-month month day-of-week year, such as "* * 8-17 * * mon-fri *"`;
  }
  if (fields[0] !== '*') {
    return `begins with the second "${fields[0]}": the period would hold for moments only, not for hours; write "*" as the first field`;
  }
  try {
    // From a fixed moment: whether an expression can match at all does not depend on today.
    const next = new Cron(expression, { timezone: 'UTC', mode: '7-part', paused: true }).nextRun(new Date(0));
    return next === null || next === undefined ? 'never matches: no such day exists' : undefined;
  } catch {
    return fieldProblem(fields);
  }
}

interface Field {
  readonly name: string;
  readonly write: string;
}

const FIELDS: readonly Field[] = [
  { name: 'second', write: '*' },
  { name: 'minute', write: '0 to 59' },
  { name: 'hour', write: '0 to 23' },
  { name: 'day of month', write: '1 to 31' },
  { name: 'month', write: '1 to 12, or jan to dec' },
  { name: 'day of week', write: 'mon to sun, or 0 to 7' },
  { name: 'year', write: '*, or years such as 2027' },
];

/** Which field it is that cannot be read, and what may stand there: the library's own words name neither. */
function fieldProblem(fields: readonly string[]): string {
  const wrong = fields.findIndex((field, i) => !isCron(fields.map((_, j) => (j === i ? field : '*')).join(' ')));
  const { name = '', write = '' } = FIELDS[wrong] ?? {};
  if (wrong === -1) return 'cannot be read: write it like "* * 8-17 * * mon-fri *"';
  const what = `has "${fields[wrong]}" as ${name}, which cannot be read: write ${write}, single, as a range or as a list`;
  // Turned around it can be read: a range that runs backwards.
  const turned = (fields[wrong] ?? '').replace(/([a-z0-9]+)-([a-z0-9]+)/gi, '$2-$1');
  if (turned === fields[wrong] || !isCron(fields.map((_, j) => (j === wrong ? turned : '*')).join(' '))) return what;
  return `has "${fields[wrong]}" as ${name}, which runs backwards and would never match: write what passes midnight or the end of the week as two periods or a list, such as "22-23,0-5" or "fri,sat,sun,mon"`;
}

function isCron(expression: string): boolean {
  try {
    new Cron(expression, { timezone: 'UTC', mode: '7-part', paused: true });
    return true;
  } catch {
    return false;
  }
}
