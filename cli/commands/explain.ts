import { type Explanation, type ExplanationLine, explainJob, explainWorker, isUnsettled } from '../../lib/app/ledger/explain.ts';
import { readLedger } from '../../lib/app/ledger/read.ts';
import type { Services } from '../../lib/app/services.ts';
import { describeError } from '../../lib/core/errors.ts';
import { counted } from '../../lib/core/plural.ts';
import { DAY } from '../../lib/core/time.ts';
import { atLeastOne, wholeNumber } from '../shared/arguments.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openServices, UserError } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { clean } from '../shared/printable.ts';
import { bootSoFar } from './console.ts';

/** Tells from the ledger what was decided about a job or a worker; of a worker that still boots also what its console shows. Gives the exit code. */
export async function explain(
  { store, cloud }: Pick<Services, 'store' | 'cloud'>,
  what: { readonly job: number } | { readonly worker: string },
  span: { readonly now: number; readonly days: number },
  output: Output,
): Promise<number> {
  const unread = (key: string, error: unknown) =>
    output.say(clean(`${key} cannot be read (${describeError(error).message}): its entries are missing below.`));
  const entries = await readLedger(store, span.now - (span.days - 1) * DAY, span.now, unread);
  const read = output.json ? entries : clean(entries);
  const story = 'job' in what ? explainJob(read, what.job) : explainWorker(read, what.worker);
  if (output.json) output.data(JSON.stringify(story.entries, undefined, 2));
  else {
    output.data(render(story, what, span.days, read));
    if ('worker' in what && isUnsettled(story)) output.data((await bootSoFar(cloud, what.worker)).join('\n'));
  }
  return story.entries.length === 0 ? 1 : 0;
}

function render(
  story: Explanation,
  what: { readonly job: number } | { readonly worker: string },
  days: number,
  entries: readonly { readonly worker?: string | undefined }[],
): string {
  if (story.lines.length > 0) return story.lines.flatMap(renderLine).join('\n');
  const subject = 'job' in what ? `job ${what.job}` : what.worker;
  return [
    `The ledger of the last ${days === 1 ? 'day' : counted(days, 'day')} does not mention ${subject}.`,
    'job' in what
      ? 'If the job still waits, either no pool can run it (tags, scope) or no reconcile has seen it yet. `scaler plan` shows the current state.'
      : `No worker of that name was launched or changed. Give the whole name, as \`scaler status\` shows it.${likely(what.worker, entries)}`,
    'To search further back: --days N.',
  ].join('\n');
}

/** The newest workers whose names have the text in them, or else the newest of all. */
function likely(text: string, entries: readonly { readonly worker?: string | undefined }[]): string {
  const names = [...new Set(entries.flatMap(({ worker }) => worker || []))].reverse();
  const alike = names.filter((name) => name.includes(text));
  const shown = (alike.length > 0 ? alike : names).slice(0, 3);
  return shown.length === 0 ? '' : ` The latest${alike.length > 0 ? ' similar names' : ' workers'}: ${shown.join(', ')}.`;
}

function renderLine({ time, text, details = [] }: ExplanationLine): readonly string[] {
  return [`${time}  ${text}`, ...details.map((line) => `    ${line}`)];
}

export function register(program: Program, context: CommandContext): void {
  program
    .command('explain')
    .description('explain from the ledger why a job waits or waited, or what was done to a worker')
    .option('--job <id>', 'id of a GitLab job', wholeNumber)
    .option('--worker <name>', 'name of a worker')
    .option('--days <number>', 'number of days to search', atLeastOne, 2)
    .option('--json', 'print the ledger entries as JSON')
    .action(({ job, worker, days, json }) =>
      context.run(json, async (output) => {
        if ((job === undefined) === (worker === undefined)) throw new UserError('Give either --job ID or --worker NAME.');
        const services = openServices(context.load());
        const what = job === undefined ? { worker: worker ?? '' } : { job };
        return await explain(services, what, { now: services.clock.now(), days }, output);
      }),
    );
}
