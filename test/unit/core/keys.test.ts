import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as keys from '../../../lib/core/keys.ts';

const AT = Date.UTC(2026, 10, 23, 16, 5);
const DAY = '2026-11-23';

/** What each builder makes, beside the text that stands for it in ARCHITECTURE.md. */
const TABLE: readonly (readonly [key: string, documented: string])[] = [
  [keys.dayKey(AT), 'counts/v1/day/YYYY/MM/YYYY-MM-DD.csv'],
  [keys.rawKey(AT), 'counts/v1/raw/YYYY/MM/DD/HHMM.csv'],
  [keys.monthKey(DAY), 'counts/v1/month/YYYY-MM.csv'],
  [keys.yearKey(DAY), 'counts/v1/year/YYYY.csv'],
  [keys.INDEX_KEY, 'counts/v1/index.json'],
  [keys.LATEST_KEY, 'counts/v1/latest.json'],
  [keys.FARM_KEY, 'counts/v1/farm.json'],
  [keys.ledgerKey(AT), 'ledger/v1/YYYY/MM/DD/HH.ndjson'],
  [keys.turnstileKey(AT), 'state/v1/turnstile/YYYY-MM-DDTHH.log'],
  [keys.demandKey('SCOPE'), 'state/v1/demand/SCOPE.json'],
  [keys.poolStateKey('POOL'), 'state/v1/pools/POOL.json'],
  [keys.controlKey('pause', 'TARGET'), 'control/v1/KIND/TARGET.json'],
  [keys.managerKey('NAME'), 'manager/v1/NAME.json'],
  [keys.handoffKey('WORKER'), 'handoff/v1/WORKER.toml'],
  [keys.probeKey('NONCE', 'put'), 'probe/v1/NONCE-….txt'],
];

describe('the keys of the bucket', () => {
  it('are what is documented, and all that is', () => {
    const section = /## In the bucket\n([\s\S]*?)\n## /.exec(readFileSync('ARCHITECTURE.md', 'utf8'))?.[1] ?? '';
    const cells = section.split('\n').filter((line) => line.startsWith('| `'));
    const documented = cells.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, key]) => key));
    expect(TABLE.map(([, text]) => text).sort()).toEqual([...documented].sort());
    for (const [key, text] of TABLE) expect(key).toMatch(pattern(text));
  });

  it('are built in one file, and named elsewhere only in what a reference says of a setting', () => {
    const folders = ['lib', 'cli', 'deploy', 'dashboard', 'functions', 'bench'].map((folder) => `${folder}/*.ts`);
    const parts = [
      'grep',
      '-hE',
      '(counts|state|ledger|control|manager|handoff|probe)/v1/',
      '--',
      ...folders,
      ':!lib/core/keys.ts',
      ':!lib/config/schema',
    ];
    const code = `${execFileSync('git', parts)}`.split('\n').filter((line) => !/^\s*(\/?\*|\/\/|$)/.test(line));
    expect(code).toEqual([]);
  });

  it('without append, minutes and passes are objects of their own', () => {
    expect(keys.rawKey(AT)).toBe('counts/v1/raw/2026/11/23/1605.csv');
    expect(keys.passLedgerKey(AT, 'abc')).toBe('ledger/v1/2026/11/23/abc.ndjson');
  });

  it('are read back', () => {
    expect([keys.dayKey(AT), keys.partKey(keys.dayKey(AT), 2), keys.monthKey(DAY)].map(keys.dayIn)).toEqual([DAY, DAY, undefined]);
    expect(keys.managerIn(keys.managerKey('m1'))).toBe('m1');
    expect(keys.handoffIn(keys.handoffKey('w-1'))).toBe('w-1');
    expect([keys.managerIn('manager/v1/note.txt'), keys.handoffIn('handoff/v1/note.txt')]).toEqual([undefined, undefined]);
  });

  it.each([
    ['control/v1/pause/_all.json', { kind: 'pause', target: '_all' }],
    ['control/v1/keep/bitbake-1abc.json', { kind: 'keep', target: 'bitbake-1abc' }],
    ['control/v1/stop/bitbake.json', undefined],
    ['control/v1/pause/a/b.json', undefined],
    ['control/v1/pause/Bitbake.json', undefined],
    ['control/v1/pause/.json', undefined],
    ['control/v1/pause.json', undefined],
  ])('a control in %s', (key, control) => {
    expect(keys.controlIn(key)).toEqual(control);
  });
});

/** `YYYY`, `MM`, `DD` and `HH` stand for digits, `KIND` and `…` for words. */
function pattern(text: string): RegExp {
  const escaped = text
    .replace(/[.]/g, '\\.')
    .replace(/YYYY/g, '\\d{4}')
    .replace(/MM|DD|HH/g, '\\d{2}');
  return new RegExp(`^${escaped.replace(/KIND|…/g, '[a-z]+')}$`);
}
