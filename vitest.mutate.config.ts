import { defineConfig } from 'vitest/config';

/** What mutation testing runs for each mutant: the core's own tests, with few runs of each property. */
export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/unit/core/**/*.test.ts', 'test/property/core*.test.ts'],
    setupFiles: ['test/property/core-mutate.ts'],
  },
});
