import { describe, expect, it } from 'vitest';
import { compileConfig, loadConfigText } from '../../../../lib/config/load/yaml.ts';
import { zonesTable } from '../../../../lib/config/zones/functions-zones.ts';
import { zoneOffsets } from '../../../../lib/config/zones/zone-rules.ts';
import { zoneFindings } from '../../../../lib/config/zones/zones.ts';
import { withValue } from '../base.ts';

const NOW = Date.parse('2026-11-23T16:00:00Z');
const WORK = ['* * 8-17 * * mon-fri *'];

const document = (timezone: string) => withValue('pools.0.periods', [{ periods: WORK, timezone, idle_count: 1, idle_time: '10m' }]);
const findings = (timezone: string, now = NOW) => zoneFindings(document(timezone), now);
const names = zonesTable.lines.flatMap((line) => (line.split(' = ')[1] ?? '').split(' '));

describe('time zones of the functions', () => {
  it.each(['Europe/Berlin', 'europe/berlin', 'UTC', 'Asia/Kolkata', 'Asia/Calcutta', 'Europe/Kyiv', 'America/St_Johns', 'Etc/GMT+3'])(
    '%s is the same there',
    (zone) => {
      expect(findings(zone)).toEqual([]);
    },
  );

  it('one that is newer than theirs is refused, with one that they know and whose clocks go alike', () => {
    expect(findings('America/Coyhaique')).toEqual([
      {
        level: 'error',
        path: ['pools', 0, 'periods', 0, 'timezone'],
        message: expect.stringMatching(
          /^is unknown to the functions, which run on Node\.js 20\.15\.1 \(time zones of 2024a\): write America\/\w+,/,
        ),
      },
    ]);
    expect(adviceOf('America/Coyhaique').every(([, minutes]) => minutes === -180)).toBe(true);
  });

  it('one whose rules have changed since is a warning that says from when on and by how much', () => {
    const [finding] = findings('America/Asuncion');
    expect(finding).toMatchObject({
      level: 'warning',
      message: expect.stringMatching(/from 2027-03-\d\d on they are 60 minutes off; write America\//),
    });
    expect(adviceOf('America/Asuncion')).toEqual(zoneOffsets('America/Asuncion', 0, 700));
  });

  it.each(['Mars/Olympus', '+01:00', '', 'Europe/Berlin '])('%j is none anywhere', (zone) => {
    expect(findings(zone)).toMatchObject([{ level: 'error', message: expect.stringContaining('IANA name') }]);
  });

  it('says nothing of clocks beyond what is known of theirs', () => {
    expect(findings('America/Asuncion', Date.UTC(2040, 0, 1))).toEqual([]);
  });

  it('knows every zone with its old names, and each once', () => {
    expect(names.length).toBeGreaterThan(550);
    expect(new Set(names).size).toBe(names.length);
    for (const name of ['US/Eastern', 'GB', 'Europe/Kiev', 'Etc/UTC']) expect(names).toContain(name);
  });

  /** How the clocks of the zone that is recommended go. */
  function adviceOf(zone: string) {
    const name = /write (\S+), whose/.exec(findings(zone)[0]?.message ?? '')?.[1] ?? '';
    expect(names).toContain(name);
    return zoneOffsets(name, 0, 700) ?? [];
  }
});

describe('a configuration with such a zone', () => {
  const text = (zone: string) => JSON.stringify(document(zone), undefined, 1);

  it('is refused where it is checked and where it is compiled, with its place', () => {
    expect(() => compileConfig(text('America/Coyhaique'), undefined, NOW)).toThrow(
      /\d+:\d+: pools\[0\]\.periods\[0\]\.timezone: is unknown to the functions/,
    );
    expect(() => loadConfigText(text('America/Coyhaique'), 'json', NOW)).toThrow(/is unknown to the functions/);
  });

  it('with other clocks passes with a warning', () => {
    for (const format of ['yaml', 'json'] as const) {
      const { warnings } = loadConfigText(text('America/Asuncion'), format, NOW);
      expect(warnings).toMatchObject([{ path: 'pools[0].periods[0].timezone', message: expect.stringContaining('60 minutes off') }]);
    }
  });
});
