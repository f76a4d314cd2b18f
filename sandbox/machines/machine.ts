import type { ChildProcess } from 'node:child_process';

const LAST_LINES = 25;

/** One real machine, as the process that runs it, and its console. */
export class Machine {
  readonly name: string;
  readonly address: string;
  /** Resolves when the machine is off, by itself or not. */
  readonly ended: Promise<void>;
  #text = '';
  #over = false;
  readonly #process: ChildProcess;
  readonly #listeners = new Set<() => void>();

  constructor(
    machine: { readonly name: string; readonly address: string; readonly onConsole?: (text: string) => void },
    process: ChildProcess,
  ) {
    this.name = machine.name;
    this.address = machine.address;
    this.#process = process;
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        this.#text += text;
        machine.onConsole?.(text);
        this.#changed();
      });
    }
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#over = true;
        this.#changed();
        resolve();
      };
      process.once('error', (error) => {
        this.#text += `\n${error.message}\n`;
        end();
      });
      process.once('close', end);
    });
  }

  /** All that it has printed so far. */
  get text(): string {
    return this.#text;
  }

  get over(): boolean {
    return this.#over;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** As if the power failed. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  /** Waits until the console shows `pattern`. Throws with the console's last lines when it does not come in time, or cannot come any more. */
  prints(pattern: RegExp, withinSeconds: number): Promise<RegExpExecArray> {
    return this.#until(`print ${pattern}`, withinSeconds, () => pattern.exec(this.#text) ?? undefined);
  }

  /** Waits until the machine is off. Throws as `prints` does. */
  async isOff(withinSeconds: number): Promise<void> {
    await this.#until('power off', withinSeconds, () => this.#over || undefined);
  }

  #until<T>(what: string, withinSeconds: number, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (act: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        act();
      };
      const check = () => {
        const found = look();
        if (found !== undefined) done(() => resolve(found));
        else if (this.#over) done(() => reject(new Error(`${this.name} is off and did not ${what}\n${this.#last()}`)));
      };
      const timer = setTimeout(
        () => done(() => reject(new Error(`${this.name} did not ${what} within ${withinSeconds} s\n${this.#last()}`))),
        withinSeconds * 1000,
      );
      this.#listeners.add(check);
      check();
    });
  }

  #last(): string {
    return this.#text.replaceAll('\r', '').trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
