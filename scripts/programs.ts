import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../cloud-init', import.meta.url));
const FOLDERS = ['worker', 'manager'] as const;

/** For readers and linters of the repository only: comments with two hashes, and what shellcheck would learn on the machine by itself. */
const NOT_EMBEDDED = /^ *(?:##(?: .*)?|# shellcheck (?:shell|source)=.*)\n/gm;
/** A program of the repository that is part of another one: on the machine there is no such file. */
const INCLUDE = /^\. (\.\.?\/\S+\.sh)\n/gm;

/** The text of a program as it lies on the machine. */
export function embeddedProgram(file: string): string {
  const text = readFileSync(file, 'utf8').replaceAll(NOT_EMBEDDED, '');
  return text.replaceAll(INCLUDE, (_, included: string) => embeddedProgram(join(dirname(file), included)));
}

/**
 * The modules that bring the programs into the bundles, one for each machine: the functions carry only the worker's. A program a line, named as its
 * file: `setup.sh` is `SETUP_SH`.
 */
export function programModules(): readonly { readonly path: string; readonly text: string }[] {
  return FOLDERS.map((folder) => {
    const programs = join(ROOT, 'programs', folder);
    const names = readdirSync(programs).filter((name) => /\.(sh|py)$/.test(name));
    const lines = names.sort().map((name) => {
      const constant = name.toUpperCase().replaceAll(/\W/g, '_');
      return `export const ${constant} = ${JSON.stringify(embeddedProgram(join(programs, name)))};\n`;
    });
    const head = `// Written by \`npm run programs\` from cloud-init/programs/${folder}, not by hand.\n`;
    return { path: join(ROOT, folder, 'programs.generated.ts'), text: head + lines.join('') };
  });
}
