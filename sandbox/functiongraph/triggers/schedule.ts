import { Cron } from 'croner';
import { found, Refused } from '../../otc/refused.ts';

/** When a timer trigger fires next after a point in time. */
export type Schedule = (after: number) => number | undefined;

const RATE = { m: { most: 60, ms: 60_000 }, h: { most: 24, ms: 3600_000 }, d: { most: 30, ms: 86_400_000 } } as const;
const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3600_000 };

/** Both ways to write a schedule (FunctionGraph user guide, "Using a Timer Trigger", "Cron Expressions for a Function Timer Trigger"). */
export function readSchedule(type: 'Rate' | 'Cron', text: string): Schedule {
  const every = type === 'Rate' ? rateMs(text) : everyMs(text);
  if (every !== undefined) return (after) => after + every;
  return found(type === 'Cron' ? cron(text) : undefined, new Refused(400, 'FSS.1109', `Invalid timer schedule ${text}`));
}

function rateMs(text: string): number | undefined {
  const [, digits, unit] = /^([1-9]\d?)([mhd])$/.exec(text) ?? [];
  if (digits === undefined || (unit !== 'm' && unit !== 'h' && unit !== 'd')) return undefined;
  const { most, ms } = RATE[unit];
  return Number(digits) <= most ? Number(digits) * ms : undefined;
}

function everyMs(text: string): number | undefined {
  const [, duration] = /^@every ((?:\d+(?:ns|us|ms|s|m|h))+)$/.exec(text) ?? [];
  if (duration === undefined) return undefined;
  let sum = 0;
  for (const [, digits, unit] of duration.matchAll(/(\d+)(ns|us|ms|s|m|h)/g)) sum += Number(digits) * (UNIT_MS[unit ?? ''] ?? 0);
  return sum >= 1000 ? sum : undefined;
}

/** `sec min hour dom month [dow]`. Which zone holds without a prefix is not documented; here it is UTC. */
function cron(text: string): Schedule | undefined {
  const [, timezone = 'UTC', fields = ''] = /^(?:CRON_TZ=(\S+) )?(.+)$/.exec(text) ?? [];
  const parts = fields.split(' ');
  if (parts.length !== 5 && parts.length !== 6) return undefined;
  const six = parts.length === 5 ? `${fields} *` : fields;
  try {
    const job = new Cron(six, { timezone, paused: true });
    // Only now an unknown zone shows.
    job.nextRun();
    return (after) => job.nextRun(new Date(after))?.getTime();
  } catch {
    return undefined;
  }
}
