import { stringify } from 'smol-toml';
import type { CacheSettings, RunnerSettings } from '../../lib/app/settings.ts';
import { LONGEST_JOB_MS } from '../../lib/core/pool/pool.ts';
import { type CloudFile, renderCloudConfig } from '../shared/cloud-config.ts';
import {
  COMMON_SH,
  FINISH_SH,
  IMAGE_COMMANDS_SH,
  IMAGE_LISTS_PY,
  JOB_SHELL_SH,
  JOBS_PY,
  REBOOTED_SH,
  REGISTRY_MIRRORS_PY,
  RETIRE_SH,
  RUN_SH,
  SETUP_SH,
  STOP_SH,
} from './programs.generated.ts';

export interface WorkerUserDataInput {
  /** `[a-z0-9-]`: `<pool>-<ulid>`. */
  readonly workerName: string;
  /** Presigned URL of the handoff: the only thing here that opens anything, and not for long. */
  readonly handoffUrl: string;
  /** 0 is no bound. */
  readonly maxBuilds: number;
  /** Without a job; 0 is no bound. */
  readonly waitTimeoutSeconds: number;
  /** From boot. Then no new job is taken; after the longest job (`maximumTimeout`, else 6 h) the machine ends whatever runs. */
  readonly maxAgeSeconds: number;
  readonly cache?: CacheSettings;
  readonly runner: RunnerSettings;
}

export interface RunnerConfigInput {
  readonly workerName: string;
  readonly gitlabUrl: string;
  readonly token: string;
  readonly runnerId: number;
  readonly runner: RunnerSettings;
}

/** Well below what ECS takes (32 KB before encoding: OTC ECS API reference, creating_ecss). */
const MAX_BYTES = 24 * 1024;
const LIB = '/usr/local/lib/gl-scaler';
const BOOTED = '/var/lib/cloud/instance/gl-scaler-booted';
/** In the first script of each job: whatever a future runner starts instead of our shell, a job does not run as root. */
const NEVER_AS_ROOT = 'if [ "$(id -u)" = 0 ]; then echo "This job would run as root on its worker, so it does not run."; exit 1; fi';

/**
 * User data of a worker: mounts the caches, blocks the metadata service, fetches its handoff, runs `gitlab-runner run-single` within its bounds and
 * powers off. It holds no secret but the handoff's URL. Pure. Throws `RangeError` when an input cannot be written safely.
 */
export function renderWorkerUserData(input: WorkerUserDataInput): string {
  const text = renderCloudConfig({
    files: workerFiles(input),
    // The mark lies in the instance's own folder: an image made of a used worker boots normally. On the first boot bootcmd comes before write_files.
    bootcmd: [
      ['sh', '-c', `test ! -e ${BOOTED} || sh ${LIB}/rebooted`],
      ['python3', '-c', IMAGE_LISTS_PY],
    ],
    runcmd: [
      ['touch', BOOTED],
      ['sh', '-c', `. ${LIB}/common; say phase=cloud-init-started`],
      ['systemctl', 'daemon-reload'],
      // First of all what ends the machine, so that nothing below can keep it for ever.
      ['systemctl', 'start', 'gl-scaler-retire.timer', 'gl-scaler-stop.timer'],
      ['sh', '-c', IMAGE_COMMANDS_SH.trimEnd()],
      ['sh', '-c', 'systemctl start --no-block gl-scaler-worker.service || systemctl poweroff'],
    ],
  });
  if (text.length > MAX_BYTES) throw new RangeError(`user data has ${text.length} bytes, more than ${MAX_BYTES}`);
  return text;
}

/** The handoff: gitlab-runner's config.toml, with the runner's token. */
export function renderRunnerConfig(input: RunnerConfigInput): string {
  const { runner } = input;
  return stringify({
    concurrent: 1,
    check_interval: runner.checkInterval,
    // run-single takes only its own entry below (commands/single.go makes an empty global configuration): these are for `gitlab-runner run` by hand.
    shutdown_timeout: 60,
    session_server: { session_timeout: runner.sessionTimeout },
    runners: [
      {
        name: input.workerName,
        url: input.gitlabUrl,
        id: input.runnerId,
        token: input.token,
        executor: runner.executor,
        limit: 1,
        ...(runner.environment.length > 0 && { environment: [...runner.environment] }),
        ...(runner.executor === 'docker'
          ? { docker: { ...runner.docker } }
          : { shell: 'bash', pre_get_sources_script: NEVER_AS_ROOT, pre_build_script: NEVER_AS_ROOT }),
      },
    ],
  });
}

function workerFiles(input: WorkerUserDataInput): readonly CloudFile[] {
  const script = (name: string, content: string, packed = false): CloudFile => {
    return { path: `${LIB}/${name}`, permissions: '0755', content, packed };
  };
  const unit = (name: string, content: string): CloudFile => ({ path: `/etc/systemd/system/${name}`, permissions: '0644', content });
  const hardStop = input.maxAgeSeconds + (input.runner.maximumTimeout ?? LONGEST_JOB_MS / 1000);
  return [
    { path: '/etc/gl-scaler/worker.env', permissions: '0600', content: environmentOf(input) },
    { path: '/etc/gl-scaler/handoff.curl', permissions: '0600', content: curlConfig(input.handoffUrl) },
    script('common', COMMON_SH),
    script('setup', SETUP_SH, true),
    ...(mirrorsOf(input.runner).length > 0 ? [script('registry-mirrors.py', REGISTRY_MIRRORS_PY, true)] : []),
    script('run', RUN_SH),
    { ...script('jobs.py', JOBS_PY, true), permissions: '0644' },
    script('shell/bash', JOB_SHELL_SH),
    script('finish', FINISH_SH),
    script('retire', RETIRE_SH),
    script('stop', STOP_SH),
    script('rebooted', REBOOTED_SH),
    unit('gl-scaler-worker.service', workerUnit(input)),
    unit('gl-scaler-retire.service', oneshot('Take no new job', 'retire')),
    unit('gl-scaler-retire.timer', timer('This worker is too old for new jobs', input.maxAgeSeconds)),
    unit('gl-scaler-stop.service', oneshot('End this machine', 'stop')),
    unit('gl-scaler-stop.timer', timer('This worker must be gone by now', hardStop)),
  ];
}

function environmentOf({ workerName, cache, runner }: WorkerUserDataInput): string {
  if (!/^[a-z0-9-]+$/.test(workerName)) throw new RangeError('a worker name consists of a-z, 0-9 and "-"');
  return [
    `WORKER_NAME=${shellQuote(workerName)}`,
    `EXECUTOR=${shellQuote(runner.executor)}`,
    `SYSTEM_ID=${shellQuote(systemId(workerName))}`,
    `CACHE_SERVER=${shellQuote(cache?.server ?? '')}`,
    `CACHE_EXPORT=${shellQuote(cache?.export ?? '')}`,
    `CACHE_ACCESS=${shellQuote(cache?.access ?? 'rw')}`,
    `CACHE_REQUIRED=${cache?.required ?? false}`,
    `DISK_MIN_FREE=${whole(runner.disk.minFreeGb)}`,
    `DISK_PRUNE=${pruneOf(runner)}`,
    `REGISTRY_MIRRORS=${shellQuote(mirrorsOf(runner).join(' '))}`,
    `PACKAGE_PINS=${shellQuote(pinsOf(runner.packages).join(' '))}`,
    '',
  ].join('\n');
}

/** Images that are never pulled would not come back. */
function pruneOf({ disk, docker }: RunnerSettings): 'all' | 'but-images' | 'nothing' {
  if (!disk.prune) return 'nothing';
  return [docker.pull_policy].flat().includes('never') ? 'but-images' : 'all';
}

/** Of docker; with another executor nothing pulls images. */
function mirrorsOf({ executor, registryMirrors = [] }: RunnerSettings): readonly string[] {
  return executor === 'docker' ? registryMirrors : [];
}

/** `package=version`, as apt-get takes them. From 17.7 on gitlab-runner depends on the helper images of its own version. */
function pinsOf(packages: RunnerSettings['packages']): readonly string[] {
  const pins = Object.entries(packages).map(([name, version]) => `${name}=${version}`);
  if (!pins.every((pin) => /^[a-z0-9][a-z0-9.+-]*=[A-Za-z0-9.+:~-]+$/.test(pin))) throw new RangeError('a package cannot be pinned so');
  const runner = packages['gitlab-runner'] ?? '';
  const [, major = '0', minor = '0'] = /^(?:\d+:)?(\d+)\.(\d+)/.exec(runner) ?? [];
  const split = Number(major) > 17 || (Number(major) === 17 && Number(minor) >= 7);
  return split ? [...pins, `gitlab-runner-helper-images=${runner}`] : pins;
}

/** gitlab-runner keeps it beside config.toml, as `r_` and twelve letters and digits; the end of the ULID is the random part. */
function systemId(workerName: string): string {
  return `r_${workerName.replaceAll('-', '').slice(-12).padStart(12, '0')}`;
}

/** curl's own format, so that the URL stands in no shell text and in no list of processes. */
function curlConfig(url: string): string {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(url) || /["\\]/.test(url)) throw new RangeError('the handoff URL cannot be written safely');
  return `url = "${url}"\nfail\nsilent\nshow-error\nconnect-timeout = 10\nmax-time = 30\n`;
}

function shellQuote(value: string): string {
  if (!/^[\x20-\x7e]*$/.test(value)) throw new RangeError('a value for the worker is not printable');
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/**
 * At a shutdown, the units that it comes after outlive it. run-single gives a job 30 s at SIGTERM (common/consts.go, DefaultShutdownTimeout; no key or flag
 * changes that) and then reports it, for which the service leaves it time.
 */
function workerUnit(input: WorkerUserDataInput): string {
  return `[Unit]
Description=gitlab-runner of one worker
Wants=network-online.target
After=network-online.target remote-fs.target docker.service

[Service]
Type=exec
ExecStartPre=${LIB}/setup
ExecStart=${LIB}/run --max-builds ${whole(input.maxBuilds)} --wait-timeout ${whole(input.waitTimeoutSeconds)}
ExecStopPost=${LIB}/finish
Environment=HOME=/root
Restart=no
KillMode=mixed
OOMPolicy=continue
TasksMax=infinity
TimeoutStartSec=1800
TimeoutStopSec=90
`;
}

function oneshot(description: string, script: string): string {
  return `[Unit]
Description=${description}

[Service]
Type=oneshot
ExecStart=${LIB}/${script}
`;
}

function timer(description: string, seconds: number): string {
  return `[Unit]
Description=${description}

[Timer]
OnBootSec=${whole(seconds)}
AccuracySec=1s
`;
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('a bound of a worker must be a whole number, 0 or more');
  return value;
}
