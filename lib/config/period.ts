import { Cron } from 'croner';

/**
 * What is wrong with a period, or `undefined`. Periods are gitlab-runner's: seven cron fields (second, minute, hour, day of month, month,
 * day of week, year), and a moment is inside when the next match is at most one second away. So with a fixed second the period holds for one
 * second a minute, which nobody means (gitlab-runner: helpers/timeperiod/period.go). Its cron library also takes ranges that run backwards
 * without a word and then never matches.
 */
export function periodProblem(expression: string): string | undefined {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 7) {
    return `has ${fields.length} fields, but needs 7: second minute hour day-of-month month day-of-week year, such as "* * 8-17 * * mon-fri *"`;
  }
  if (fields[0] !== '*') {
    return `begins with the second "${fields[0]}": the period would hold for moments only, not for hours; write "*" as the first field`;
  }
  try {
    // From a fixed moment: whether an expression can match at all does not depend on today.
    const next = new Cron(expression, { timezone: 'UTC', mode: '7-part', paused: true }).nextRun(new Date(0));
    return next === null || next === undefined ? 'never matches: no such day exists' : undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'not a cron expression';
    const advice = /larger than/.test(text)
      ? '; write a range that passes midnight or the end of the week as two periods or a list, such as "22-23,0-5" or "fri,sat,sun,mon"'
      : '';
    return `is no valid cron expression (${text})${advice}`;
  }
}
