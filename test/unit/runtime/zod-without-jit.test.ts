import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as z from 'zod';

it('turns the compiler of zod off', async () => {
  z.config({ jitless: false });
  await import('../../../lib/runtime/zod-without-jit.ts');
  expect(z.config().jitless).toBe(true);
});

it.each(['webhook', 'scaler', 'reaper'])('comes first in the function %s, before any schema is made', (name) => {
  const source = readFileSync(new URL(`../../../functions/${name}.ts`, import.meta.url), 'utf8');
  expect(source.split('\n')[0]).toBe("import '../lib/runtime/zod-without-jit.ts';");
});
