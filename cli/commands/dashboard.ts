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
  const dashboard = program.command('dashboard').description('the dashboard, a page in the bucket that shows the counts');

  dashboard
    .command('publish')
    .description('upload the page to the bucket, and let others read the page and the counts')
    .option('--public', 'allow everybody to read')
    .option('--allow-from <networks...>', 'allow only these networks to read, such as 203.0.113.0/24')
    .option('--dry-run', 'show what would be done, but change nothing')
    .option('--json', 'print JSON')
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
    .description('remove the page from the bucket and make the counts private again; the counts stay')
    .option('--dry-run', 'show what would be done, but change nothing')
    .option('--json', 'print JSON')
    .action(({ dryRun, json }) =>
      context.run(json, async (output) => {
        const config = context.load();
        const bucket = { website: openWebsite(config), store: openStore(config), clock: systemClock };
        return await unpublish(bucket, { dryRun: dryRun ?? false }, output);
      }),
    );
}
