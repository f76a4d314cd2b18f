import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';

/**
 * The sandbox part of docs/tutorial.md, typed in as it stands: only its two files lie elsewhere and its ports are free ones. What the page shows as the answer
 * of a command must come in this order, whatever else comes; a command that only looks is repeated, as the page says, until it does.
 */
const root = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(root, 'docs/tutorial.md'), 'utf8');
const part = page.slice(page.indexOf('## In the sandbox'), page.indexOf('## On Open Telekom Cloud'));

interface Step {
  readonly line: number;
  readonly command: string;
  readonly answer: readonly string[];
}

const steps: readonly Step[] = [...part.matchAll(/```sh\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g)].map((found) => ({
  line: page.slice(0, page.indexOf(part) + found.index).split('\n').length,
  command: found[1] ?? '',
  answer: (found[2] ?? '').split('\n').filter((text) => text.trim() !== '' && text !== '…'),
}));

const isStaying = ({ command }: Step) => command.includes('stays open');
const isSetup = ({ command }: Step) => command.startsWith('# second shell');
const PATIENCE_MS = 120_000;

let dir: string;
const staying: ChildProcess[] = [];

beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'scaler-tutorial-'));
});
afterAll(() => {
  for (const { pid, exitCode, signalCode } of staying) {
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGTERM');
  }
  rmSync(dir, { recursive: true, force: true });
});

function moved(command: string): string {
  return command
    .replace(/(?:\.\/)?sandbox\.(yml|env)/g, (_, ending: string) => path.join(dir, `sandbox.${ending}`))
    .replace(' sandbox --boot', ' sandbox --port 0 --boot')
    .replace(' serve --every', ' serve --port 0 --dashboard-port 0 --every');
}

/** In a group of its own, because npm does not hand signals on. */
function shell(script: string): { child: ChildProcess; said: () => string; ended: Promise<void> } {
  const env = { PATH: process.env.PATH, HOME: dir, TZ: 'UTC' };
  const child = spawn('sh', ['-c', moved(script)], { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  return { child, said: () => said, ended: new Promise((resolve) => child.once('close', () => resolve())) };
}

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
/** What differs from one run to the next: times, worker names, ports, seconds, counts. */
const VARYING = new RegExp(
  [
    `(?<time>${TIME})`,
    String.raw`(?<minute>\d{4}-\d\d-\d\d \d\d:\d\d)`,
    String.raw`(?<clock>\b\d\d:\d\d:\d\d\b)`,
    '(?<worker>bitbake-01[a-z0-9]{24})',
    String.raw`(?<number>(?<=127\.0\.0\.1:)\d+|\b\d+(?= s after)|(?<=│ +)\d+(?= │))`,
  ].join('|'),
  'g',
);
const SHAPES: Readonly<Record<string, string>> = {
  time: TIME,
  minute: String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`,
  clock: String.raw`\d\d:\d\d:\d\d`,
  worker: 'bitbake-01[a-z0-9]{24}',
  number: String.raw`\d+`,
};

function pattern(line: string): string {
  let made = '';
  let at = 0;
  for (const found of line.matchAll(VARYING)) {
    const kind = Object.entries(found.groups ?? {}).find(([, value]) => value !== undefined)?.[0] ?? '';
    made += quoted(line.slice(at, found.index)) + SHAPES[kind];
    at = found.index + found[0].length;
  }
  return made + quoted(line.slice(at));
}

function quoted(text: string): string {
  return text.trim() === '' ? String.raw`\s*` : text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** The first line of the page that does not come, after those before it; `undefined` when all do. */
function missing(answer: readonly string[], said: string): string | undefined {
  let rest = said;
  for (const line of answer) {
    const found = new RegExp(pattern(line.trim())).exec(rest);
    if (!found) return line;
    rest = rest.slice(found.index + found[0].length);
  }
  return undefined;
}

async function stay(step: Step, until: number): Promise<void> {
  const { child, said, ended } = shell(step.command);
  staying.push(child);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (missing(step.answer, said()) !== undefined && !over && Date.now() < until) {
    await Promise.race([ended, new Promise((resolve) => child.stderr?.once('data', resolve))]);
  }
  expect(missing(step.answer, said()), `line ${step.line} of the page; it said:\n${said()}`).toBeUndefined();
}

async function answer(step: Step, setup: string, until: number): Promise<void> {
  for (;;) {
    const { said, ended } = shell(`${setup}\n${step.command}`);
    await ended;
    const lacks = missing(step.answer, said());
    if (lacks === undefined) return;
    // Only what looks may be said twice.
    const again = !step.command.includes('POST') && Date.now() < until;
    if (!again) expect.fail(`line ${step.line} of the page: no "${lacks}" in\n${said()}`);
    // As a person would, and the other tests have the processor meanwhile.
    await sleep(2_000);
  }
}

it('the tutorial says what comes', { timeout: 600_000 }, async () => {
  expect(steps.length).toBeGreaterThan(9);
  const setup = steps
    .filter(isSetup)
    .map(({ command }) => command)
    .join('\n');
  for (const step of steps) {
    const until = Date.now() + PATIENCE_MS;
    if (isStaying(step)) await stay(step, until);
    else if (!isSetup(step)) await answer(step, setup, until);
  }
});
