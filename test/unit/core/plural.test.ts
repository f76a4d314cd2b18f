import { expect, it } from 'vitest';
import { counted, onTheirWay, plural } from '../../../lib/core/plural.ts';

it.each([
  [counted(0, 'worker'), '0 workers'],
  [counted(1, 'worker'), '1 worker'],
  [counted(2, 'worker'), '2 workers'],
  [counted(1, 'entry', 'entries'), '1 entry'],
  [counted(0, 'entry', 'entries'), '0 entries'],
  [plural(1.5, 'is', 'are'), 'are'],
  [onTheirWay(1), '1 on its way'],
  [onTheirWay(3), '3 on their way'],
])('%s', (text, expected) => expect(text).toBe(expected));
