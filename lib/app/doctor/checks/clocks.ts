import { formatDuration, MINUTE } from '../../../core/time.ts';
import { type DoctorContext, describe } from '../context.ts';
import { error, ok, type Result, unknown, warning } from '../findings.ts';
import type { ServerTime } from '../types.ts';

/** Clocks in HTTP answers are whole seconds, and an answer takes its time. */
const NOTICED_MS = MINUTE;
/** Signatures older or newer than this are refused (OTC API Gateway and OBS). */
const OTC_TAKES_MS = 15 * MINUTE;
/** Signed hooks older or newer than this are refused (lib/gitlab/hooks/verify.ts; Standard Webhooks). */
const HOOKS_TAKE_MS = 5 * MINUTE;

/** The clock here against OTC's; and GitLab's against OTC's, which the functions have. */
export async function checkClocks({ services, options, reads }: DoctorContext): Promise<readonly Result[]> {
  const [otc, gitlab] = await Promise.allSettled([services.otcTime(options), reads.gitlabTime()]);
  const unread = [otc, gitlab].flatMap((time, i) =>
    time.status === 'fulfilled' ? [] : [unreadClock(i === 0 ? 'OTC' : 'GitLab', time.reason)],
  );
  const results = judgeClocks(otc.status === 'fulfilled' ? otc.value : undefined, gitlab.status === 'fulfilled' ? gitlab.value : undefined);
  if (unread.length > 0 || results.length > 0) return [...unread, ...results];
  return [ok('clocks', 'The clocks here, of OTC and of GitLab agree.')];
}

function unreadClock(whose: string, failure: unknown): Result {
  return unknown(
    'clocks',
    `The clock of ${whose} could not be read: ${describe(failure)}`,
    `check that ${whose} can be reached from here.`,
  );
}

function judgeClocks(otc: ServerTime | undefined, gitlab: ServerTime | undefined): readonly Result[] {
  const results: Result[] = [];
  if (otc) {
    const off = otc.ours - otc.theirs;
    const todo = 'set the clock of this machine (NTP).';
    const found = `The clock here is ${offset(off)} OTC's.`;
    if (Math.abs(off) > OTC_TAKES_MS) results.push(error('clock-here', `${found} Signatures are refused.`, todo));
    else if (Math.abs(off) > NOTICED_MS) results.push(warning('clock-here', found, todo));
  }
  if (otc && gitlab) {
    // Both were read here, so the clock here is in neither.
    const off = gitlab.theirs - gitlab.ours - (otc.theirs - otc.ours);
    const found = `GitLab's clock is ${offset(off)} OTC's.`;
    const todo = "set the clock of GitLab's machine (NTP).";
    if (Math.abs(off) > HOOKS_TAKE_MS) results.push(error('clocks-apart', `${found} Signed hooks are refused.`, todo));
    else if (Math.abs(off) > NOTICED_MS) results.push(warning('clocks-apart', found, todo));
  }
  return results;
}

/** `90 s ahead of`. */
function offset(ms: number): string {
  return `${formatDuration(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'}`;
}
