// Imported, so that this one place is no ungoverned global; it is the same object that the runtime tags with the request's id.
import console from 'node:console';
import type { Clock, Log } from '../app/ports/index.ts';
import { onCall } from '../http/on-call.ts';
import { scrub } from './scrub.ts';

export interface LogOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** In every line, e.g. the function's name. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Takes one line without its end; the console when absent, because FunctionGraph collects that. */
  readonly write?: (line: string) => void;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

/** With levels below what is always written. */
export interface DebugLog extends Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * One JSON object per line: `level`, `ts`, the fields, then `msg`. These three names are short because fields are called `time` and `message`
 * where they come from records.
 */
export function createLog({ clock, fields = {}, write = (line) => console.log(line) }: LogOptions): DebugLog {
  const base = scrub(fields);
  const at = (level: Level) => (message: string, more?: Readonly<Record<string, unknown>>) => {
    const { msg: _, ...own } = scrub(more ?? {});
    write(JSON.stringify({ level, ts: new Date(clock.now()).toISOString(), ...base, ...own, msg: message }));
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** From now on every call to GitLab and OTC is a line of the log: name, status and milliseconds. Returns a function that ends this. */
export function logCalls(log: DebugLog): () => void {
  return onCall((call) => log.debug('call', { ...call }));
}

/** The same log with fields in every line, e.g. the id of the call. */
export function withFields(log: Log, fields: Readonly<Record<string, unknown>>): Log {
  const at = (level: keyof Log) => (message: string, more?: Readonly<Record<string, unknown>>) =>
    log[level](message, { ...fields, ...more });
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
