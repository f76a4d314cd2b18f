import { contradictions } from '../check/contradictions.ts';
import { plainMessage } from '../check/messages.ts';
import { findingsOf, InvalidConfigError, type Locate, problem, sortedProblems } from '../check/problems.ts';
import { View } from '../check/view.ts';
import { Document } from '../schema/document.ts';
import type { Config } from '../types.ts';
import { resolveDocument } from './resolve.ts';

export type { Config } from '../types.ts';

/**
 * Reads a parsed document. Throws `InvalidConfigError` with everything that is wrong at once; `locate` (from the YAML text) adds lines.
 */
export function parseConfig(data: unknown, locate?: Locate): Config {
  const parsed = Document.safeParse(data, { error: plainMessage });
  const across = contradictions(View.parse(data));
  const at = (findings: readonly { readonly path: Parameters<Locate>[0]; readonly message: string }[]) =>
    sortedProblems(findings.map(({ path, message }) => problem(path, message, locate)));
  const errors = across.filter((finding) => finding.level === 'error');
  if (!parsed.success) {
    const wrong = findingsOf(parsed.error.issues);
    // A value that is wrong by itself is as if absent to the checks across values: what they say of it is noise.
    const others = errors.filter(({ path }) => !wrong.some((w) => path.every((part, i) => w.path[i] === part)));
    throw new InvalidConfigError(at([...wrong, ...others]));
  }
  if (errors.length > 0) throw new InvalidConfigError(at(errors));
  return resolveDocument(parsed.data, at(across.filter((finding) => finding.level === 'warning')));
}
