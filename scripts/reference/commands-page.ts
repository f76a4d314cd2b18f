import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { CommandNote } from './describe-commands.ts';
import { GENERATED, table } from './markdown.ts';

const INTRODUCTION = `\`npm run scaler -- COMMAND\`, or \`dist/scaler.cjs COMMAND\` after \`npm run build\`. \`--help\` after any command shows its options.

Exit codes, unless stated otherwise: **0** success; **1** something failed; **2** a mistake in the call or in the configuration.
\`--json\` writes one JSON document to standard output; messages go to standard error.`;

/** The page of all commands. Throws when a note is about a command that does not exist. */
export function commandsPage(program: CommandUnknownOpts, notes: Readonly<Record<string, CommandNote>>): string {
  const commands = leavesOf(program);
  const unknown = Object.keys(notes).filter((name) => !commands.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`there are notes about commands that do not exist: ${unknown.join(', ')}`);
  const overview = table(
    ['command', 'purpose'],
    commands.map(({ name, command }) => [`[\`${name}\`](#scaler-${name.replaceAll(' ', '-')})`, command.description()]),
  );
  const general = [
    '## Options of all commands',
    'They can be given before or after the command: `scaler --config other.yml check`.',
    optionsOf(program),
  ];
  const each = commands.map(({ name, command }) => render(name, command, notes[name] ?? {}));
  return `${[GENERATED, '# Reference: commands', INTRODUCTION, overview, ...general, ...each].join('\n\n')}\n`;
}

/** Commands that do something, with the words that call them. */
function leavesOf(program: CommandUnknownOpts, before = ''): readonly { readonly name: string; readonly command: CommandUnknownOpts }[] {
  return visible(program).flatMap((command) => {
    const name = `${before}${command.name()}`;
    return visible(command).length > 0 ? leavesOf(command, `${name} `) : [{ name, command }];
  });
}

function visible(command: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
}

function render(name: string, command: CommandUnknownOpts, { one, needs, page }: CommandNote): string {
  const usage = ['scaler', name, command.usage()].join(' ');
  const facts = [
    ...(needs === undefined ? [] : [`* In the environment: ${needs}.`]),
    ...(one === undefined ? [] : [`* Exit code 1 also means: ${one}.`]),
    ...(page === undefined ? [] : [`* More: [${page}](../${page}).`]),
  ].join('\n');
  const parts = [
    `## \`scaler ${name}\``,
    `${sentence(command.description())}`,
    `\`\`\`\n${usage}\n\`\`\``,
    argumentsOf(command),
    optionsOf(command),
    facts,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function argumentsOf(command: CommandUnknownOpts): string {
  const rows = command.registeredArguments.map((one) => [
    `\`${one.name()}\``,
    one.description,
    one.required ? 'required' : shown(one.defaultValue, one.defaultValueDescription) || 'none',
  ]);
  return rows.length === 0 ? '' : table(['argument', 'meaning', 'default'], rows);
}

function optionsOf(command: CommandUnknownOpts): string {
  const options = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help');
  if (options.length === 0) return '';
  const rows = options.map((option) => {
    const choices = option.argChoices ? `; one of ${option.argChoices.map((choice) => `\`${choice}\``).join(', ')}` : '';
    return [
      `\`${option.flags}\``,
      `${option.description}${choices}`,
      option.negate ? '' : shown(option.defaultValue, option.defaultValueDescription),
    ];
  });
  return table(['option', 'meaning', 'default'], rows);
}

function shown(value: unknown, description: string | undefined): string {
  if (description !== undefined) return description;
  return value === undefined || typeof value === 'boolean' ? '' : `\`${String(value)}\``;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
