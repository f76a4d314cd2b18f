import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALL_CODES } from '../../../lib/app/doctor/findings.ts';

const page = readFileSync(new URL('../../../docs/doctor.md', import.meta.url), 'utf8');
const documented = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1] ?? '');

describe('docs/doctor.md', () => {
  it('explains every code once, and none that does not exist', () => {
    expect([...documented].sort()).toEqual([...ALL_CODES].sort());
  });

  it('gives each problem what it means and what to do', () => {
    const rows = [...page.matchAll(/^\| `[a-z-]+` \|(.*)\|$/gm)].map((match) => (match[1] ?? '').split('|').map((cell) => cell.trim()));
    expect(rows.filter((cells) => cells.length !== 2 || cells.some((cell) => cell === ''))).toEqual([]);
  });
});
