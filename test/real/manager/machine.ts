import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { managerFiles } from '../../../cloud-init/manager/manager.ts';
import type { ManagerSettings } from '../../../lib/config/types.ts';
import { MANAGER } from '../../../testkit/settings.ts';

export const DAY = 86_400;

/** A manager with two pools' subnets and nothing optional. */
const SETTINGS: ManagerSettings = {
  ...MANAGER,
  clients: [
    { subnet: '10.0.1.0/24', access: 'rw' },
    { subnet: '10.0.2.0/24', access: 'ro' },
  ],
};

const LIB = '/usr/local/lib/gl-cache';
/** Folders that the setup script makes. */
const FOLDERS = [
  ...['/cache/downloads', '/cache/sstate', '/cache/git', '/cache/.trash', '/var/lib/gl-mirror'],
  ...['/var/lib/gl-cache/mirrors', '/var/lib/gl-cache/prune', '/proc/fs/nfsd', '/bin', '/dev', '/tmp'],
];

const machines: ManagerMachine[] = [];
afterEach(() => {
  for (const made of machines.splice(0)) made.remove();
});

const places = new Map<string, string>();
/** Where a command of this machine is; looked up once. */
function placeOf(command: string): string {
  const place = places.get(command) ?? execFileSync('/bin/sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim();
  places.set(command, place);
  return place;
}

/** The manager's files below a temporary folder, until the end of the test. No absolute path of its programs reaches the machine that the tests run on. */
export class ManagerMachine {
  readonly root = mkdtempSync(join(tmpdir(), 'manager-'));

  constructor(settings: Partial<ManagerSettings> = {}) {
    machines.push(this);
    for (const folder of FOLDERS) mkdirSync(this.path(folder), { recursive: true });
    for (const { path, permissions, content } of managerFiles({ ...SETTINGS, ...settings })) {
      this.write(path, this.#below(content));
      chmodSync(this.path(path), Number.parseInt(permissions, 8));
    }
  }

  /** Runs one of the programs in Python; `patch` is Python that is run before its `main`, with the program as `it`. */
  program(name: string, call: string, patch = '') {
    const { status, stdout, stderr } = spawnSync('python3', ['-c', this.#driver(name, call, patch)], {
      encoding: 'utf8',
      env: this.#environment(),
      timeout: 60_000,
    });
    return { status, stdout, stderr };
  }

  /** The same without blocking the servers that run in this process. */
  async asyncProgram(name: string, call: string): Promise<{ readonly status: number | null; readonly stdout: string }> {
    const child = spawn('python3', ['-c', this.#driver(name, call, '')], { env: this.#environment() });
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stdout += chunk));
    return new Promise((resolve) => child.once('close', (status) => resolve({ status, stdout })));
  }

  /** Runs a shell script with stand-ins for what touches the machine, and the real commands named. All calls of stand-ins are kept. */
  script(name: string, standIns: Readonly<Record<string, string>>, real: readonly string[]) {
    for (const command of real) {
      if (existsSync(this.path(`/bin/${command}`))) rmSync(this.path(`/bin/${command}`));
      symlinkSync(placeOf(command), this.path(`/bin/${command}`));
    }
    for (const [command, body] of Object.entries(standIns)) {
      // Never through a link to the real one of an earlier call.
      rmSync(this.path(`/bin/${command}`), { force: true });
      const record = `printf '%s\\n' "${command} $*" >> ${this.root}/calls\n`;
      this.write(`/bin/${command}`, `#!/bin/sh\n${command === 'cut' ? '' : record}${body.replaceAll('ROOT', this.root)}\n`);
      chmodSync(this.path(`/bin/${command}`), 0o755);
    }
    const { status, stdout, stderr } = spawnSync('/bin/sh', [this.path(`${LIB}/${name}`)], {
      encoding: 'utf8',
      env: { PATH: this.path('/bin'), LC_ALL: 'C' },
      timeout: 30_000,
    });
    return { status, stdout, stderr, phases: [...stdout.matchAll(/phase=(\S+(?: reason=\S+)?)/g)].map((m) => m[1]) };
  }

  calls(command: string): readonly string[] {
    const all = existsSync(this.path('/calls')) ? this.read('/calls').split('\n') : [];
    return all.filter((call) => call === command || call.startsWith(`${command} `)).map((call) => call.replaceAll(this.root, ''));
  }

  path(path: string): string {
    return join(this.root, path);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  json(path: string) {
    return JSON.parse(this.read(path));
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), content);
  }

  /** Keeps it beyond this test: the file's `afterAll` removes it. */
  keep(): this {
    machines.splice(machines.indexOf(this), 1);
    return this;
  }

  remove(): void {
    try {
      rmSync(this.root, { recursive: true, force: true });
    } catch {
      // Some tests leave folders that nobody but root can write.
      spawnSync('chmod', ['-R', 'u+rwX', this.root]);
      rmSync(this.root, { recursive: true, force: true });
    }
  }

  #driver(name: string, call: string, patch: string): string {
    return [
      `import os, sys`,
      `sys.path.insert(0, ${JSON.stringify(this.path(LIB))})`,
      `import gl_common`,
      `import ${name} as it`,
      patch,
      call,
    ].join('\n');
  }

  #environment(): Record<string, string> {
    return { PATH: `${this.path('/bin')}:${process.env.PATH ?? ''}`, PYTHONDONTWRITEBYTECODE: '1', LC_ALL: 'C.UTF-8' };
  }

  #below(content: string): string {
    return content.replaceAll(/(?<![\w.:/])\/(?=(?:etc|var|usr|dev|cache|run|proc\/fs)\b)/g, `${this.root}/`);
  }
}
