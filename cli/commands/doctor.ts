import { AREAS, type Area, type Finding, type Level } from '../../lib/app/doctor/findings.ts';
import { CHECK_NAMES, examine } from '../../lib/app/doctor/run.ts';
import type { DoctorServices, Subject } from '../../lib/app/doctor/types.ts';
import { counted } from '../../lib/core/plural.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { doctorServices, subjectOf } from '../doctor/adapters.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { environmentSecrets } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { type Colour, clean, paint } from '../shared/printable.ts';

export interface DoctorOutput extends Output {
  /** Shows how far it is, replacing what it showed before; an empty text ends it. Absent where there is no terminal. */
  readonly progress?: (text: string) => void;
  readonly colour: boolean;
}

/** What each part is called. */
const TITLES: Readonly<Record<Area, string>> = {
  configuration: 'Configuration',
  otc: 'OTC: keys and project',
  machines: 'Machines',
  network: 'Network',
  bucket: 'Bucket',
  gitlab: 'GitLab',
  functions: 'Functions',
  caches: 'Caches',
  clocks: 'Clocks',
};
const MARKS: Readonly<Record<Level, string>> = { ok: 'ok', warning: 'warning', error: 'ERROR', unknown: '?' };
const COLOURS: Readonly<Record<Level, Colour>> = { ok: 'good', warning: 'warning', error: 'bad', unknown: 'unknown' };
const ESCAPE = '\u001b';

/** Examines, tells, and gives the exit code: 1 when there is an error. */
export async function doctor(subject: Subject, services: DoctorServices, output: DoctorOutput, signal?: AbortSignal): Promise<number> {
  let done = 0;
  const found = await examine(subject, services, signal ? { signal } : {}, (name) => {
    done += 1;
    output.progress?.(`${done} of ${CHECK_NAMES.length}: ${name}`);
  });
  output.progress?.('');
  // Names and messages come from outside: nothing of them may move the cursor.
  const findings = clean(found);
  const errors = findings.filter(({ level }) => level === 'error').length;
  if (output.json) output.data(JSON.stringify({ ok: errors === 0, counts: countsOf(findings), findings }));
  else output.data(render(findings, output.colour));
  return errors > 0 ? 1 : 0;
}

function countsOf(findings: readonly Finding[]): Readonly<Record<Level, number>> {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  return { ok: count('ok'), warning: count('warning'), error: count('error'), unknown: count('unknown') };
}

function render(findings: readonly Finding[], colour: boolean): string {
  const blocks = AREAS.flatMap((area) => {
    const mine = findings.filter((finding) => finding.area === area);
    return mine.length === 0 ? [] : [[TITLES[area], ...mine.flatMap((finding) => renderFinding(finding, colour))].join('\n')];
  });
  const { ok, warning, error, unknown } = countsOf(findings);
  return [...blocks, `${counted(error, 'error')}, ${counted(warning, 'warning')}, ${unknown} not checked, ${ok} ok`].join('\n\n');
}

function renderFinding({ level, code, found, todo }: Finding, colour: boolean): readonly string[] {
  const mark = MARKS[level].padEnd(7);
  const painted = colour ? paint(COLOURS[level], mark) : mark;
  return [`  ${painted} ${code}: ${found}`, ...(todo === undefined ? [] : [`          → ${todo}`])];
}

export function register(program: Program, context: CommandContext): void {
  program
    .command('doctor')
    .description('compare the configuration with the live GitLab and OTC, and suggest what to do; changes nothing')
    .option('--probe', 'also test how the bucket appends: writes two small objects and deletes them')
    .option('--json', 'print JSON')
    .action(({ probe = false, json = false }) =>
      context.run(json, async (output) => {
        const config = context.load();
        const file = context.configFile();
        const services = doctorServices({ config, secrets: environmentSecrets(), clock: systemClock });
        const ended = new AbortController();
        const stop = () => ended.abort();
        process.once('SIGINT', stop);
        try {
          return await doctor(subjectOf(config, { file, probe }), services, { ...output, ...terminal(json) }, ended.signal);
        } finally {
          process.removeListener('SIGINT', stop);
        }
      }),
    );
}

function terminal(json: boolean): Pick<DoctorOutput, 'progress' | 'colour'> {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined && !json;
  if (process.stderr.isTTY !== true) return { colour };
  return { colour, progress: (text) => void process.stderr.write(`\r${ESCAPE}[K${text}`) };
}
