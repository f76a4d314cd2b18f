import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import * as z from 'zod';

const CloudConfig = z.strictObject({
  package_update: z.literal(false),
  package_upgrade: z.literal(false),
  ssh_pwauth: z.literal(false),
  write_files: z.array(
    z.union([
      z.strictObject({ path: z.string(), permissions: z.string(), content: z.string() }),
      z
        .strictObject({ path: z.string(), permissions: z.string(), encoding: z.literal('gz+b64'), content: z.base64() })
        .transform(({ path, permissions, content }) => ({
          path,
          permissions,
          content: gunzipSync(Buffer.from(content, 'base64')).toString(),
        })),
    ]),
  ),
  bootcmd: z.array(z.array(z.string())).default([]),
  runcmd: z.array(z.array(z.string())).default([]),
});

export function parseUserData(text: string): z.infer<typeof CloudConfig> {
  return CloudConfig.parse(parse(text));
}

export function fileIn(text: string, path: string): string {
  const file = parseUserData(text).write_files.find((f) => f.path === path);
  if (!file) throw new Error(`${path} is not written`);
  return file.content;
}

/** Every command that the scripts use and that is harmless with paths below a folder of our own. */
const REAL = ['cat', 'chmod', 'cmp', 'grep', 'mkdir', 'mktemp', 'mv', 'rm', 'sed', 'sh', 'tail', 'tr'];

/**
 * A worker's files below a temporary folder, with stand-ins for every command that touches the machine. A stand-in is a shell text; all of
 * them append their call to `calls`. The machine's uptime rises by 30 s whenever it is read.
 */
export class FakeMachine {
  readonly root = mkdtempSync(join(tmpdir(), 'worker-'));

  constructor(userData: string, commands: Readonly<Record<string, string>>) {
    for (const { path, permissions, content } of parseUserData(userData).write_files) {
      this.write(path, this.#below(content));
      chmodSync(this.#path(path), Number.parseInt(permissions, 8));
    }
    for (const folder of ['/dev', '/bin', '/tmp', '/run', '/home/gitlab-runner']) mkdirSync(this.#path(folder), { recursive: true });
    for (const command of REAL) {
      symlinkSync(execFileSync('/bin/sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim(), this.#path(`/bin/${command}`));
    }
    const uptime = `n=$(cat ${this.root}/run/uptime 2>/dev/null || echo 0); n=$((n + 30)); echo "$n" > ${this.root}/run/uptime; echo "$n"`;
    for (const [name, body] of Object.entries({ cut: uptime, sleep: '', ...commands })) {
      const record = name === 'cut' ? '' : `printf '%s\\n' "${name} $*" >> ${this.root}/calls\n`;
      this.write(`/bin/${name}`, `#!/bin/sh\n${record}${body.replaceAll('ROOT', this.root)}\n`);
      chmodSync(this.#path(`/bin/${name}`), 0o755);
    }
  }

  run(script: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    const { status, stdout, stderr } = spawnSync('/bin/sh', [this.#path(`/usr/local/lib/gl-scaler/${script}`), ...args], {
      encoding: 'utf8',
      env: { PATH: this.#path('/bin'), TMPDIR: this.#path('/tmp'), ...env },
      timeout: 15_000,
    });
    return { status, stdout, stderr, phases: [...stdout.matchAll(/phase=(\S+(?: reason=\S+)?)/g)].map((m) => m[1]) };
  }

  calls(command: string): readonly string[] {
    const all = existsSync(this.#path('/calls')) ? this.read('/calls').split('\n') : [];
    return all.filter((call) => call === command || call.startsWith(`${command} `));
  }

  read(path: string): string {
    return readFileSync(this.#path(path), 'utf8');
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(this.#path(path)), { recursive: true });
    writeFileSync(this.#path(path), content);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #path(path: string): string {
    return join(this.root, path);
  }

  /** No absolute path of the scripts may reach the machine that the tests run on, and none of its users. */
  #below(content: string): string {
    return content
      .replaceAll(/(?<![\w.:/])\/(?=(?:etc|var|usr|dev|cache|run)\b)/g, `${this.root}/`)
      .replaceAll('~gitlab-runner', `${this.root}/home/gitlab-runner`);
  }
}
