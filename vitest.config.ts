import { defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/longest-first.ts';

/** Suites that start processes of their own: osls, the command line, a function's own Node. */
const PROCESSES = ['bundle', 'cli', 'deploy', 'deploy-commands', 'deploy-cuts', 'frozen', 'sbom', 'tutorial'].map(
  (suite) => `test/integration/${suite}.test.ts`,
);

/**
 * Files of one project share the modules of a worker process, which has them compiled and optimized once. So no file may leave changes behind in its
 * environment, its globals or a module.
 */
const TOGETHER = { isolate: false, execArgv: ['--max-semi-space-size=64'] };

/** Where CI collects what each run has passed and failed, a file for each process of vitest. */
const { TEST_REPORTS } = process.env;

export default defineConfig({
  test: {
    environment: 'node',
    ...(TEST_REPORTS && {
      reporters: [
        'default',
        './scripts/retries-reporter.ts',
        ['json', { outputFile: `${TEST_REPORTS}/${Date.now()}-${process.pid}.json` }],
      ],
    }),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    // Of unit and property tests alone, which costs seconds: what the adapters and the passes do is for the most part shown against the sandbox.
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
      reporter: ['text-summary'],
      thresholds: {
        ...{ statements: 78, branches: 75, functions: 76, lines: 79 },
        'lib/core/**': { statements: 98, branches: 96, functions: 98, lines: 98 },
        'lib/config/**': { statements: 96, branches: 88, functions: 96, lines: 97 },
      },
    },
    projects: [
      { extends: true, test: { ...TOGETHER, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { extends: true, test: { ...TOGETHER, name: 'property', include: ['test/property/**/*.test.ts'] } },
      {
        extends: true,
        test: { ...TOGETHER, name: 'integration', include: ['test/integration/**/*.test.ts'], exclude: PROCESSES, testTimeout: 180_000 },
      },
      // A process that starts late on a busy machine gets one more try. CI prints which tests needed it.
      { extends: true, test: { name: 'processes', include: PROCESSES, testTimeout: 180_000, retry: 1 } },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts', 'test/browser/**/*.test.ts'],
          exclude: ['test/real/machines-*.test.ts'],
          testTimeout: 120_000,
        },
      },
      // Machines that fill this one: after all others. One file after the other: emulated VMs beside them starve the containers. They need
      // scripts/machines.sh around them.
      {
        extends: true,
        test: {
          name: 'machines',
          include: ['test/real/machines-*.test.ts'],
          testTimeout: 480_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
