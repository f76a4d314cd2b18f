import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WORKER } from '../../../testkit/settings.ts';
import { WorkerMachine } from './machine.ts';

const HAD_JOB = 'echo "INFO[0009] This runner has processed its build limit, so now exiting" >&2';
const HAD_NONE = 'echo "INFO[0060] This runner has not received a job in 60 seconds, so now exiting" >&2';

/** docker's lists as files: what it has of a kind is a folder, and in each file stands what `inspect` says. */
const DOCKER = `d=ROOT/docker
case "$1 $2" in
  'info '*) echo /var/lib/docker ;;
  'ps '*) case "$*" in *exited*) /usr/bin/ls $d/stopped ;; *) /usr/bin/ls $d/stopped $d/running | /usr/bin/grep -v : ;; esac ;;
  'inspect '*) format=$3; shift 3; case $format in
    *Image*) for id; do echo "image-of-$id"; done ;;
    *) for id; do echo "$(cat $d/stopped/$id) $id"; done ;;
    esac ;;
  'rm --volumes') rm $d/stopped/$3 ;;
  'image ls') /usr/bin/ls $d/images ;;
  'volume ls') /usr/bin/ls $d/volumes ;;
  'image inspect' | 'volume inspect') kind=$1s; shift 4; for id; do echo "$(cat $d/$kind/$id) $id"; done ;;
  'image rm') rm $d/images/$4 ;;
  'volume rm') rm $d/volumes/$3 ;;
  *) exit 1 ;;
esac`;

/** 10 GiB, of which everything that docker has and every build folder takes one. */
const DF = `n=$(/usr/bin/find ROOT/docker -type f | /usr/bin/wc -l); b=$(/usr/bin/find ROOT/home/gitlab-runner -name .git | /usr/bin/wc -l)
echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'
echo "/dev/vda1 99999999 1 $(((10 - n - b) * 1048576)) 1% /"
echo '/dev/vdb1 99999999 1 88888888 1% /var/lib/docker'`;

interface Had {
  readonly stopped?: Readonly<Record<string, string>>;
  readonly running?: readonly string[];
  readonly images?: Readonly<Record<string, string>>;
  readonly volumes?: Readonly<Record<string, string>>;
}

/** `runner` is what each gitlab-runner does; `ROOT/run/n` counts them. */
function worker(runner: string, had: Had = {}, change: Readonly<Record<string, string>> = {}): WorkerMachine {
  const vm = new WorkerMachine(WORKER, {
    python3: 'exec /usr/bin/python3 "$@"',
    'gitlab-runner': `n=$(($(cat ROOT/run/n 2>/dev/null || echo 0) + 1)); echo $n > ROOT/run/n\n${runner}`,
    docker: DOCKER,
    df: DF,
    setpriv: 'shift 3; exec "$@"',
    id: 'echo 0',
    ...change,
  });
  for (const kind of ['stopped', 'running', 'images', 'volumes']) mkdirSync(join(vm.root, 'docker', kind), { recursive: true });
  for (const [kind, entries] of Object.entries({ ...had, running: Object.fromEntries((had.running ?? []).map((id) => [id, ''])) })) {
    for (const [id, when] of Object.entries(entries ?? {})) vm.write(`/docker/${kind}/${id}`, when);
  }
  return vm;
}

function jobs(vm: WorkerMachine, options: readonly string[] = [], bounds = { builds: 0, free: 5, prune: 'all' }) {
  const given = ['--runner', 'w-1', '--min-free', String(bounds.free), '--prune', bounds.prune, '--max-builds', String(bounds.builds)];
  const args = [join(vm.root, 'usr/local/lib/gl-scaler/jobs.py'), ...given, '--wait-timeout', '60', ...options];
  const child = spawn('/usr/bin/python3', args, {
    cwd: join(vm.root, 'home/gitlab-runner'),
    env: { PATH: join(vm.root, 'bin'), LC_ALL: 'C.UTF-8' },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = new Promise<{ status: number | null; output: string }>((resolve) =>
    child.once('close', (status) => resolve({ status, output })),
  );
  return { child, ended, output: () => output };
}

const reason = (vm: WorkerMachine) => (existsSync(join(vm.root, 'run/gl-scaler.reason')) ? vm.read('/run/gl-scaler.reason') : '');
const left = (vm: WorkerMachine) => ['stopped', 'images', 'volumes'].flatMap((kind) => readdirSync(join(vm.root, 'docker', kind)));
const times = (n: number, then = HAD_NONE) => `if [ "$n" -le ${n} ]; then ${HAD_JOB}; else ${then}; fi`;

describe('jobs', () => {
  it('are taken one by one, until there is none for the wait timeout', async () => {
    const vm = worker(times(3));
    const { status, output } = await jobs(vm).ended;
    expect(status).toBe(0);
    expect(output).toContain('has not received a job in 60 seconds');
    expect(vm.calls('gitlab-runner')).toHaveLength(4);
    expect(new Set(vm.calls('gitlab-runner'))).toEqual(
      new Set([`gitlab-runner run-single --config ${vm.root}/etc/gitlab-runner/config.toml --runner w-1 --max-builds 1 --wait-timeout 60`]),
    );
  });

  it('are as many as max_builds allows', async () => {
    const vm = worker(HAD_JOB);
    expect((await jobs(vm, [], { builds: 3, free: 5, prune: 'all' }).ended).status).toBe(0);
    expect(vm.calls('gitlab-runner')).toHaveLength(3);
  });

  it.each([
    ['fails', `${HAD_JOB}; exit 3`, 3],
    ['is killed', `${HAD_JOB}; kill -9 $$`, 137],
    ['says nothing of a job', 'exit 0', 0],
  ])('end with a gitlab-runner that %s', async (_name, runner, status) => {
    const vm = worker(runner);
    expect((await jobs(vm).ended).status).toBe(status);
    expect(vm.calls('gitlab-runner')).toHaveLength(1);
  });

  it('do not wait for a process that a job has left behind with the output in its hands', async () => {
    const vm = worker(`sleep 60 & ${HAD_NONE}`, {}, { sleep: 'exec /usr/bin/sleep 20' });
    const before = Date.now();
    // The process group's end: closed when the stream is.
    const { child } = jobs(vm);
    await new Promise((resolve) => child.once('exit', resolve));
    expect(Date.now() - before).toBeLessThan(15_000);
  });

  it.each([
    ['SIGQUIT', 0],
    ['SIGTERM', 7],
  ] as const)('%s reaches the gitlab-runner that is at work, and no other follows', async (signal, status) => {
    const traps = `trap 'echo got-quit; quit=1' QUIT; trap 'echo got-term; exit 7' TERM; echo at-work; while [ -z "\${quit-}" ]; do /usr/bin/sleep 0.1; done; ${HAD_JOB}`;
    const vm = worker(traps);
    const { child, ended, output } = jobs(vm);
    while (!output().includes('at-work')) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill(signal);
    expect(await ended).toMatchObject({ status, output: expect.stringContaining(signal === 'SIGQUIT' ? 'got-quit' : 'got-term') });
    expect(vm.calls('gitlab-runner')).toHaveLength(1);
  });

  it('are over at once when GitLab refuses the runner, without the 300 s that gitlab-runner would wait', async () => {
    const refused = 'echo "ERROR: Checking for jobs... forbidden                    runner=t3_abcdef status=403" >&2';
    const waits = `trap 'exit 0' TERM; ${refused}; i=0; while [ $i -lt 300 ]; do i=$((i + 1)); /usr/bin/sleep 0.1; done; exit 9`;
    const vm = worker(times(1, waits));
    expect((await jobs(vm).ended).status).toBe(0);
    expect(vm.calls('gitlab-runner')).toHaveLength(2);
    expect(reason(vm)).toBe('runner-refused');
  });

  it('are over when SIGQUIT comes between two of them', async () => {
    const vm = worker(HAD_JOB, {}, { df: 'echo looking >&2; /usr/bin/sleep 1; exit 1' });
    // What df says on its way is not shown, but the call is.
    const { child, ended } = jobs(vm);
    while (vm.calls('df').length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGQUIT');
    expect((await ended).status).toBe(0);
    expect(vm.calls('gitlab-runner')).toHaveLength(1);
    expect(reason(vm)).toBe('');
  });
});

describe('the disk between two jobs', () => {
  const had: Had = {
    stopped: { c2: '2026-01-02T00:00:00Z', c1: '2026-01-01T00:00:00Z' },
    images: { i3: '2026-01-03T00:00:00Z', i5: '2026-01-05T00:00:00Z' },
    volumes: { 'runner-abc-cache-4': '2026-01-04T00:00:00Z' },
  };

  it('is left alone while there is room', async () => {
    const vm = worker(times(2), had);
    await jobs(vm).ended;
    expect(left(vm)).toHaveLength(5);
    expect(vm.calls('gitlab-runner')).toHaveLength(3);
  });

  it.each([
    [6, ['c2', 'i3', 'i5', 'runner-abc-cache-4']],
    [7, ['i3', 'i5', 'runner-abc-cache-4']],
    [8, ['i5', 'runner-abc-cache-4']],
    [9, ['i5']],
  ])('is freed of the oldest until %i GiB are free, and the worker goes on', async (free, expected) => {
    const vm = worker(times(1), had);
    expect((await jobs(vm, [], { builds: 0, free, prune: 'all' }).ended).status).toBe(0);
    expect(left(vm)).toEqual(expected);
    expect(vm.calls('gitlab-runner')).toHaveLength(2);
    expect(reason(vm)).toBe('');
  });

  it('keeps what runs, the image of it, and volumes of others', async () => {
    const vm = worker(times(1), {
      running: ['agent'],
      images: { 'image-of-agent': '2026-01-01T00:00:00Z', other: '2026-01-01T00:00:00Z' },
      volumes: { database: '2026-01-01T00:00:00Z', ['0123456789abcdef'.repeat(4)]: '2026-01-01T00:00:00Z' },
    });
    await jobs(vm, [], { builds: 0, free: 9, prune: 'all' }).ended;
    expect(left(vm)).toEqual(['image-of-agent', 'database']);
    expect(vm.calls('docker').filter((call) => / rm .*(?:agent|database)/.test(call))).toEqual([]);
  });

  it('that stays full ends the worker before the next job, with the reason for its last line', async () => {
    const vm = worker(HAD_JOB, had);
    expect((await jobs(vm, [], { builds: 0, free: 11, prune: 'all' }).ended).status).toBe(0);
    expect(left(vm)).toEqual([]);
    expect(vm.calls('gitlab-runner')).toHaveLength(1);
    expect(reason(vm)).toBe('disk');
  });

  it.each([
    ['nothing', ['c1', 'c2', 'i3', 'i5', 'runner-abc-cache-4']],
    ['but-images', ['i3', 'i5']],
  ])('is pruned as the configuration says: %s', async (prune, expected) => {
    const vm = worker(HAD_JOB, had);
    await jobs(vm, [], { builds: 0, free: 11, prune }).ended;
    expect(left(vm)).toEqual(expected);
    expect(reason(vm)).toBe('disk');
  });

  it.each([
    ['df', { df: 'exit 1' }, 11],
    ['docker', { docker: 'exit 1' }, 5],
  ])('that cannot be looked at by %s holds nobody up', async (_name, change, free) => {
    const vm = worker(times(2), {}, change);
    expect((await jobs(vm, [], { builds: 0, free, prune: 'all' }).ended).status).toBe(0);
    expect(vm.calls('gitlab-runner')).toHaveLength(3);
  });

  it('is freed of build folders as the user that made them, the oldest first', async () => {
    const vm = worker(times(1), {}, { docker: 'exit 1' });
    const builds = (path: string) => join(vm.root, 'home/gitlab-runner/builds', path);
    const paths = ['t1/0/acme/old', 't1/0/acme/sub/new', 't1/0/acme/middle'];
    const ages = [300, 100, 200];
    paths.forEach((path, i) => {
      mkdirSync(join(builds(path), '.git'), { recursive: true });
      // A repository inside of one is part of it.
      mkdirSync(join(builds(path), 'work/nested/.git'), { recursive: true });
      mkdirSync(`${builds(path)}.tmp`, { recursive: true });
      const at = Date.now() / 1000 - (ages[i] ?? 0);
      utimesSync(builds(path), at, at);
    });
    await jobs(vm, ['--shell'], { builds: 0, free: 8, prune: 'all' }).ended;
    expect(paths.map((path) => existsSync(builds(path)))).toEqual([false, true, false]);
    expect(vm.calls('setpriv')).toHaveLength(2);
    expect(vm.calls('setpriv')[0]).toContain('--init-groups /bin/bash -c chmod');
  });
});
