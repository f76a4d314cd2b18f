import type { Command } from '@commander-js/extra-typings';
import type { Config } from '../../lib/config/load/parse.ts';
import { explainFailure, loadConfig } from './environment.ts';
import { type Output, standardOutput } from './output.ts';

/** `scaler` itself, with its global options. */
export type Program = Command<[], { config: string }>;

/** What every command is registered with. */
export interface CommandContext {
  /** As it was given; may not exist. */
  configFile(): string;
  /** Throws `UserError`. */
  load(): Config;
  /** Runs a command and makes its result, or its failure, the exit code. */
  run(json: boolean | undefined, command: (output: Output) => Promise<number>): Promise<void>;
  /** Ends with the next SIGINT or SIGTERM. */
  stopSignal(): Promise<void>;
}

export function createContext(program: Program): CommandContext {
  const configFile = () => program.opts().config;
  return { configFile, load: () => loadConfig(configFile()), run, stopSignal };
}

async function run(json: boolean | undefined, command: (output: Output) => Promise<number>): Promise<void> {
  const output = standardOutput(json ?? false);
  try {
    process.exitCode = await command(output);
  } catch (error) {
    const { text, code } = explainFailure(error);
    output.say(text);
    process.exitCode = code;
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}
