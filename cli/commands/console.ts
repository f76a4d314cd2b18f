import { bootLines } from '../../lib/app/ledger/sentences/boot.ts';
import type { Cloud } from '../../lib/app/ports/index.ts';
import { describeError } from '../../lib/core/errors.ts';
import { parseBootLog } from '../../lib/core/fleet/boot-log.ts';
import type { Server } from '../../lib/core/fleet/types.ts';
import { toIso } from '../../lib/core/time.ts';
import { atLeastOne } from '../shared/arguments.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openServices } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { harmless, oneLine } from '../shared/printable.ts';

/** All of a boot, with what cloud-init and the kernel print in between. */
const BOOT_LINES = 2000;

/** Prints what a worker that still exists has written to its console. Gives the exit code. */
export async function showConsole(cloud: Cloud, worker: string, lines: number, output: Output): Promise<number> {
  const server = await find(cloud, worker);
  if (!server) {
    output.say(`The cloud has no VM named ${worker}. To see what happened to it: scaler explain --worker ${worker}`);
    return 1;
  }
  const text = await cloud.consoleLog(server.id, { lines });
  if (text === undefined || text === '') {
    output.say(text === '' ? `${worker} has printed nothing yet.` : `${worker} has no console, or the cloud does not offer it.`);
    return 1;
  }
  output.data(harmless(text));
  return 0;
}

/** What is to be said of a worker whose boot has not come to its end, as lines. Never throws: it is only more than the ledger tells. */
export async function bootSoFar(cloud: Cloud, worker: string): Promise<readonly string[]> {
  const hint = `\`scaler console ${worker}\` shows what it printed`;
  try {
    const server = await find(cloud, worker);
    if (!server) return ['not finished yet; the cloud has no VM of this name'];
    const text = await cloud.consoleLog(server.id, { lines: BOOT_LINES });
    const { createdAt, activeAt } = server;
    const machine = { createdAt: toIso(createdAt), ...(activeAt === undefined ? {} : { activeAt: toIso(activeAt) }) };
    const details = bootLines({ ...machine, ...parseBootLog(text ?? '', worker) }).map((line) => `    ${line}`);
    return [`not finished yet; ${hint}. So far:`, ...details];
  } catch (error) {
    return [`not finished yet; ${hint} (its console cannot be read now: ${oneLine(describeError(error).code)})`];
  }
}

/** The cloud finds names that only begin like it. */
async function find(cloud: Cloud, worker: string): Promise<Server | undefined> {
  return (await cloud.servers(worker)).find((server) => server.name === worker);
}

export function register(program: Program, context: CommandContext): void {
  program
    .command('console')
    .description('print the console of a worker that still exists')
    .argument('<worker>', 'name of the worker')
    .option('-n, --lines <number>', 'number of lines, counted from the end', atLeastOne, 200)
    .action((worker, { lines }) =>
      context.run(false, async (output) => await showConsole(openServices(context.load()).cloud, worker, lines, output)),
    );
}
