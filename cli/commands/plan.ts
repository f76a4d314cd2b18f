import { dryExecutor } from '../../lib/app/reconcile/executor.ts';
import { reconcile } from '../../lib/app/reconcile/reconcile.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openServices, PASS_MS, withinDeadline } from '../shared/environment.ts';
import { renderReport } from '../shared/output.ts';

export function register(program: Program, context: CommandContext): void {
  program
    .command('plan')
    .description('read GitLab and the cloud, and print what would be done and why; changes nothing')
    .option('--json', 'print JSON')
    .action(({ json }) =>
      context.run(json, async (output) => {
        const config = context.load();
        const options = { trigger: 'person', mayLaunch: true, mayRemove: true } as const;
        const report = await withinDeadline(PASS_MS, (deadline) =>
          reconcile({ services: openServices(config), settings: config.settings, deadline }, options, dryExecutor),
        );
        output.data(output.json ? JSON.stringify(report, undefined, 2) : renderReport(report));
        return report.pools.every((p) => p.plan) ? 0 : 1;
      }),
    );
}
