import Table from 'cli-table3';
import { SOURCE } from './peer.ts';
import { type Against, holds, type Row, ratioOf, type Section } from './row.ts';

const EMPTY = ['', '', '', '', ''];

/** The whole result as one table, with the notes below it. */
export function printed(sections: readonly Section[]): string {
  const table = new Table({
    head: ['what', 'ours', 'peer or bound', 'ratio', ''],
    style: { head: [], border: [] },
    // A rule between any two rows would double the length.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    colAligns: ['left', 'right', 'right', 'right', 'left'],
  });
  const notes: string[] = [];
  for (const { name, rows } of sections) {
    if (table.length > 0) table.push(EMPTY);
    table.push([name.toUpperCase(), ...EMPTY.slice(1)]);
    for (const row of rows) {
      if (row.note) notes.push(row.note);
      const mark = row.note ? ` [${notes.length}]` : '';
      table.push([`${row.what}${mark}`, measure(row.value, row.unit), bound(row), ratio(row), verdict(row)]);
    }
  }
  return [table.toString(), ...notes.map((note, i) => `[${i + 1}] ${note}`), SOURCE].join('\n');
}

function bound({ against, unit }: Row): string {
  if (!against) return '';
  const value = measure(against.value, unit);
  return against.kind === 'peer' ? `${against.of ?? 'peer'} ${value}${wanted(against)}` : `${SIGN[against.kind]} ${value}`;
}

const SIGN = { most: '≤', least: '≥', exactly: '=' } as const;

function wanted({ most, least }: Extract<Against, { kind: 'peer' }>): string {
  if (most !== undefined) return `, ≤ ${most} ×`;
  return least === undefined ? '' : `, ≥ ${least} ×`;
}

function ratio(row: Row): string {
  const value = row.against?.kind === 'exactly' ? undefined : ratioOf(row);
  return value === undefined || Number.isNaN(value) ? '' : `${value.toFixed(2)} ×`;
}

function verdict(row: Row): string {
  const good = holds(row);
  return good === undefined ? '' : good ? 'ok' : 'MISSED';
}

function measure(value: number, unit: Row['unit']): string {
  if (Number.isNaN(value)) return 'none';
  const digits = Number.isInteger(value) || value >= 1000 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${unit === '' || unit === '/s' ? unit : ` ${unit}`}`;
}
