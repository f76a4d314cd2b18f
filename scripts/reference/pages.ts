import { program } from '../../cli/program.ts';
import { commandsPage } from './commands-page.ts';
import { COMMAND_NOTES } from './describe-commands.ts';
import { editorSchema } from './editor-schema.ts';
import { filePage } from './file-page.ts';
import { type FileReference, SCALER_YML, SERVERLESS_YML } from './files.ts';

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Every file that people write and that a schema of ours checks. */
const FILES: readonly FileReference[] = [SCALER_YML, SERVERLESS_YML];

/** All that is written from the code. Throws an `Error` that names the keys without a description. */
export function referencePages(): readonly Page[] {
  return [
    ...FILES.flatMap((file) => [
      { path: `docs/reference/${file.page}`, text: filePage(file) },
      ...(file.editorSchema === undefined ? [] : [{ path: `docs/reference/${file.editorSchema}`, text: editorSchema(file) }]),
    ]),
    { path: 'docs/reference/commands.md', text: commandsPage(program, COMMAND_NOTES) },
  ];
}
