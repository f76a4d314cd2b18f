import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readCompiled } from '../../config/compiled.ts';
import type { Config } from '../../config/types.ts';
import { ConfigError } from '../../core/errors.ts';

const FILE = 'scaler.json';

/**
 * Where the compiled configuration is: `SCALER_CONFIG` says it, else it lies beside the bundle or in the function's root.
 * Gives all places to look, in order.
 */
export function configPaths(env: Readonly<Record<string, string | undefined>>, bundleDirectory: string): readonly string[] {
  if (env.SCALER_CONFIG) return [env.SCALER_CONFIG];
  const root = env.RUNTIME_CODE_ROOT;
  return [join(bundleDirectory, FILE), ...(root ? [join(root, FILE)] : [])];
}

/**
 * Gives a function that loads the configuration from the first place that has one. Only what was read and found right is kept, until the
 * file changes: a failed load leaves no trace, so the next call tries afresh. Throws `ConfigError`.
 *
 * Reads synchronously: the file is local and small, and a warm call pays one `stat`.
 */
export function configSource(paths: readonly string[]): () => Config {
  let kept: { readonly key: string; readonly config: Config } | undefined;
  return () => {
    const found = locate(paths);
    if (kept?.key === found.key) return kept.config;
    const config = readCompiled(reading(found.path, () => readFileSync(found.path, 'utf8')));
    kept = { key: found.key, config };
    return config;
  };
}

function locate(paths: readonly string[]): { readonly path: string; readonly key: string } {
  for (const path of paths) {
    const stat = reading(path, () => statSync(path, { throwIfNoEntry: false }));
    if (stat?.isFile()) return { path, key: `${path}\n${stat.mtimeMs}\n${stat.size}` };
  }
  throw new ConfigError('no-config', `there is no configuration at ${paths.join(' or ')}: build the function with its scaler.yml`);
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError('unreadable-config', `${path} cannot be read (${code})`);
  }
}
