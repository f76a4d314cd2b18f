import type { Command } from '@commander-js/extra-typings';
import { systemClock } from '../../lib/runtime/clock.ts';
import { readPageFiles } from '../dashboard/assets.ts';
import { networksOf, publish, unpublish } from '../dashboard/publish.ts';
import { loadConfig, openSite, openStore, UserError } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';

/** How long a bucket policy may take to come into force. */
const PATIENCE_MS = 30_000;

type Run = (json: boolean | undefined, command: (output: Output) => Promise<number>) => Promise<void>;

/** `scaler dashboard …` */
export function registerDashboard(program: Command<[], { config: string }>, run: Run): void {
  const dashboard = program.command('dashboard').description('the page that shows the counts, in the bucket itself');

  dashboard
    .command('publish')
    .description('put the page into the bucket, and let others read it and the counts')
    .option('--public', 'everybody may read')
    .option('--allow-from <networks...>', 'only these networks may, such as 203.0.113.0/24')
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'for programs')
    .action(({ public: everybody, allowFrom, dryRun, json }) =>
      run(json, async (output) => {
        const networks = networksOf(everybody ?? false, allowFrom);
        const page = readPageFiles();
        if (!page) throw new UserError('The dashboard has not been built: npm run build.');
        const config = loadConfig(program.opts().config);
        const bucket = { site: openSite(config), store: openStore(config), clock: systemClock };
        return await publish(bucket, page, { ...(networks && { networks }), dryRun: dryRun ?? false, patienceMs: PATIENCE_MS }, output);
      }),
    );

  dashboard
    .command('remove')
    .description('take the page out of the bucket and close it to others; the counts stay')
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'for programs')
    .action(({ dryRun, json }) =>
      run(json, async (output) => {
        const config = loadConfig(program.opts().config);
        const bucket = { site: openSite(config), store: openStore(config), clock: systemClock };
        return await unpublish(bucket, { dryRun: dryRun ?? false }, output);
      }),
    );
}
