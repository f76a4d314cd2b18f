import { toIso } from '../../../core/time.ts';

/** What kept a plan from launching, in words. As it is in a plan, and as it is read back from the ledger. */
export function brakeText({
  why,
  until,
  code,
}: {
  readonly why: string;
  readonly until?: number | undefined;
  readonly code?: string | undefined;
}): string {
  switch (why) {
    case 'limit':
      return 'the pool is at its limit';
    case 'max-growth-rate':
      return 'as many machines boot as max_growth_rate allows';
    case 'breaker':
      return `earlier machines did not boot: one probe at a time, ${until === undefined ? 'one is on its way' : `the next at ${toIso(until)}`}`;
    case 'paused':
      return `ordering is paused after ${code}: ${until === undefined ? 'one attempt is on its way' : `the next attempt at ${toIso(until)}`}`;
    case 'turnstile-held':
      return 'another call held the turnstile, and launching was left to it';
    case 'memory-unread':
      return "the pool's memory in the bucket could not be read: scaler status names the object";
    case 'pool-paused':
      if (code !== undefined)
        return `${code} cannot be read, so the pool counts as paused: scaler pause writes it anew, scaler resume ends it`;
      return `the pool is paused by hand${until === undefined ? '' : ` until ${toIso(until)}`}: scaler resume ends it`;
    case 'pool-draining':
      if (code !== undefined)
        return `${code} cannot be read, so the pool counts as drained: scaler drain writes it anew, scaler undrain ends it`;
      return `the pool is drained by hand${until === undefined ? '' : ` until ${toIso(until)}`}: scaler undrain ends it`;
    case 'passed-over':
      return `workers were started for it, and GitLab did not give it to them (is its branch unprotected and the pool protected_only? are there minutes left?): ${until === undefined ? 'one more is on its way' : `the next at ${toIso(until)}`}`;
    default:
      return why;
  }
}
