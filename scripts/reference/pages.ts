import { program } from '../../cli/program.ts';
import { commandsPage } from './commands-page.ts';
import type { FileReference } from './describe.ts';
import { COMMAND_NOTES } from './describe-commands.ts';
import { SCALER_YML } from './describe-scaler-yml.ts';
import { SERVERLESS_YML } from './describe-serverless-yml.ts';
import { editorSchema } from './editor-schema.ts';
import { filePage } from './file-page.ts';

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Every file that people write and that a schema of ours checks. */
const FILES: readonly FileReference[] = [SCALER_YML, SERVERLESS_YML];

/** All that is written from the code. Throws an `Error` that says which description is missing or too many. */
export function referencePages(): readonly Page[] {
  return [
    ...FILES.flatMap((file) => [
      { path: `docs/reference/${file.page}`, text: filePage(file) },
      ...(file.schema === undefined ? [] : [{ path: `docs/reference/${file.schema}`, text: editorSchema(file) }]),
    ]),
    { path: 'docs/reference/commands.md', text: commandsPage(program, COMMAND_NOTES) },
  ];
}
