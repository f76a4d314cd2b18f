import { gzipSync } from 'node:zlib';

/** A file that cloud-init writes: `write_files`. */
export interface CloudFile {
  readonly path: string;
  /** Octal, such as `0600`. */
  readonly permissions: string;
  /** Printable ASCII; ends with a line break. */
  readonly content: string;
  /** Compressed on its way: for long texts that nobody needs to read before they are on the machine. */
  readonly packed?: boolean;
}

export interface CloudConfig {
  readonly files: readonly CloudFile[];
  /** Commands of every boot, early: argument lists. */
  readonly bootcmd: readonly (readonly string[])[];
  /** Commands of the first boot, late. */
  readonly runcmd: readonly (readonly string[])[];
}

/**
 * Renders `#cloud-config` user data. Files are literal blocks, so that they can be read on a machine as they are; everything else is
 * JSON, which is YAML. No YAML library: this is part of the functions, where 100 kB count. Throws `RangeError` for text that a literal block
 * cannot hold.
 */
export function renderCloudConfig(config: CloudConfig): string {
  return [
    '#cloud-config',
    // Upgrading while booting costs minutes and may restart docker under a job.
    'package_update: false',
    'package_upgrade: false',
    'ssh_pwauth: false',
    'write_files:',
    ...config.files.map(renderFile),
    ...renderCommands('bootcmd', config.bootcmd),
    ...renderCommands('runcmd', config.runcmd),
    '',
  ].join('\n');
}

function renderFile({ path, permissions, content, packed = false }: CloudFile): string {
  if (!/^[\x20-\x7e\n]*\n$/.test(content) || /^[ \n]/.test(content)) {
    throw new RangeError(`${path}: only printable ASCII that begins with a letter and ends with a line break can be written`);
  }
  const head = [`  - path: ${JSON.stringify(path)}`, `    permissions: ${JSON.stringify(permissions)}`];
  if (packed) return [...head, '    encoding: gz+b64', `    content: ${gzipSync(content, { level: 9 }).toString('base64')}`].join('\n');
  const lines = content
    .slice(0, -1)
    .split('\n')
    .map((line) => (line === '' ? '' : `      ${line}`));
  // `|` keeps exactly one line break at the end.
  if (lines.at(-1) === '') throw new RangeError(`${path}: ends with more than one line break`);
  return [...head, '    content: |', ...lines].join('\n');
}

function renderCommands(key: string, commands: readonly (readonly string[])[]): readonly string[] {
  // cloud-init refuses a key without a value, and an empty list as well.
  if (commands.length === 0) return [];
  return [`${key}:`, ...commands.map((command) => `  - ${JSON.stringify(command)}`)];
}
