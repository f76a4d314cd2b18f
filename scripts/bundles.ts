import { fileURLToPath } from 'node:url';
import type { BuildOptions, Metafile, Plugin } from 'esbuild';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** 1 kB = 1000 B. A function's size is its cold start; what grows beyond these must be a decision. */
export const FUNCTIONS = [
  { name: 'webhook', maxKb: 64 },
  { name: 'scaler', maxKb: 350 },
  // Called each minute it stays warm, and nobody waits for it: alarms and what people see may cost some.
  { name: 'reaper', maxKb: 375 },
] as const;

/**
 * Libraries that come along and can never run in a function, a third of what it would have to load.
 *
 * gitbeaker's own transport is replaced by ours (lib/gitlab/requester.ts), and with it its rate limiter and its matching of endpoints. got is used
 * without HTTP/2, cache and DNS cache.
 */
const NEVER_RUN = ['rate-limiter-flexible', 'picomatch-browser', 'http2-wrapper', 'cacheable-lookup', 'cacheable-request'] as const;

/** zod brings the writers of JSON Schema along with each schema; only the command line writes one (scripts/reference). */
const withoutJsonSchema: Plugin = {
  name: 'without-json-schema',
  setup({ onResolve }) {
    onResolve({ filter: /\/(json-schema-processors|to-json-schema)\.js$/ }, ({ importer }) =>
      importer.includes('/node_modules/zod/') ? { path: here('left-out-of-zod.mjs'), sideEffects: false } : undefined,
    );
  },
};

/** Files of FunctionGraph's newest runtime, Node.js 20.15: one CommonJS file, because `require` of ES modules came later. */
export const BUNDLE: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20.15',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  // An inline map costs 8 ms of each cold start; these are for people.
  sourcemap: 'external',
  alias: {
    ...Object.fromEntries(NEVER_RUN.map((name) => [name, here('left-out.cjs')])),
    // gitbeaker reads the link to a next page with it, whose parameters are flat: Node.js's own parser keeps them as they are.
    qs: 'node:querystring',
    // It wraps every resource class of core in a table, so that none can be left out, and adds only the transport that ours replaces (decision 2).
    '@gitbeaker/rest': '@gitbeaker/core',
  },
  plugins: [withoutJsonSchema],
  // The functions of each kind of schema, which only those writers call.
  logOverride: { 'import-is-undefined': 'silent' },
  define: { 'import.meta.dirname': '__dirname' },
  metafile: true,
  write: false,
  logLevel: 'warning',
};

/**
 * The command line tool is an ES module: it awaits at its top level, and its size does not matter. Not minified, so that its errors can be read
 * and no name of it clashes with the banner's, which some CommonJS libraries inside need.
 */
export const COMMAND_LINE: BuildOptions = {
  plugins: [],
  format: 'esm',
  minify: false,
  define: {},
  // Native code cannot be bundled; without it everything but PNG works.
  external: ['@resvg/resvg-js'],
  banner: { js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);" },
};

/** The largest contributors to an output, by package, in kB. */
export function breakdown(metafile: Metafile, most = 12): readonly string[] {
  const sizes = new Map<string, number>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const name = packageOf(path);
      sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
    }
  }
  const largest = [...sizes].sort((a, b) => b[1] - a[1]).slice(0, most);
  return largest.map(([name, bytes]) => `${(bytes / 1000).toFixed(1).padStart(8)} kB  ${name}`);
}

function packageOf(path: string): string {
  const inside = path.split('node_modules/').at(-1) ?? path;
  if (inside === path) return path.split('/').slice(0, 2).join('/');
  return inside.split('/', inside.startsWith('@') ? 2 : 1).join('/');
}
