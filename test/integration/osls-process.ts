import { type ChildProcess, spawn } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { DeployBench } from './deploy-bench.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when it has said this. */
  said(text: string): Promise<void>;
}

/** osls in a process of its own, with the folder's serverless.yml and the repository's plugin. */
export class Osls {
  readonly #bench: DeployBench;

  constructor(bench: DeployBench) {
    this.#bench = bench;
    symlinkSync(join(ROOT, 'deploy'), join(bench.dir, 'deploy'));
    bench.writeServerless();
  }

  start(...args: readonly string[]): Running {
    const { dir, env } = this.#bench;
    const own = { PATH: process.env.PATH, HOME: dir, SLS_SCHEMA_CACHE_BASE_DIR: dir, CI: '1', NO_COLOR: '1' };
    const osls = join(ROOT, 'node_modules', 'osls', 'bin', 'serverless.js');
    const child = spawn(process.execPath, [osls, ...args], { cwd: dir, env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const text = { out: '', err: '' };
    const waiting = new Set<() => void>();
    const take = (stream: 'out' | 'err') => (chunk: Buffer) => {
      text[stream] += chunk.toString();
      for (const look of waiting) look();
    };
    child.stdout.on('data', take('out'));
    child.stderr.on('data', take('err'));
    const ended = new Promise<Ended>((resolve) => child.once('close', (code, signal) => resolve({ code, signal, ...text })));
    const said = (wanted: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (`${text.out}${text.err}`.includes(wanted)) resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`osls ended without saying "${wanted}":\n${text.out}${text.err}`)));
      });
    return { child, ended, said };
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.start(...args).ended;
  }
}
