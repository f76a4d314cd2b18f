import type * as z from 'zod';
import { ConfigError } from '../../core/errors.ts';
import { counted } from '../../core/plural.ts';

export type Path = readonly (string | number)[];

/** One thing to mend, or (as a warning) to look at. */
export interface ConfigProblem {
  /** `pools[0].machine.image`; empty for the document as a whole. */
  readonly path: string;
  /** Both from 1, where the text is known. */
  readonly line?: number;
  readonly column?: number;
  /** What is wrong and what to do. Never quotes a value that might be a secret. */
  readonly message: string;
}

/** Where a path stands in the text; for a path that is not there, its nearest parent. */
export type Locate = (path: Path) => { readonly line: number; readonly column: number } | undefined;

/** The configuration is refused; `problems` holds everything that is wrong with it, in the order of the text. */
export class InvalidConfigError extends ConfigError {
  override readonly name = 'InvalidConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super('invalid-config', `the configuration has ${counted(problems.length, 'problem')}:\n${renderProblems(problems)}`);
    this.problems = problems;
  }
}

export function renderProblems(problems: readonly ConfigProblem[], file?: string): string {
  return problems.map((one) => `  ${renderProblem(one, file)}`).join('\n');
}

/** One line, its place as editors and terminals follow it: `scaler.yml:12:5: pools[0].limit: must be at least 1`. */
export function renderProblem({ path, line, column, message }: ConfigProblem, file?: string): string {
  const at = line === undefined ? [] : [line, column ?? 1];
  const place = [...(file === undefined ? [] : [file]), ...at].join(':');
  return [place, path, message].filter((part) => part !== '').join(': ');
}

export function problem(path: Path, message: string, locate?: Locate): ConfigProblem {
  const place = locate?.(path);
  return { path: renderPath(path), ...(place && { line: place.line, column: place.column }), message };
}

function renderPath(path: Path): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');
}

/** In the order of the text, then of the path; the same thing said twice only once. */
export function sortedProblems(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const seen = new Map(problems.map((p) => [`${p.path}\n${p.message}`, p]));
  return [...seen.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** What zod found, one finding per unknown key; of a union, what is wrong with the alternative that was meant. */
export function findingsOf(issues: readonly z.core.$ZodIssue[], at: Path = []): readonly Finding[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    if (issue.code === 'unrecognized_keys') {
      // `section` writes one line per key.
      const lines = issue.message.split('\n');
      return issue.keys.map((key, i) => ({ path: [...path, key], message: lines[i] ?? 'is not a key here' }));
    }
    if (issue.code === 'invalid_union') {
      // The alternative of the right type; the others only say that theirs is another. Of several sections the one that has these keys.
      const typed = issue.errors.filter((errors) =>
        errors.some((e) => e.path.length > 0 || (e.code !== 'invalid_type' && e.code !== 'invalid_value')),
      );
      const meant = typed.find((errors) => !errors.some((e) => e.path.length === 0 && e.code === 'unrecognized_keys'));
      const [only, ...more] = typed;
      if (meant ?? (only && more.length === 0)) return findingsOf(meant ?? only ?? [], path);
    }
    return [{ path, message: issue.message }];
  });
}
