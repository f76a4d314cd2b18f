import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, type ZipOptions, zipSync } from 'fflate';
import { ConfigError } from '../../lib/core/errors.ts';
import { bundleFunction } from '../../scripts/bundle.ts';
import type { FunctionKey } from './schema.ts';

export interface Package {
  readonly zip: Uint8Array;
  /** SHA-512 in hex, as FunctionGraph gives that of the code which it has. */
  readonly digest: string;
}

export type Packages = Readonly<Partial<Record<FunctionKey, Package>>>;

/** The bundles of the functions; the same for every configuration. */
export type Bundles = Readonly<Partial<Record<FunctionKey, Uint8Array>>>;

/** Throws `ConfigError` for a bundle that has grown beyond its limit. */
export async function buildBundles(keys: readonly FunctionKey[]): Promise<Bundles> {
  const built = await Promise.all(
    keys.map(async (key) => {
      const { code, tooLarge } = await bundleFunction(key);
      if (tooLarge !== undefined) throw new ConfigError('bundle-too-large', tooLarge);
      return [key, code] as const;
    }),
  );
  return Object.fromEntries(built);
}

/** One zip a function, with its bundle and the compiled configuration and nothing else: the same content is the same file, byte for byte. */
export function packageFunctions(bundles: Bundles, config: string): Packages {
  return Object.fromEntries(
    Object.entries(bundles).map(([key, code]) => {
      const zip = zipSync({ 'index.js': [code, entry()], 'scaler.json': [strToU8(config), entry()] });
      return [key, { zip, digest: createHash('sha512').update(zip).digest('hex') }];
    }),
  );
}

/** A time without a time zone, as zips have them; rw-r--r--, as Unix has it. */
const entry = (): ZipOptions => ({ level: 9, mtime: new Date(2000, 0, 1), os: 3, attrs: 0o100644 << 16 });

/** Writes the zips below the folder; gives their paths. */
export function writePackages(packages: Packages, folder: string): Readonly<Record<string, string>> {
  mkdirSync(folder, { recursive: true });
  return Object.fromEntries(
    Object.entries(packages).map(([key, { zip }]) => {
      const path = join(folder, `${key}.zip`);
      writeFileSync(path, zip);
      return [key, path];
    }),
  );
}
