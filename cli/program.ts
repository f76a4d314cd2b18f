import { Command } from '@commander-js/extra-typings';
import { onCall } from '../lib/http/on-call.ts';
import * as check from './commands/check.ts';
import * as consoleOf from './commands/console.ts';
import * as controls from './commands/controls.ts';
import * as counts from './commands/counts.ts';
import * as dashboard from './commands/dashboard.ts';
import * as demo from './commands/demo.ts';
import * as doctor from './commands/doctor.ts';
import * as explain from './commands/explain.ts';
import * as hook from './commands/hook.ts';
import * as manager from './commands/manager.ts';
import * as plan from './commands/plan.ts';
import * as report from './commands/report.ts';
import * as sandbox from './commands/sandbox.ts';
import * as serve from './commands/serve.ts';
import * as status from './commands/status.ts';
import * as tick from './commands/tick.ts';
import { createContext } from './shared/context.ts';
import { renderCall } from './shared/output.ts';
import { shown } from './shared/printable.ts';

/** All commands. Importing it runs nothing: main.ts does, and the reference of the commands is written from it. */
export const program = new Command('scaler')
  .description('Autoscaler of GitLab CI workers on Open Telekom Cloud')
  .option('-c, --config <file>', 'path of the configuration', 'scaler.yml')
  .option('--verbose', 'print name, status and milliseconds of every call to GitLab and OTC to standard error')
  .hook('preAction', () => {
    if (program.opts().verbose) onCall((call) => void process.stderr.write(`${shown(renderCall(call))}\n`));
  })
  // A mistake in the call is told from a failure of the command by its code; commander's own is 1. Inherited by all that are added below.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .configureOutput({ writeOut: (text) => process.stdout.write(shown(text)), writeErr: (text) => process.stderr.write(shown(text)) })
  .showSuggestionAfterError()
  .showHelpAfterError('(--help says what there is)');

const context = createContext(program);
/** In the order of the help. */
const COMMANDS = [
  check,
  plan,
  tick,
  serve,
  explain,
  consoleOf,
  counts,
  report,
  status,
  hook,
  controls,
  doctor,
  dashboard,
  manager,
  sandbox,
  demo,
];
for (const { register } of COMMANDS) register(program, context);
