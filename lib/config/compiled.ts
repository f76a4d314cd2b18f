import * as z from 'zod/mini';
import { ConfigError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { Config } from './types.ts';

/** Raised with each change of `Config`: a bundle takes only what its own build has compiled. */
const FORMAT = 1;

/** The build has checked all of it (load/yaml.ts) and packs it beside the bundle; this only tells it from anything else. */
const Compiled = z.object({
  format: z.literal(FORMAT),
  config: z.looseObject({
    settings: z.looseObject({ pools: z.array(z.looseObject({ pool: z.looseObject({ name: z.string() }) })).check(z.minLength(1)) }),
    otc: z.looseObject({ endpoints: z.record(z.string(), z.string()) }),
    bucket: z.looseObject({ name: z.string() }),
  }),
});

/** The configuration as the functions carry it, without the cache manager's part. */
export function compiledText({ manager: _, ...config }: Config): string {
  return `${JSON.stringify({ format: FORMAT, config })}\n`;
}

/** Reads what `compiledText` has written. Throws `ConfigError`. */
export function readCompiled(text: string): Config {
  const found = Compiled.safeParse(parseJson(text));
  if (found.success) return found.data.config as unknown as Config;
  throw new ConfigError('invalid-config', 'this is no configuration of this build: npm run build compiles scaler.yml for the functions');
}

/** Whether a JSON document is a compiled configuration rather than a scaler.yml written as JSON. */
export function isCompiled(data: unknown): boolean {
  return z.object({ format: z.number(), config: z.unknown() }).safeParse(data).success;
}
