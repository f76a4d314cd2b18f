import { renderProblems } from '../../lib/config/check/problems.ts';
import type { CommandContext, Program } from '../shared/context.ts';

export function register(program: Program, context: CommandContext): void {
  program
    .command('check')
    .description('read the configuration and report everything that is wrong with it')
    .option('--json', 'print JSON')
    .action(({ json }) =>
      context.run(json, async (output) => {
        const { settings, otc, bucket, warnings } = context.load();
        const pools = settings.pools.map(({ pool, machine }) => ({
          pool: pool.name,
          tags: pool.tags,
          limit: pool.limit,
          flavors: machine.flavors,
        }));
        if (output.json) output.data(JSON.stringify({ ok: true, region: otc.region, bucket: bucket.name, pools, warnings }));
        else {
          if (warnings.length > 0) output.say(`Warnings:\n${renderProblems(warnings, context.configFile())}`);
          output.data(`${context.configFile()} is valid: ${pools.map((p) => `${p.pool} (at most ${p.limit})`).join(', ')}`);
        }
        return 0;
      }),
    );
}
