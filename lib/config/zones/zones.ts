import * as z from 'zod';
import { counted } from '../../core/plural.ts';
import type { Finding } from '../check/finding.ts';
import { zonesTable } from './functions-zones.ts';
import { dayNumber, dayText, type Offset, zoneOffsets } from './zone-rules.ts';

/** How far ahead clocks are compared. */
const DAYS_AHEAD = 730;
const NODE = `Node.js ${zonesTable.node} (time zones of ${zonesTable.data})`;

const Zones = z
  .object({
    pools: z.array(
      z.object({ periods: z.array(z.object({ timezone: z.string() }).catch({ timezone: 'UTC' })).catch([]) }).catch({ periods: [] }),
    ),
  })
  .catch({ pools: [] });

/**
 * What is wrong with the time zones of a document's periods. The functions run on a Node of their own, whose time zones are older than those of
 * the Node that checks: a zone that is new since is unknown to them, and one whose rules have changed has other clocks there. Not part of what
 * the functions themselves carry.
 */
export function zoneFindings(data: unknown, now: number): readonly Finding[] {
  return Zones.parse(data).pools.flatMap(({ periods }, i) =>
    periods.flatMap(({ timezone }, j): readonly Finding[] => {
      const problem = zoneProblem(timezone, now);
      return problem ? [{ path: ['pools', i, 'periods', j, 'timezone'], ...problem }] : [];
    }),
  );
}

function zoneProblem(zone: string, now: number): Pick<Finding, 'level' | 'message'> | undefined {
  const from = dayNumber(now);
  const to = Math.min(from + DAYS_AHEAD, zonesTable.days);
  const here = zoneOffsets(zone, from, to);
  // Offsets such as +01:00 are none: they know no summer time.
  if (!here || !/^[A-Za-z]/.test(zone))
    return { level: 'error', message: 'is no known time zone: write its IANA name, such as Europe/Berlin' };
  const there = rulesOf(zone)?.offsets;
  if (!there) return { level: 'error', message: `is unknown to the functions, which run on ${NODE}: ${advice(zone, here, from, to)}` };
  const theirs = within(there, from, to);
  const day = firstDifference(here, theirs);
  if (day === undefined) return undefined;
  const minutes = Math.abs(minutesAt(here, day) - minutesAt(theirs, day));
  const what = `has other clocks on the functions, which run on ${NODE}: from ${dayText(day)} on they are ${counted(minutes, 'minute')} off`;
  return { level: 'warning', message: `${what}; ${advice(zone, here, from, to)}` };
}

function advice(zone: string, here: readonly Offset[], from: number, to: number): string {
  const same = zonesTable.lines.flatMap((line) => {
    const { offsets, names } = parseLine(line);
    return firstDifference(here, within(offsets, from, to)) === undefined ? names : [];
  });
  const near = same.find((name) => name.split('/')[0] === zone.split('/')[0]) ?? same[0];
  return near === undefined ? 'write the zone whose clocks are nearest' : `write ${near}, whose clocks there go as this zone's do now`;
}

interface Rules {
  readonly offsets: readonly Offset[];
  readonly names: readonly string[];
}

function parseLine(line: string): Rules {
  const [offsets = '', names = ''] = line.split(' = ');
  const pairs = offsets.split(' ').map((pair): Offset => {
    const [day, minutes] = pair.split(':');
    return [Number(day), Number(minutes)];
  });
  return { offsets: pairs, names: names.split(' ') };
}

/** Names of zones are the same in any case. */
function rulesOf(zone: string): Rules | undefined {
  const wanted = zone.toLowerCase();
  const line = zonesTable.lines.find((text) => ` ${text.toLowerCase()} `.includes(` ${wanted} `));
  return line === undefined ? undefined : parseLine(line);
}

function within(offsets: readonly Offset[], from: number, to: number): readonly Offset[] {
  if (from >= to) return [];
  return [[from, minutesAt(offsets, from)], ...offsets.filter(([day]) => day > from && day < to)];
}

function minutesAt(offsets: readonly Offset[], day: number): number {
  return offsets.findLast(([since]) => since <= day)?.[1] ?? 0;
}

function firstDifference(some: readonly Offset[], others: readonly Offset[]): number | undefined {
  const days = [...some, ...others].map(([day]) => day).sort((a, b) => a - b);
  return days.find((day) => minutesAt(some, day) !== minutesAt(others, day));
}
