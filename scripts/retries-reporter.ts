import type { Reporter, TestCase } from 'vitest/node';

/** Prints which tests passed only at another try: each is a fault of the test, or of the code. */
export default class RetriesReporter implements Reporter {
  readonly #retried: string[] = [];

  onTestCaseResult(test: TestCase): void {
    const { retryCount = 0 } = test.diagnostic() ?? {};
    if (retryCount > 0) this.#retried.push(`${test.module.moduleId} > ${test.fullName}`);
  }

  onTestRunEnd(): void {
    console.log(['', `Tests that needed another try: ${this.#retried.length}`, ...this.#retried].join('\n'));
  }
}
