import { parse as parseToml } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { renderCloudConfig } from '../../../cloud-init/shared/cloud-config.ts';
import { renderRunnerConfig, renderWorkerUserData, type WorkerUserDataInput } from '../../../cloud-init/worker/worker.ts';
import type { RunnerSettings } from '../../../lib/app/settings.ts';
import { CACHE, RUNNER, WORKER } from '../../../testkit/settings.ts';
import { fileIn, parseUserData } from '../../../testkit/user-data.ts';

const runner: RunnerSettings = {
  ...RUNNER,
  docker: { ...RUNNER.docker, volumes: ['/cache:/var/shared:rw'], shm_size: 0, tls_verify: false, sysctls: { 'net.core.somaxconn': '1' } },
};
const input: WorkerUserDataInput = {
  ...WORKER,
  handoffUrl: `${WORKER.handoffUrl}$(id)\`id\`'`,
  maxBuilds: 100,
  cache: CACHE,
  runner,
};
const SCRIPTS = ['setup', 'run', 'shell/bash', 'finish', 'retire', 'stop', 'rebooted', 'common'].map(
  (name) => `/usr/local/lib/gl-scaler/${name}`,
);
const UNITS = '/etc/systemd/system';

/** `[Section]` and `Key=value`, as systemd reads a unit. */
function unitOf(text: string): Readonly<Record<string, readonly string[]>> {
  const unit: Record<string, string[]> = {};
  let section = '';
  for (const line of text.split('\n').filter((l) => l !== '')) {
    const head = /^\[(\w+)\]$/.exec(line)?.[1];
    if (head) section = head;
    else {
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (key === undefined || value === undefined) throw new Error(`no line of a unit: ${line}`);
      unit[`${section}.${key}`] = [...(unit[`${section}.${key}`] ?? []), value];
    }
  }
  return unit;
}

describe('user data', () => {
  const text = renderWorkerUserData(input);

  it('is cloud-config with known keys only', () => {
    expect(text.startsWith('#cloud-config\n')).toBe(true);
    expect(parseUserData(text).write_files.length).toBeGreaterThan(10);
  });

  it('is the same each time', () => {
    expect(renderWorkerUserData(input)).toBe(text);
  });

  it('is well below what the cloud takes, with the longest names and URL', () => {
    const allPinned = { 'docker.io': '1'.repeat(100), 'gitlab-runner': `18.0.${'1'.repeat(95)}`, 'nfs-common': '1'.repeat(100) };
    const longest = renderWorkerUserData({
      ...input,
      workerName: 'a'.repeat(59),
      handoffUrl: `https://x/?Signature=${'s'.repeat(3000)}`,
      runner: { ...runner, packages: allPinned },
    });
    expect(Buffer.byteLength(longest)).toBeLessThan(24 * 1024);
  });

  it('brings registry mirrors to docker, and to no shell', () => {
    const mirrored = { ...runner, registryMirrors: ['https://a.example', 'http://b.example:5000'] };
    const rendered = renderWorkerUserData({ ...input, runner: mirrored });
    expect(fileIn(rendered, '/etc/gl-scaler/worker.env')).toContain("\nREGISTRY_MIRRORS='https://a.example http://b.example:5000'\n");
    expect(fileIn(rendered, '/usr/local/lib/gl-scaler/registry-mirrors.py')).toMatch(/^#!\/usr\/bin\/python3\n/);
    for (const other of [runner, { ...mirrored, executor: 'shell', docker: {} } as const]) {
      const plain = renderWorkerUserData({ ...input, runner: other });
      expect(plain).toContain("REGISTRY_MIRRORS=''");
      expect(parseUserData(plain).write_files.map((f) => f.path)).not.toContain('/usr/local/lib/gl-scaler/registry-mirrors.py');
    }
  });

  it('refuses to grow beyond that', () => {
    expect(() => renderWorkerUserData({ ...input, handoffUrl: `https://x/?Signature=${'s'.repeat(30_000)}` })).toThrow(/more than 24576/);
  });

  it('holds nothing of the runner but its executor: no image, no environment, no token', () => {
    const secretive = { ...runner, docker: { image: 'registry.example.com/secret-image' }, environment: ['PASSWORD=TopSecret'] };
    const rendered = renderWorkerUserData({ ...input, runner: secretive });
    expect(rendered).not.toMatch(/secret-image|TopSecret|glrt-/);
  });

  it('keeps what only root may read from others', () => {
    const modes = Object.fromEntries(parseUserData(text).write_files.map((f) => [f.path, f.permissions]));
    expect(modes['/etc/gl-scaler/handoff.curl']).toBe('0600');
    expect(modes['/etc/gl-scaler/worker.env']).toBe('0600');
    expect(SCRIPTS.map((path) => modes[path])).toEqual(SCRIPTS.map(() => '0755'));
  });

  it('starts what ends the machine before anything that may hang', () => {
    const commands = parseUserData(text).runcmd.map((command) => command.join(' '));
    const timers = commands.findIndex((c) => c.includes('gl-scaler-retire.timer') && c.includes('gl-scaler-stop.timer'));
    const worker = commands.findIndex((c) => c.includes('gl-scaler-worker.service'));
    expect(timers).toBeGreaterThan(-1);
    expect(worker).toBeGreaterThan(timers);
    expect(commands[worker]).toMatch(/--no-block .*\|\| systemctl poweroff/);
  });

  it('says on the console when cloud-init has come to it', () => {
    expect(parseUserData(text).runcmd[1]).toEqual(['sh', '-c', '. /usr/local/lib/gl-scaler/common; say phase=cloud-init-started']);
  });

  it('powers off on a second boot, which bootcmd sees before the files of the first are written', () => {
    expect(parseUserData(text).bootcmd[0]).toEqual([
      'sh',
      '-c',
      'test ! -e /var/lib/cloud/instance/gl-scaler-booted || sh /usr/local/lib/gl-scaler/rebooted',
    ]);
    expect(parseUserData(text).runcmd[0]).toEqual(['touch', '/var/lib/cloud/instance/gl-scaler-booted']);
  });

  it.each<readonly [string, Partial<RunnerSettings>, string, string]>([
    ['everything', {}, '5', 'all'],
    ['no image that would never be pulled again', { docker: { pull_policy: ['never'] } }, '5', 'but-images'],
    ['nothing', { disk: { minFreeGb: 0, prune: false } }, '0', 'nothing'],
  ])('lets a worker remove from its disk %s', (_name, change, free, prune) => {
    const env = fileIn(renderWorkerUserData({ ...input, runner: { ...runner, ...change } }), '/etc/gl-scaler/worker.env');
    expect(env).toContain(`\nDISK_MIN_FREE=${free}\nDISK_PRUNE=${prune}\n`);
  });

  it.each([
    ['before the split', '17.6.1-1', ['gitlab-runner=17.6.1-1']],
    ['at the split', '17.7.0-1', ['gitlab-runner=17.7.0-1', 'gitlab-runner-helper-images=17.7.0-1']],
    ['two digits', '17.11.0-1', ['gitlab-runner=17.11.0-1', 'gitlab-runner-helper-images=17.11.0-1']],
    ['the next major version', '18.0.0-1', ['gitlab-runner=18.0.0-1', 'gitlab-runner-helper-images=18.0.0-1']],
    ['a major version of old', '9.12.0', ['gitlab-runner=9.12.0']],
  ])('pins the helper images with the runner: %s', (_name, version, expected) => {
    const env = fileIn(
      renderWorkerUserData({ ...input, runner: { ...runner, packages: { 'gitlab-runner': version } } }),
      '/etc/gl-scaler/worker.env',
    );
    expect(env).toContain(`\nPACKAGE_PINS='${expected.join(' ')}'\n`);
  });

  it('gives curl the URL as it is, and no shell', () => {
    expect(fileIn(text, '/etc/gl-scaler/handoff.curl').split('\n')[0]).toBe(`url = "${input.handoffUrl}"`);
    expect(text.split(input.handoffUrl)).toHaveLength(2);
  });

  it.each<readonly [string, Partial<WorkerUserDataInput>]>([
    ['a quote in the URL', { handoffUrl: 'https://x/"\noutput = "/etc/passwd' }],
    ['a space in the URL', { handoffUrl: 'https://x/ y' }],
    ['another scheme', { handoffUrl: 'file:///etc/shadow' }],
    ['a name with a quote', { workerName: "a'b" }],
    ['a name with a line break', { workerName: 'a\nb' }],
    ['a server with a line break', { cache: { ...CACHE, server: 'a\nb' } }],
    ['a version with a space', { runner: { ...runner, packages: { curl: '1 2' } } }],
    ['a package that is an option', { runner: { ...runner, packages: { '-o': '1' } } }],
    ['a fraction of a build', { maxBuilds: 1.5 }],
    ['a negative time', { waitTimeoutSeconds: -1 }],
    ['no number', { maxAgeSeconds: Number.NaN }],
  ])('refuses %s', (_name, change) => {
    expect(() => renderWorkerUserData({ ...input, ...change })).toThrow(RangeError);
  });
});

describe('units', () => {
  const service = (change: Partial<WorkerUserDataInput> = {}) =>
    unitOf(fileIn(renderWorkerUserData({ ...input, ...change }), `${UNITS}/gl-scaler-worker.service`));

  it('run the runner once within its bounds and power off whatever happens', () => {
    expect(service()).toEqual({
      'Unit.Description': ['gitlab-runner of one worker'],
      'Unit.Wants': ['network-online.target'],
      // At a shutdown these stay until the runner has reported its job.
      'Unit.After': ['network-online.target remote-fs.target docker.service'],
      'Service.Type': ['exec'],
      'Service.ExecStartPre': ['/usr/local/lib/gl-scaler/setup'],
      'Service.ExecStart': ['/usr/local/lib/gl-scaler/run --max-builds 100 --wait-timeout 60'],
      'Service.ExecStopPost': ['/usr/local/lib/gl-scaler/finish'],
      'Service.Environment': ['HOME=/root'],
      'Service.Restart': ['no'],
      'Service.KillMode': ['mixed'],
      'Service.OOMPolicy': ['continue'],
      'Service.TasksMax': ['infinity'],
      'Service.TimeoutStartSec': ['1800'],
      'Service.TimeoutStopSec': ['90'],
    });
  });

  it('take 0 as no bound, as gitlab-runner does', () => {
    expect(service({ maxBuilds: 0, waitTimeoutSeconds: 0 })['Service.ExecStart']).toEqual([
      '/usr/local/lib/gl-scaler/run --max-builds 0 --wait-timeout 0',
    ]);
  });

  it.each<readonly [string, RunnerSettings, string]>([
    ['six hours later where no job timeout is set', runner, '108000'],
    ['the longest job later where one is set', { ...runner, maximumTimeout: 7200 }, '93600'],
  ])('retire the worker at its age and end it %s', (_name, settings, hardStop) => {
    const text = renderWorkerUserData({ ...input, runner: settings });
    const timer = (name: string) => unitOf(fileIn(text, `${UNITS}/${name}.timer`))['Timer.OnBootSec'];
    expect(timer('gl-scaler-retire')).toEqual(['86400']);
    expect(timer('gl-scaler-stop')).toEqual([hardStop]);
    expect(unitOf(fileIn(text, `${UNITS}/gl-scaler-retire.service`))['Service.ExecStart']).toEqual(['/usr/local/lib/gl-scaler/retire']);
    expect(unitOf(fileIn(text, `${UNITS}/gl-scaler-stop.service`))['Service.ExecStart']).toEqual(['/usr/local/lib/gl-scaler/stop']);
  });
});

describe('runner configuration', () => {
  const config = (settings: RunnerSettings) =>
    parseToml(
      renderRunnerConfig({
        workerName: input.workerName,
        gitlabUrl: 'https://gitlab.example.com',
        token: 'glrt-t2_abc.def',
        runnerId: 9171,
        runner: settings,
      }),
    );

  it('is one runner for one job at a time, with the docker section as given', () => {
    expect(config(runner)).toEqual({
      concurrent: 1,
      check_interval: 0,
      shutdown_timeout: 60,
      session_server: { session_timeout: 1800 },
      runners: [
        {
          name: input.workerName,
          url: 'https://gitlab.example.com',
          id: 9171,
          token: 'glrt-t2_abc.def',
          executor: 'docker',
          limit: 1,
          docker: runner.docker,
        },
      ],
    });
  });

  it('has no docker section for a shell', () => {
    const shell = config({ ...runner, executor: 'shell', docker: {} });
    const refusal = expect.stringMatching(/^if \[ "\$\(id -u\)" = 0 \]; then echo .*; exit 1; fi$/);
    expect(shell.runners).toEqual([
      expect.objectContaining({ executor: 'shell', shell: 'bash', pre_get_sources_script: refusal, pre_build_script: refusal }),
    ]);
    expect(JSON.stringify(shell)).not.toContain('docker');
  });

  it('carries the times that are set', () => {
    expect(config({ ...runner, checkInterval: 5, sessionTimeout: 60 })).toMatchObject({
      check_interval: 5,
      session_server: { session_timeout: 60 },
    });
  });

  it.each([
    ['quotes', 'A="x" \'y\''],
    ['backslashes', 'A=\\n\\'],
    ['letters beyond ASCII', 'A=Größe'],
    ['an equals sign', 'A=b=c'],
  ])('keeps %s in the environment', (_name, entry) => {
    expect(config({ ...runner, environment: [entry] }).runners).toEqual([expect.objectContaining({ environment: [entry] })]);
  });
});

describe('cloud-config', () => {
  it('packs a file as cloud-init unpacks it', () => {
    const file = { path: '/x', permissions: '0644', content: 'a long text\n'.repeat(99), packed: true };
    const text = renderCloudConfig({ files: [file], bootcmd: [], runcmd: [] });
    expect(text.length).toBeLessThan(400);
    expect(fileIn(text, '/x')).toBe(file.content);
  });

  it.each([
    ['indentation and empty lines', 'a\n\n  b\n\tc\n'.replace('\t', '    ')],
    ['what YAML would take for something else', 'yes: "no"\n# not a comment\n- x: [1]\n%TAG\n'],
    ['spaces at the end of a line', 'a  \nb\n'],
  ])('keeps %s', (_name, content) => {
    const text = renderCloudConfig({ files: [{ path: '/x', permissions: '0644', content }], bootcmd: [], runcmd: [] });
    expect(text).toContain('#cloud-config');
    expect(fileIn(text, '/x')).toBe(content);
  });

  it.each([
    ['no line break at the end', 'a'],
    ['a tab', '\ta\n'],
    ['a space first', ' a\n'],
    ['letters beyond ASCII', 'ä\n'],
    ['empty lines at the end', 'a\n\n'],
    ['nothing', ''],
  ])('refuses %s', (_name, content) => {
    expect(() => renderCloudConfig({ files: [{ path: '/x', permissions: '0644', content }], bootcmd: [], runcmd: [] })).toThrow(RangeError);
  });
});
