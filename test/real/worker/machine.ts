import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { renderRunnerConfig, renderWorkerUserData, type WorkerUserDataInput } from '../../../cloud-init/worker/worker.ts';
import { CACHE, WORKER } from '../../../testkit/settings.ts';
import { parseUserData } from '../../../testkit/user-data.ts';

/** Stand-ins by command, as shell text; `undefined` where the machine lacks the command. `ROOT` is the machine's folder. */
export type StandIns = Readonly<Record<string, string | undefined>>;

const LIB = '/usr/local/lib/gl-scaler';
const FOLDERS = ['/dev', '/bin', '/tmp', '/run', '/home/gitlab-runner'];
/** Every command that the scripts use and that is harmless with paths below a folder of our own. */
const REAL = execFileSync(
  '/bin/sh',
  [
    '-c',
    'for name; do command -v "$name"; done',
    'sh',
    ...['cat', 'chmod', 'cmp', 'grep', 'mkdir', 'mktemp', 'mv', 'rm', 'sed', 'sh', 'tail', 'tr'],
  ],
  { encoding: 'utf8' },
)
  .trim()
  .split('\n');
/** What the scripts call most. For them these are functions, without a process each. */
const FUNCTIONS = ['cut', 'sleep', 'systemctl'];

const cached: WorkerUserDataInput = { ...WORKER, cache: CACHE };
export const CONFIG_TOML = renderRunnerConfig({
  workerName: cached.workerName,
  gitlabUrl: 'https://gitlab.example.com',
  token: 'glrt-x',
  runnerId: 1,
  runner: cached.runner,
});

/** The phases of its setup, after `setup` and the packages that were missing. */
export const READY = ['runner-version', 'metadata-blocked', 'mounted', 'docker-ready', 'handoff', 'ready'];

/** A machine on which everything works: all packages are there, the share mounts, the handoff comes. */
const HEALTHY: StandIns = {
  'systemd-machine-id-setup': '',
  systemctl: 'case "$*" in *is-active*) exit 3;; esac',
  nft: 'cat >> ROOT/run/rules',
  'mount.nfs4': '',
  dockerd: '',
  docker: '',
  'gitlab-runner': '',
  timeout: 'shift 3; exec "$@"',
  mountpoint: 'test -e ROOT/run/mounted',
  mount: ': > ROOT/run/mounted',
  umount: '',
  curl: `while [ "$1" != --output ]; do shift; done; cat > "$2" <<'EOF'\n${CONFIG_TOML}EOF`,
  'apt-get': '',
  bash: '',
  id: 'echo 1000',
  chown: '',
  useradd: '',
  setpriv: '',
  poweroff: '',
};

const machines: WorkerMachine[] = [];
afterAll(() => {
  for (const made of machines.splice(0)) made.remove();
});

/** A healthy machine but for `change`. Its worker has caches, unless `own` says otherwise. Removed when the file's tests are over. */
export function machine(change: StandIns = {}, own: Partial<WorkerUserDataInput> = {}): WorkerMachine {
  return new WorkerMachine({ ...cached, ...own }, { ...HEALTHY, ...change });
}

/** The same of a worker without caches. */
export function machineWithoutCaches(change: StandIns = {}): WorkerMachine {
  return new WorkerMachine(WORKER, { ...HEALTHY, ...change });
}

/**
 * A worker's files below a temporary folder, with stand-ins for every command that touches the machine. All calls of stand-ins are kept, but those
 * of `cut` and `sleep`. The machine's uptime rises by 30 s whenever it is read.
 */
export class WorkerMachine {
  readonly root = mkdtempSync(join(tmpdir(), 'worker-'));

  constructor(input: WorkerUserDataInput, standIns: StandIns) {
    machines.push(this);
    for (const folder of FOLDERS) mkdirSync(this.path(folder), { recursive: true });
    for (const { path, permissions, content } of parseUserData(renderWorkerUserData(input)).write_files) {
      this.write(path, this.#below(content), Number.parseInt(permissions, 8));
    }
    for (const command of REAL) symlinkSync(command, this.path(`/bin/${command.split('/').at(-1)}`));
    this.write('/run/uptime', '0\n');
    const uptime = 'read -r n <ROOT/run/uptime; echo $((n + 30)) >ROOT/run/uptime; echo $((n + 30))';
    for (const [name, body] of Object.entries({ cut: uptime, sleep: '', ...standIns })) {
      if (body !== undefined) this.#standIn(name, body.replaceAll('ROOT', this.root));
    }
  }

  #standIn(name: string, body: string): void {
    const text = name === 'cut' || name === 'sleep' ? body : `printf '%s\\n' "${name} $*" >> ${this.root}/calls\n${body}`;
    this.write(`/bin/${name}`, `#!/bin/sh\n${text}\n`, 0o755);
    // In parentheses: neither its variables nor its `exit` are the script's.
    if (FUNCTIONS.includes(name)) appendFileSync(this.path(`${LIB}/common`), `${name}() (\nset +eu\n:\n${text}\n)\n`);
  }

  run(script: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    const { status, stdout, stderr } = spawnSync('/bin/sh', [this.path(`${LIB}/${script}`), ...args], {
      encoding: 'utf8',
      env: { PATH: this.path('/bin'), TMPDIR: this.path('/tmp'), ...env },
      timeout: 15_000,
    });
    return { status, stdout, stderr, phases: [...stdout.matchAll(/phase=(\S+(?: reason=\S+)?)/g)].map((m) => m[1]) };
  }

  calls(command: string): readonly string[] {
    const all = existsSync(this.path('/calls')) ? this.read('/calls').split('\n') : [];
    return all.filter((call) => call === command || call.startsWith(`${command} `));
  }

  path(path: string): string {
    return join(this.root, path);
  }

  mode(path: string): number {
    return statSync(this.path(path)).mode & 0o7777;
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  write(path: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), content);
    chmodSync(this.path(path), mode);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** No absolute path of the scripts may reach the machine that the tests run on, and none of its users. */
  #below(content: string): string {
    return content
      .replaceAll(/(?<![\w.:/])\/(?=(?:etc|var|usr|dev|cache|run)\b)/g, `${this.root}/`)
      .replaceAll('~gitlab-runner', `${this.root}/home/gitlab-runner`);
  }
}
