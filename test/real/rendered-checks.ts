import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import * as z from 'zod';

/*
 * What cloud-init, systemd, shellcheck and nft of Debian say to rendered user data. Each check gives the complaints, none when all is well.
 */

/** Every top-level key that our user data uses (cloud-init: module reference). cloud-init itself lets unknown ones pass in silence. */
const KEYS = ['bootcmd', 'package_update', 'package_upgrade', 'runcmd', 'ssh_pwauth', 'write_files'];

export interface RenderedFile {
  readonly path: string;
  readonly permissions: string;
  readonly content: string;
}

const Command = z.union([z.string(), z.array(z.string())]);
const UserData = z.object({
  write_files: z.array(
    z.object({ path: z.string(), permissions: z.string(), content: z.string(), encoding: z.literal('gz+b64').optional() }),
  ),
  bootcmd: z.array(Command).nullish(),
  runcmd: z.array(Command).nullish(),
});

/** The cloud-config in user data of any form, taken out by cloud-init itself (cloud-init: user_data.py), with Debian's Python, which has it. */
export function cloudConfigIn(userData: string): string {
  const program = [
    'import sys',
    'from cloudinit import helpers, user_data',
    'message = user_data.UserDataProcessor(helpers.Paths({})).process(sys.stdin.read())',
    '[part] = [part for part in message.walk() if not part.is_multipart()]',
    'assert part.get_content_type() == "text/cloud-config", part.get_content_type()',
    'sys.stdout.buffer.write(part.get_payload(decode=True))',
  ].join('\n');
  const { status, stdout, output } = run('/usr/bin/python3', ['-c', program], userData);
  if (status !== 0) throw new Error(`cloud-init cannot read it: ${output}`);
  return stdout;
}

export function filesOf(cloudConfig: string): readonly RenderedFile[] {
  return UserData.parse(parse(cloudConfig)).write_files.map(({ path, permissions, content, encoding }) => ({
    path,
    permissions,
    content: encoding ? gunzipSync(Buffer.from(content, 'base64')).toString() : content,
  }));
}

export function unknownKeys(userData: string): readonly string[] {
  const keys = Object.keys(z.record(z.string(), z.unknown()).parse(parse(userData)));
  return keys.filter((key) => !KEYS.includes(key)).map((key) => `unknown top-level key ${key}`);
}

export function schemaComplaints(userData: string): readonly string[] {
  return inFolder((folder) => {
    const file = write(folder, { path: '/user-data', permissions: '0600', content: userData });
    const { status, output } = run('cloud-init', ['schema', '--config-file', file]);
    // Deprecations are said with exit code 0.
    return status === 0 && /^Valid cloud-config: \S+\n?$/.test(output) ? [] : lines(output);
  });
}

/**
 * systemd's own reading of all units, in a root of their own with the distribution's units beside them: an unknown key or a value that cannot be
 * read is only a line of output there, with exit code 0. `programs` are those that packages bring.
 */
export function unitComplaints(files: readonly RenderedFile[], programs: readonly string[] = []): readonly string[] {
  const names = unitNames(files);
  if (names.length === 0) return ['no units'];
  return inFolder((folder) => {
    cpSync('/usr/lib/systemd/system', join(folder, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
    for (const file of files) write(folder, file);
    write(folder, PACKAGED);
    for (const path of programs) write(folder, { path, permissions: '0755', content: '#!/bin/sh\n' });
    // Whatever is only added to comes with a package that need not be installed here.
    for (const name of names) write(folder, { path: `/etc/systemd/system/${name}`, permissions: '0644', content: ADDED_TO });
    const { status, output } = run('systemd-analyze', ['verify', '--man=no', `--root=${folder}`, ...names]);
    return status === 0 ? lines(output) : [`exit code ${status}`, ...lines(output)];
  });
}

const PACKAGED = { path: '/usr/bin/packaged', permissions: '0755', content: '#!/bin/sh\n' };
const ADDED_TO = `[Unit]\nDescription=Of a package\n[Service]\nExecStart=${PACKAGED.path}\n`;

/** Units, and those to whom a drop-in is added. */
function unitNames(files: readonly RenderedFile[]): readonly string[] {
  const name = /^\/etc\/systemd\/system\/([^/]+\.(?:service|timer|mount|path|socket|target))(?:\.d\/[^/]+\.conf)?$/;
  return [...new Set(files.flatMap(({ path }) => name.exec(path)?.[1] ?? []))];
}

/** shellcheck with what each script sources; the shell of commands in the user data itself, too. */
export function shellComplaints(userData: string): readonly string[] {
  return inFolder((folder) => {
    const files = filesOf(userData);
    const inline = inlineShell(userData).map((content, i) => ({
      path: `/inline/${i}`,
      permissions: '0755',
      content: `#!/bin/sh\n${content}\n`,
    }));
    const written = [...files, ...inline].map((file) =>
      write(folder, { ...file, content: file.content.replaceAll(/^(\s*\. |.*[;&] \. |\. )(?=\/)/gm, `$1${folder}`) }),
    );
    const scripts = [...files, ...inline].flatMap((file, i) => (/^#!\/bin\/sh\n/.test(file.content) ? [written[i] ?? ''] : []));
    if (scripts.length === 0) return ['no scripts'];
    const { status, output } = run('shellcheck', ['-s', 'sh', '-x', '-a', '-f', 'gcc', ...scripts]);
    // Not every script uses every setting.
    const complaints = lines(output).filter((line) => !/\.env:\d+:\d+: .*\[SC2034\]$/.test(line));
    return status === 0 || status === 1 ? [...new Set(complaints)] : [`exit code ${status}`, ...complaints];
  });
}

/** What `sh -c` is given in bootcmd and runcmd. */
function inlineShell(userData: string): readonly string[] {
  const { bootcmd, runcmd } = UserData.parse(parse(userData));
  return [...(bootcmd ?? []), ...(runcmd ?? [])].flatMap((command) =>
    typeof command === 'string' ? [command] : command[0] === 'sh' && command[1] === '-c' ? [command[2] ?? ''] : [],
  );
}

/** The rule sets of a machine, one a program: files of nft, and what scripts give it as here-documents, in their order. */
export function rulesOf(files: readonly RenderedFile[]): readonly string[] {
  return files.flatMap(({ path, content }) => {
    if (path.endsWith('.nft') || content.startsWith('#!/usr/sbin/nft')) return [content];
    const here = [...content.matchAll(/<<'RULES'.*\n([\s\S]*?\n)RULES\n/g)].map((match) => match[1] ?? '');
    return here.length > 0 ? [here.join('')] : [];
  });
}

/** In a network namespace of its own: what the machine has already must not matter. */
export function rulesComplaints(files: readonly RenderedFile[]): readonly string[] {
  const rules = rulesOf(files);
  if (rules.length === 0) return ['no rules'];
  return rules.flatMap((input) => {
    const { status, output } = run('unshare', ['--net', 'nft', '-c', '-f', '-'], input);
    return status === 0 ? lines(output) : [`exit code ${status}`, ...lines(output)];
  });
}

/** Programs in Python are only read. */
export function pythonComplaints(files: readonly RenderedFile[]): readonly string[] {
  return files
    .filter(({ path }) => path.endsWith('.py'))
    .flatMap(({ path, content }) => {
      const { status, output } = run('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], content);
      return status === 0 ? [] : [`${path}: ${output}`];
    });
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

/** Runs a program to its end. Throws when it is not installed. */
export function run(program: string, args: readonly string[], input = ''): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  if (error) throw new Error(`${program} cannot be run (${error.message}); these tests need Debian's packages, see .ci/run`);
  return { status, stdout, output: stdout + stderr };
}

function lines(output: string): readonly string[] {
  return output.split('\n').filter((line) => line.trim() !== '');
}

function write(folder: string, { path, permissions, content }: RenderedFile): string {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  if (!existsSync(target)) writeFileSync(target, content, { mode: Number.parseInt(permissions, 8) });
  return target;
}

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'rendered-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
