import type { ScalerTrigger } from '../../lib/app/ports/index.ts';
import { reconcileOnTimer } from '../../lib/app/reconcile/entry-points.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openServices, PASS_MS, withinDeadline } from '../shared/environment.ts';
import { renderReport } from '../shared/output.ts';

/** What comes in during a tick by hand is left to the functions. */
const NO_TRIGGER: ScalerTrigger = { trigger: () => Promise.resolve() };

export function register(program: Program, context: CommandContext): void {
  program
    .command('tick')
    .description('run one tick now, as the reaper does every minute')
    .option('--json', 'print JSON')
    .action(({ json }) =>
      context.run(json, async (output) => {
        const config = context.load();
        const result = await withinDeadline(PASS_MS, (deadline) =>
          reconcileOnTimer(
            { services: openServices(config), settings: config.settings, scaler: NO_TRIGGER, deadline, holdMs: PASS_MS },
            'person',
          ),
        );
        if (output.json) output.data(JSON.stringify(result, undefined, 2));
        else for (const report of result.reports) output.data(renderReport(report));
        if (result.turnstile === 'held') output.say('Another reconcile is running and does the launching.');
        const failed = result.reports.some(
          (r) => r.unrecorded.length > 0 || r.pools.some((p) => !p.plan || p.actions.some((a) => a.outcome === 'failed')),
        );
        return failed ? 1 : 0;
      }),
    );
}
