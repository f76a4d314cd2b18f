import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** Every call of journalctl in a code block of the page. */
function journalCalls(page: string): readonly string[] {
  const blocks = readFileSync(path.join(root, page), 'utf8').match(/^```sh\n[\s\S]*?^```/gm) ?? [];
  return blocks.flatMap((block) => block.split('\n').filter((line) => line.startsWith('journalctl')));
}

describe("Debian's journalctl", () => {
  it.each(['docs/how-to/boot-fails.md'])('takes each call that %s gives to somebody on a worker', async (page) => {
    const calls = journalCalls(page);
    expect(calls).toEqual([expect.stringContaining('gl-scaler-worker')]);
    // Rejects with what journalctl printed when its exit code is another one.
    for (const call of calls) expect((await run('/bin/sh', ['-c', call])).stderr).not.toMatch(/not supported|invalid|unknown/i);
  });

  it('refuses --boot beside --merge, which is why the page does without', async () => {
    await expect(run('journalctl', ['--merge', '-b', '--no-pager'])).rejects.toThrow(/not supported/);
  });
});
