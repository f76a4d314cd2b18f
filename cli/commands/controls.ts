import { userInfo } from 'node:os';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { type ControlContext, clearControl, keep, release, setControl, waitUntilZero } from '../shared/controls.ts';
import { openServices, openStore } from '../shared/environment.ts';

export function register(program: Program, context: CommandContext): void {
  const apply = (json: true | undefined, work: (controls: ControlContext) => Promise<number>) =>
    context.run(json, async (output) => {
      const config = context.load();
      const exists = async (worker: string) => (await openServices(config).cloud.servers(worker)).some(({ name }) => name === worker);
      return await work({ store: openStore(config), config, clock: systemClock, output, exists, user: () => userInfo().username });
    });
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('--for <span>', 'end it automatically after 90m, 2h, 1d …')
      .option('--reason <text>', 'reason to show to others')
      .option('--by <name>', 'name to show to others (default: your user name)')
      .option('--json', 'print JSON');
  const ending = (name: string, description: string) => program.command(name).description(description).option('--json', 'print JSON');

  command('pause', 'create nothing and delete nothing, in some or all pools')
    .argument('[pools...]', 'names of pools; default: all')
    .action((pools, options) => apply(options.json, (s) => setControl(s, 'pause', pools, options)));
  ending('resume', 'end the pause of some pools, or every pause')
    .argument('[pools...]', 'names of pools; default: all')
    .action((pools, { json }) => apply(json, (s) => clearControl(s, 'pause', pools, {})));
  command('drain', 'bring pools to zero: launch nothing, let running jobs finish, delete free workers')
    .argument('[pools...]', 'names of pools')
    .option('--all', 'every pool')
    .option('--wait', 'show progress until no machine is left')
    .action((pools, options) =>
      apply(options.json, async (s) => {
        const code = await setControl(s, 'drain', pools, options);
        if (!options.wait) return code;
        const stop = new AbortController();
        void context.stopSignal().then(() => stop.abort());
        return await waitUntilZero(s, pools, options.all ?? false, stop.signal);
      }),
    );
  ending('undrain', 'end the drain of pools, so that they launch again')
    .argument('[pools...]', 'names of pools')
    .option('--all', 'every drain')
    .action((pools, { json, all }) => apply(json, (s) => clearControl(s, 'drain', pools, { all })));
  command('roll', 'replace all existing workers, each when it is free, while launching continues: for a new image or flavor')
    .argument('[pools...]', 'names of pools')
    .option('--all', 'every pool')
    .option('--end', 'end the roll: the remaining workers stay')
    .action((pools, options) =>
      apply(options.json, (s) => (options.end ? clearControl(s, 'roll', pools, options) : setControl(s, 'roll', pools, options))),
    );
  command('keep', 'protect one worker from deletion, to look at it; for 24 hours, or as given by --for')
    .argument('<worker>', 'name of the worker')
    .action((worker, options) => apply(options.json, (s) => keep(s, worker, options)));
  ending('release', 'end the protection of a worker')
    .argument('<worker>', 'name of the worker')
    .action((worker, { json }) => apply(json, (s) => release(s, worker)));
}
