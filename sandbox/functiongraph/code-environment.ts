import { Console } from 'node:console';
import { Writable } from 'node:stream';

/** What the environment of deployed code is made of. */
export interface CodeFacts {
  readonly now: () => number;
  /** The whole environment: nothing of this process's own is seen. */
  readonly env: Readonly<Record<string, string>>;
  /** Gets each line that the code writes to its console. */
  readonly log: (line: string) => void;
  readonly requestId: () => string;
}

export interface CodeEnvironment {
  readonly console: Console;
  readonly process: NodeJS.Process;
  readonly Date: DateConstructor;
  /** Built-in modules that stand for one of these. */
  readonly modules: ReadonlyMap<string, unknown>;
}

export function codeEnvironment({ now, env, log, requestId }: CodeFacts): CodeEnvironment {
  const console = new Console(new Lines((line) => log(`${new Date(now()).toISOString()} ${requestId()} ${line}`)));
  const own = { ...env };
  const process = new Proxy(globalThis.process, {
    get: (real, name) => (name === 'env' ? own : Reflect.get(real, name)),
  });
  const modules = new Map<string, unknown>([
    ['console', console],
    ['process', process],
  ]);
  return { console, process, Date: dateAt(now), modules };
}

/** The real `Date` with another present. */
function dateAt(now: () => number): DateConstructor {
  return new Proxy(Date, {
    construct: (real, args, target) => Reflect.construct(real, args.length === 0 ? [now()] : args, target),
    apply: () => new Date(now()).toString(),
    get: (real, name) => (name === 'now' ? now : Reflect.get(real, name)),
  });
}

class Lines extends Writable {
  readonly #line: (line: string) => void;
  #rest = '';

  constructor(line: (line: string) => void) {
    super({ decodeStrings: false });
    this.#line = line;
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    const lines = (this.#rest + String(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    done();
  }
}
