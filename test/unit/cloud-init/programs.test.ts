import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as manager from '../../../cloud-init/manager/programs.generated.ts';
import * as worker from '../../../cloud-init/worker/programs.generated.ts';
import { programModules } from '../../../scripts/programs.ts';

describe('embedded programs', () => {
  it.each(programModules())('are those of the repository; otherwise: npm run programs ($path)', ({ path, text }) => {
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it.each([...Object.entries(worker), ...Object.entries(manager)])(
    '%s is whole, and has nothing that only the repository needs',
    (_name, text) => {
      expect(text).not.toMatch(/^\s*(?:##|# shellcheck (?:shell|source)=|\. \.)/m);
      expect(text).toMatch(/^\S[\x20-\x7e\n]*[^\n]\n$/);
    },
  );

  it('include what they share', () => {
    for (const setup of [worker.SETUP_SH, manager.SETUP_SH]) expect(setup.match(/^install_packages\(\) \{$/gm)).toHaveLength(1);
  });
});
