import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { Wake } from '../lib/app/ports/index.ts';
import { tick } from '../lib/app/reconcile/entry-points.ts';
import { reconcile } from '../lib/app/reconcile/reconcile.ts';
import { renderProblems } from '../lib/config/check/problems.ts';
import { systemClock } from '../lib/runtime/clock.ts';
import { showConsole } from './commands/console.ts';
import { registerControls } from './commands/controls.ts';
import { COUNT_FORMATS, counts } from './commands/counts.ts';
import { registerDashboard } from './commands/dashboard.ts';
import { registerDoctor } from './commands/doctor.ts';
import { explain } from './commands/explain.ts';
import { registerHook } from './commands/hook.ts';
import { managerStatus, renderManager } from './commands/manager.ts';
import { REPORT_FORMATS, report } from './commands/report.ts';
import { sandbox } from './commands/sandbox.ts';
import { serve } from './commands/serve.ts';
import { repeat, status } from './commands/status.ts';
import { serveDashboard } from './dashboard/server.ts';
import { demo } from './demo/demo.ts';
import { explainFailure, loadConfig, neededSecrets, openStore, openWorld, UserError, withinDeadline } from './shared/environment.ts';
import { type Output, renderReport, standardOutput } from './shared/output.ts';
import { escaped, shown } from './shared/printable.ts';

/** What one pass may take, as in the deployed functions. */
const PASS_MS = 60_000;

/** What comes in during a tick by hand is left to the functions. */
const NOBODY: Wake = { wake: () => Promise.resolve() };

/** All commands. Importing it runs nothing: main.ts does, and the reference of the commands is written from it. */
export const program = new Command('scaler')
  .description('Autoscaler of GitLab CI workers on Open Telekom Cloud')
  .option('-c, --config <file>', 'the configuration', 'scaler.yml')
  // A mistake in the call is told from a failure of the command by its code; commander's own is 1. Inherited by all that are added below.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .configureOutput({ writeOut: (text) => process.stdout.write(shown(text)), writeErr: (text) => process.stderr.write(shown(text)) })
  .showSuggestionAfterError()
  .showHelpAfterError('(--help says what there is)');

program
  .command('check')
  .description('read the configuration and say everything that is wrong with it')
  .option('--json', 'for programs')
  .action(({ json }) =>
    run(json, async (output) => {
      const { settings, otc, bucket, warnings } = loadConfig(program.opts().config);
      const pools = settings.pools.map(({ pool, machine }) => ({
        pool: pool.name,
        tags: pool.tags,
        limit: pool.limit,
        flavors: machine.flavors,
      }));
      if (output.json) output.data(JSON.stringify({ ok: true, region: otc.region, bucket: bucket.name, pools, warnings }));
      else {
        if (warnings.length > 0) output.say(`To look at:\n${renderProblems(warnings, program.opts().config)}`);
        output.data(`${program.opts().config} is in order: ${pools.map((p) => `${p.pool} (at most ${p.limit})`).join(', ')}`);
      }
      return 0;
    }),
  );

program
  .command('plan')
  .description('look at GitLab and the cloud and print what would be done and why; changes nothing')
  .option('--json', 'for programs')
  .action(({ json }) =>
    run(json, async (output) => {
      const config = loadConfig(program.opts().config);
      const options = { trigger: 'person', grow: true, shrink: true, dryRun: true } as const;
      const report = await withinDeadline(PASS_MS, (d) => reconcile(openWorld(config), config.settings, options, d));
      output.data(output.json ? JSON.stringify(report, undefined, 2) : renderReport(report));
      return report.pools.every((p) => p.plan) ? 0 : 1;
    }),
  );

program
  .command('tick')
  .description("do the reaper's work once, now")
  .option('--json', 'for programs')
  .action(({ json }) =>
    run(json, async (output) => {
      const config = loadConfig(program.opts().config);
      const result = await withinDeadline(PASS_MS, (d) => tick(openWorld(config), config.settings, 'person', NOBODY, d, PASS_MS));
      if (output.json) output.data(JSON.stringify(result, undefined, 2));
      else for (const report of result.reports) output.data(renderReport(report));
      if (result.turnstile === 'held') output.say('Another reconcile was running; launching was left to it.');
      const failed = result.reports.some(
        (r) => r.unrecorded.length > 0 || r.pools.some((p) => !p.plan || p.actions.some((a) => a.outcome === 'failed')),
      );
      return failed ? 1 : 0;
    }),
  );

program
  .command('serve')
  .description('run webhook, scaler and timer in this process, against the real GitLab and OTC')
  .option('-p, --port <number>', 'port for hooks', portNumber(1), 8080)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--every <seconds>', 'between two ticks', atLeastOne, 60)
  .option('--dashboard-port <number>', 'of the dashboard, on this machine only', portNumber(1), 8081)
  .option('--no-dashboard', 'serve none')
  .action(({ port, host, every, dashboardPort, dashboard: wanted }) =>
    run(false, async (output) => {
      const config = loadConfig(program.opts().config);
      neededSecrets();
      const write = (line: string) => output.data(escaped(line));
      const serving = await serve({ config, port, host, everyMs: every * 1000, env: process.env, write });
      output.say(`Hooks are taken at ${serving.url}; a tick every ${every} s. Ctrl-C ends it.`);
      const live = wanted ? await serveDashboard({ store: openStore(config), port: dashboardPort, clock: systemClock }, output) : undefined;
      await stopSignal();
      output.say('Finishing what runs …');
      await Promise.all([serving.stop(), live?.stop()]);
      return 0;
    }),
  );

program
  .command('explain')
  .description('tell from the ledger why a job waits or waited, or what was done to a worker')
  .option('--job <id>', 'a GitLab job', wholeNumber)
  .option('--worker <name>', 'a worker')
  .option('--days <number>', 'how far to look back', atLeastOne, 2)
  .option('--json', 'the ledger entries themselves')
  .action(({ job, worker, days, json }) =>
    run(json, async (output) => {
      if ((job === undefined) === (worker === undefined)) throw new UserError('Say either --job ID or --worker NAME.');
      const world = openWorld(loadConfig(program.opts().config));
      const what = job === undefined ? { worker: worker ?? '' } : { job };
      return await explain(world, what, { now: world.clock.now(), days }, output);
    }),
  );

program
  .command('console')
  .description('print what a worker that still exists has written to its console')
  .argument('<worker>', 'its name')
  .option('-n, --lines <number>', 'the last so many', atLeastOne, 200)
  .action((worker, { lines }) =>
    run(false, async (output) => await showConsole(openWorld(loadConfig(program.opts().config)).cloud, worker, lines, output)),
  );

program
  .command('counts')
  .description('the machine counts of a span: as a table, a file for other programs, or a picture')
  .option('--from <when>', 'a day, a time, -7d, -12h, today, yesterday', 'today')
  .option('--to <when>', 'likewise; a day means its end', 'now')
  .addOption(timezone('of days and times, such as Europe/Berlin'))
  .option('--pool <name>', 'of this pool alone')
  .addOption(new Option('--step <length>', 'one line stands for (default: by the length of the span)').choices(['1m', '1h', '1d'] as const))
  .option('--columns <names>', 'separated by commas')
  .addOption(new Option('--format <name>', 'what to make of it').choices(COUNT_FORMATS).default('table' as const))
  .option('--output <file>', 'write it to a file instead')
  .action((options) =>
    run(options.format === 'json', async (output) => {
      const config = loadConfig(program.opts().config);
      const { settings } = config;
      const { isTTY = false, columns = 100 } = process.stdout;
      const bytes = (data: Uint8Array) => void process.stdout.write(data);
      const source = { store: openStore(config), append: settings.append, pools: settings.pools.map(({ pool }) => pool.name) };
      return await counts(source, options, systemClock.now(), { ...output, terminal: isTTY, width: columns, bytes });
    }),
  );

program
  .command('report')
  .description('how long the jobs of a span waited and for what, and what machines did and cost, by project and pool')
  .option('--from <when>', 'a day, a time, -7d, -12h, today, yesterday', 'today')
  .option('--to <when>', 'likewise; a day means its end', 'now')
  .addOption(timezone('of days and times, such as Europe/Berlin'))
  .option('--pool <name>', 'of this pool alone')
  .option('--project <path>', 'waits and costs of this project alone')
  .option('--live', 'ask GitLab, too, what the workers ran that are still there')
  .addOption(new Option('--format <name>', 'what to make of it').choices(REPORT_FORMATS).default('table' as const))
  .option('--json', 'the same as --format json')
  .option('--csv', 'the same as --format csv: one line a job')
  .action(({ live, json, csv, ...options }) => {
    const format = json ? 'json' : csv ? 'csv' : options.format;
    return run(format === 'json', async (output) => {
      const config = loadConfig(program.opts().config);
      const source = live ? openWorld(config) : { store: openStore(config) };
      return await report({ ...source, settings: config.settings }, { ...options, format }, systemClock.now(), output);
    });
  });

program
  .command('status')
  .description('the farm at a glance, from the bucket alone; exit code 1 when something needs looking at')
  .option('--watch', 'again and again, until Ctrl-C')
  .option('--every <seconds>', 'how often', atLeastOne, 10)
  .addOption(timezone('in which today begins'))
  .option('--json', 'for programs')
  .action(({ watch, every, timezone, json }) =>
    run(json, async (output) => {
      const config = loadConfig(program.opts().config);
      const store = openStore(config);
      const look = async (to: Output) => {
        const { isTTY = false, columns = 120 } = process.stdout;
        const colour = isTTY && process.env.NO_COLOR === undefined;
        return await status(store, { append: config.settings.append, timezone, width: columns, colour }, systemClock.now(), to);
      };
      return watch ? await repeat(look, every * 1000, output, stopSignal()) : await look(output);
    }),
  );

registerHook(program, () => loadConfig(program.opts().config), run);
registerControls(program, () => loadConfig(program.opts().config), run, stopSignal);
registerDoctor(program, run);
registerDashboard(program, run);

const manager = program.command('manager').description('the machine that serves the caches');

manager
  .command('render')
  .description('print the user data of the cache manager')
  .option('--out <file>', 'write it to a file instead')
  .action(({ out }) => run(false, (output) => Promise.resolve(renderManager(loadConfig(program.opts().config), out, output))));

manager
  .command('status')
  .description('tell how the caches are; exit code 1 when something needs looking at')
  .option('--json', 'for programs')
  .action(({ json }) =>
    run(json, async (output) => {
      const config = loadConfig(program.opts().config);
      return await managerStatus(config, openStore(config), systemClock.now(), output);
    }),
  );

program
  .command('sandbox')
  .description('start a stand-in for GitLab and OTC on loopback, to try a configuration against')
  .option('-p, --port <number>', 'first of four ports; 0 takes free ones', portNumber(4), 7400)
  .option('--write-config <file>', 'write a scaler.yml that fits it')
  .option('--write-serverless <file>', 'write a serverless.yml that deploys that scaler.yml into it')
  .option('--boot <seconds>', 'from the order of a machine to its first question for a job', atLeastOne, 132)
  .option('--workers-stay', 'machines never leave for want of a job: the scaler has to drain them')
  .action(({ port, boot, ...rest }) => run(false, (output) => sandbox({ port, bootMs: boot * 1000, ...rest }, output, stopSignal)));

program
  .command('demo')
  .description('play a day of bitbake builds through the sandbox and the scaler')
  .option('--once', 'end after one day')
  .option('-p, --port <number>', 'first of five ports; 0 takes free ones', portNumber(5), 0)
  .option('--speed <factor>', 'how many times faster than real time, at most', atLeastOne, 3600)
  .option('--json', 'the summary for programs')
  .action(({ once, port, speed, json }) => run(json, (output) => demo({ once: once ?? false, port, speed }, output, stopSignal)));

function timezone(description: string) {
  return new Option('--timezone <name>', description).default(Intl.DateTimeFormat().resolvedOptions().timeZone, "this machine's");
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** The first of so many ports in a row. */
function portNumber(ports: number): (text: string) => number {
  const last = 65_536 - ports;
  return (text) => {
    const number = wholeNumber(text);
    if (number > last) throw new InvalidArgumentError(`It must be from 0 to ${last}.`);
    return number;
  };
}

function atLeastOne(text: string): number {
  const number = wholeNumber(text);
  // Beyond this Node's timers fire at once.
  if (number < 1 || number > 2_000_000) throw new InvalidArgumentError('It must be from 1 to 2000000.');
  return number;
}

async function run(json: true | undefined | boolean, command: (output: Output) => Promise<number>): Promise<void> {
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
