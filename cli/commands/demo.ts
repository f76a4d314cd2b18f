import { demo } from '../demo/demo.ts';
import { atLeastOne, portNumber } from '../shared/arguments.ts';
import type { CommandContext, Program } from '../shared/context.ts';

export function register(program: Program, context: CommandContext): void {
  program
    .command('demo')
    .description('play a day of bitbake builds through the sandbox and the scaler')
    .option('--once', 'stop after one day')
    .option('-p, --port <number>', 'first of five ports; 0 takes free ones', portNumber(5), 0)
    .option('--speed <factor>', 'maximum speed, as a multiple of real time', atLeastOne, 3600)
    .option('--json', 'print the summary as JSON')
    .action(({ once, port, speed, json }) =>
      context.run(json, (output) => demo({ once: once ?? false, port, speed }, output, context.stopSignal)),
    );
}
