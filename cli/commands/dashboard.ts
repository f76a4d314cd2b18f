import { defined } from '../../lib/core/defined.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { readPageFiles } from '../dashboard/assets.ts';
import { networksOf, publish, unpublish } from '../dashboard/publish.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openStore, openWebsite, UserError } from '../shared/environment.ts';

/** How long a bucket policy may take to come into force. */
const PATIENCE_MS = 30_000;

/** `scaler dashboard …` */
export function register(program: Program, context: CommandContext): void {
  const dashboard = program.command('dashboard').description('the page that shows the counts, in the bucket itself');

  dashboard
    .command('publish')
    .description('put the page into the bucket, and let others read it and the counts')
    .option('--public', 'everybody may read')
    .option('--allow-from <networks...>', 'only these networks may, such as 203.0.113.0/24')
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'for programs')
    .action(({ public: everybody, allowFrom, dryRun, json }) =>
      context.run(json, async (output) => {
        const networks = networksOf(everybody ?? false, allowFrom);
        const page = readPageFiles();
        if (!page) throw new UserError('The dashboard has not been built: npm run build.');
        const config = context.load();
        const bucket = { website: openWebsite(config), store: openStore(config), clock: systemClock };
        return await publish(bucket, page, { ...defined({ networks }), dryRun: dryRun ?? false, patienceMs: PATIENCE_MS }, output);
      }),
    );

  dashboard
    .command('remove')
    .description('take the page out of the bucket and close it to others; the counts stay')
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'for programs')
    .action(({ dryRun, json }) =>
      context.run(json, async (output) => {
        const config = context.load();
        const bucket = { website: openWebsite(config), store: openStore(config), clock: systemClock };
        return await unpublish(bucket, { dryRun: dryRun ?? false }, output);
      }),
    );
}
