import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, sep } from 'node:path';
import { compileFunction, constants } from 'node:vm';
import { unzipSync } from 'fflate';
import { type CodeFacts, codeEnvironment } from './code-environment.ts';
import type { FunctionHandler } from './instances.ts';

/** A function's code as it was uploaded, unpacked into a folder of its own. */
export interface UnpackedCode {
  readonly folder: string;
  /** SHA-512 of the zip, hexadecimal, as the API shows it. */
  readonly digest: string;
  readonly bytes: number;
  remove(): void;
}

/** `undefined` for anything but a zip whose files are all inside its root. */
export function unpack(zip: Buffer): UnpackedCode | undefined {
  const files = filesOf(zip);
  if (!files) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-function-'));
  for (const [name, data] of files) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, data);
  }
  const digest = createHash('sha512').update(zip).digest('hex');
  return { folder, digest, bytes: zip.length, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function filesOf(zip: Buffer): readonly (readonly [string, Uint8Array])[] | undefined {
  try {
    const files = Object.entries(unzipSync(zip)).filter(([name]) => !name.endsWith('/'));
    const inside = files.every(([name]) => !name.startsWith('/') && !name.includes('\\') && !normalize(name).startsWith('..'));
    return files.length > 0 && inside ? files : undefined;
  } catch {
    return undefined;
  }
}

interface Loaded {
  exports: unknown;
}

const NATIVE_ASYNC = (async () => undefined).constructor;
const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname', 'console', 'process', 'Date'];

/**
 * A new instance of the code in `folder`: CommonJS, every module of the folder loaded anew, with the sandbox's time, an environment of its own, and a
 * console whose lines are collected. Throws when the handler does not exist.
 */
export function loadInstance(folder: string, handler: string, options: Omit<CodeFacts, 'requestId'>): FunctionHandler {
  let requestId = '';
  const environment = codeEnvironment({ ...options, requestId: () => requestId });
  const modules = new Map<string, Loaded>();

  const load = (file: string): Loaded => {
    const known = modules.get(file);
    if (known) return known;
    const module: Loaded = { exports: {} };
    modules.set(file, module);
    const native = createRequire(file);
    const require = (id: string): unknown => {
      const own = environment.modules.get(id.replace(/^node:/, ''));
      if (own !== undefined) return own;
      const path = native.resolve(id);
      return path.startsWith(folder + sep) && /\.c?js$/.test(path) ? load(path).exports : native(id);
    };
    const run = compileFunction(readFileSync(file, 'utf8'), PARAMETERS, {
      filename: file,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    run.call(
      module.exports,
      module.exports,
      require,
      module,
      file,
      dirname(file),
      environment.console,
      environment.process,
      environment.Date,
    );
    return module;
  };

  const dot = handler.lastIndexOf('.');
  const entry = load(join(folder, `${handler.slice(0, dot)}.js`)).exports;
  const found: unknown = Object.entries(entry ?? {}).find(([name]) => name === handler.slice(dot + 1))?.[1];
  // The platform recognises asynchronous handlers because they are native async functions; any other gets a callback.
  if (!(found instanceof NATIVE_ASYNC)) throw new TypeError(`${handler} is not an async function`);
  const call = found as FunctionHandler;
  return (event, context) => {
    requestId = context.getRequestID();
    return call(event, context);
  };
}
