import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseBootLog } from '../../lib/core/fleet/boot-log.ts';
import { handoffKey } from '../../lib/core/keys.ts';
import type { Job, JobSpec } from '../../sandbox/gitlab/model.ts';
import { Container, type ContainerOrder } from '../../sandbox/machines/container.ts';
import { LAB_ADDRESS, Lab, type MachineOrder } from '../../sandbox/machines/lab.ts';
import { type MetadataService, startMetadataService } from '../../sandbox/machines/metadata.ts';
import { MachineFarm, traceOf } from './machines-farm.ts';

/*
 * Workers in systemd-nspawn: the user data as the scaler renders it, run by a real cloud-init, systemd, docker and nftables. All of them start at
 * once, because three of them wait three minutes for something that does not come; each test then looks at its own.
 */

const METADATA_URL = 'http://169.254.169.254/openstack/latest/user_data';
const NOBODY = 65_534;
/** A machine has to boot while seven others do. */
const BOOT_SECONDS = 180;
/** CACHE_WAIT and HANDOFF_WAIT of the worker's setup, and the boot before. */
const GIVE_UP_SECONDS = 180 + BOOT_SECONDS;

const cache = { server: LAB_ADDRESS, export: '/cache', required: true };
const shell = { runner: { executor: 'shell' }, limit: 1 };
const POOLS = [
  { name: 'docker', limit: 1, max_builds: 2, idle_time: 8, boot_timeout: 120, cache },
  { name: 'shell', ...shell, limit: 2, max_builds: 1 },
  { name: 'readonly', limit: 1, max_builds: 1, cache: { ...cache, access: 'ro' } },
  { name: 'required', ...shell, cache },
  { name: 'optional', ...shell, max_builds: 1, cache: { ...cache, required: false } },
  { name: 'expired', ...shell },
  { name: 'retire', ...shell },
  { name: 'stop', ...shell },
  { name: 'again', ...shell },
  { name: 'deleted', ...shell },
].map((pool) => ({ tags: [pool.name], ...pool }));

/**
 * Seconds since boot after which a worker takes no new job, and those that the job in hand has from there on. Ten machines boot at once: on a busy host
 * it takes more than a minute until they have their jobs.
 */
const AGES: Readonly<Record<string, { readonly maxAge: number; readonly longestJob: number }>> = {
  retire: { maxAge: 160, longestJob: 3600 },
  stop: { maxAge: 170, longestJob: 15 },
};
const UNTIL_GO = ['until [ -e /var/tmp/go ]; do sleep 0.2; done'];

let lab: Lab;
let farm: MachineFarm;
let metadata: MetadataService;
let share: string;
const orders = new Map<string, ContainerOrder>();
const jobs = new Map<string, readonly Job[]>();

beforeAll(async () => {
  lab = new Lab(process.env, 10);
  metadata = await startMetadataService(lab);
  share = await lab.folder('share');
  await mkdir(path.join(share, 'sstate'), { mode: 0o777 });
  farm = await MachineFarm.start({
    pools: POOLS,
    start: startContainer,
    renderedFrom: (input, presign) => {
      const { pool, runner } = input.settings;
      const age = AGES[pool.name];
      if (pool.name === 'expired') return { ...input, handoffUrl: presign(handoffKey(input.worker), Date.now() - 60_000) };
      if (!age) return input;
      const bounded = {
        ...input.settings,
        pool: { ...pool, maxAgeMs: age.maxAge * 1000 },
        runner: { ...runner, maximumTimeout: age.longestJob },
      };
      return { ...input, settings: bounded, maxAgeMs: age.maxAge * 1000 };
    },
  });
  // Those that wait first.
  push('required', [{ script: ['true'] }]);
  push('optional', [{ script: ['echo mounted: $(grep -c " /cache " /proc/mounts || true)', 'touch /cache/sstate/mine', 'ls /cache'] }]);
  push('expired', [{ script: ['true'] }]);
  push('stop', [{ script: ['sleep 600'] }]);
  push('retire', [{ script: UNTIL_GO }, { script: ['true'] }]);
  push('shell', [{ script: ['id -un', ...UNTIL_GO] }, { script: ['id -un', ...UNTIL_GO] }]);
  push('docker', [
    { script: [`timeout 5 wget -O - ${METADATA_URL} || echo refused`, 'echo "made by $CI_JOB_ID" >/var/shared/sstate/object'] },
    {
      script: ['cat /var/shared/sstate/object', `timeout 5 wget -O - http://${LAB_ADDRESS}:$(echo $CI_SERVER_URL | cut -d: -f3)/ || true`],
    },
    { script: ['echo the third'] },
  ]);
  push('readonly', [{ script: ['ls /var/shared', 'touch /var/shared/sstate/mine || echo not written'] }]);
  push('again', [{ script: ['sleep 600'] }]);
  push('deleted', [{ script: ['sleep 600'] }]);
  for (const { name } of POOLS) await container(name);
}, 120_000);

afterAll(async () => {
  await farm?.close();
  await metadata?.close();
}, 60_000);

function push(pool: string, specs: readonly Omit<JobSpec, 'name' | 'tags'>[]): void {
  jobs.set(pool, farm.push(specs.map((spec, i) => ({ name: `${pool}-${i}`, tags: [pool], ...spec }))));
}

async function startContainer(order: MachineOrder): Promise<Container> {
  const served = /^(docker|readonly)-/.test(order.name);
  const complete = { ...order, ...(served && { cacheFolder: share }) };
  orders.set(order.name, complete);
  const container = await Container.start(lab, complete);
  metadata.add(container.address, order);
  return container;
}

async function container(pool: string, n = 0): Promise<Container> {
  const found = await farm.machine(pool, n, n === 0 ? 60 : BOOT_SECONDS);
  if (!(found instanceof Container)) throw new Error(`${found.name} is no container`);
  return found;
}

function jobOf(pool: string, n = 0): Job {
  const job = jobs.get(pool)?.[n];
  if (!job) throw new Error(`no job ${n} in pool ${pool}`);
  return job;
}

/** What the scaler itself reads out of the console. */
function phases(machine: Container): readonly string[] {
  return parseBootLog(machine.text, machine.name).phases.map(([phase]) => phase);
}

describe('a worker with docker', () => {
  it('mounts the caches, takes max_builds jobs, powers off and is removed', async () => {
    const machine = await container('docker');
    const first = await farm.finished(jobOf('docker', 0), BOOT_SECONDS);
    const second = await farm.finished(jobOf('docker', 1), 60);
    expect([jobOf('docker', 0).status, jobOf('docker', 1).status]).toEqual(['success', 'success']);
    expect(second).toContain(`made by ${jobOf('docker', 0).id}`);
    await machine.isOff(60);
    expect(phases(machine)).toEqual([
      'cloud-init-started',
      'setup',
      'runner-version',
      'metadata-blocked',
      'mounted',
      'docker-ready',
      'handoff',
      'ready',
      'runner-started',
      'finished',
    ]);
    expect(machine.text).toMatch(/phase=finished result=success status=0 /);
    await farm.removed(machine.name, 60);
    // A container of a job reaches GitLab and not the metadata service.
    expect(first).toContain('refused');
    expect(second).toMatch(/HTTP\/1\.1 \d+/);
    expect(metadata.requests.filter(({ address }) => address === machine.address)).toEqual([]);
  });

  it('leaves when it has had nothing to do for idle_time', async () => {
    const machine = await container('docker', 1);
    expect(machine.name).not.toBe((await container('docker')).name);
    await farm.finished(jobOf('docker', 2), BOOT_SECONDS);
    await machine.isOff(60);
    await farm.removed(machine.name, 60);
  });

  it('mounts with the options that keep files whole, and read-only where the pool is not trusted', async () => {
    const trace = await farm.finished(jobOf('readonly'), BOOT_SECONDS);
    expect(trace).toMatch(/sstate/);
    expect(trace).toContain('not written');
    expect(await readdir(path.join(share, 'sstate'))).toEqual(['object']);
    expect((await container('readonly')).text).toContain('phase=mounted');
  });
});

describe('a worker with the shell executor', () => {
  it('hides its secrets and the metadata service from its jobs', async () => {
    const machine = await container('shell');
    const job = await jobOn(machine, 'shell');
    const { token } = farm.runner(machine.name);
    const signature = /Signature=[^"&\s]+/.exec(farm.server(machine.name).userData)?.[0] ?? 'none';
    const user = Number((await machine.inside(['id', '-u', 'gitlab-runner'])).text);
    const files = ['sh', '-c', `grep -rlsF -e '${token}' -e '${signature}' /etc /home /opt /root /run /srv /tmp /usr/local /var | sort`];
    const processes = ['sh', '-c', 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n"'];

    const asRoot = (await machine.inside(files)).text;
    expect(asRoot).toContain('/etc/gitlab-runner/config.toml');
    expect((await machine.inside(files, user)).text).toBe('');
    for (const secret of [token, signature]) expect((await machine.inside(processes, user)).text).not.toContain(secret);
    expect(traceOf(job)).not.toContain(token);

    const ask = ['curl', '--silent', '--max-time', '5', METADATA_URL];
    for (const uid of [user, NOBODY, 0]) expect([uid, await machine.inside(ask, uid)]).toMatchObject([uid, { code: 7, text: '' }]);
    // It is the block that refuses, and nothing else.
    await machine.inside(['nft', 'delete', 'table', 'inet', 'gl_scaler']);
    expect((await machine.inside(ask, NOBODY)).text).toContain(signature);
  });

  it('has an identity of its own, and no other runner than ours', async () => {
    const machines = [await container('shell', 0), await container('shell', 1)];
    const ids = await Promise.all(machines.map(async ({ root }) => (await readFile(path.join(root, 'etc/machine-id'), 'utf8')).trim()));
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^(?!0123456789abcdef)[0-9a-f]{32}$/);
    for (const machine of machines) {
      const job = await jobOn(machine, 'shell');
      expect((await machine.inside(['systemctl', 'is-enabled', 'gitlab-runner.service'])).text.trim()).toBe('disabled');
      expect((await machine.inside(['pgrep', '--full', '--count', 'gitlab-runner run '])).text.trim()).toBe('0');
      await machine.inside(['touch', '/var/tmp/go']);
      expect(await farm.finished(job, 60)).toMatch(/stand-in for gitlab-runner \S+ run-single\n(.*\n)*gitlab-runner\n/);
      await machine.isOff(60);
    }
    const systemIds = jobs.get('shell')?.map(({ manager }) => manager?.systemId);
    expect(new Set(systemIds).size).toBe(2);
  });

  it('finds its handoff dead once it has used it', async () => {
    const job = jobOf('again');
    await farm.running(job, BOOT_SECONDS);
    const machine = await container('again');
    const url = /url = "([^"]+)"/.exec(farm.server(machine.name).userData)?.[1] ?? '';
    const bucket = farm.farm.sandbox.obs.bucket(farm.farm.sandbox.bucket);
    await farm.until('the handoff deleted', 60, () => bucket.get(handoffKey(machine.name)) === undefined);
    expect((await fetch(url)).status).toBe(404);
  });

  it('powers off when it is switched on a second time', async () => {
    const machine = await container('again');
    await farm.running(jobOf('again'), BOOT_SECONDS);
    const order = orders.get(machine.name);
    if (!order) throw new Error('no order');
    await machine.kill();
    const second = await Container.again(lab, { ...order, onConsole: () => undefined }, machine);
    await second.prints(/phase=rebooted/, BOOT_SECONDS);
    await second.isOff(60);
    expect(phases(second).filter((phase) => phase !== 'finished')).toEqual(['rebooted']);
  });

  it('is gone at once when the scaler or a person deletes its server', async () => {
    const machine = await container('deleted');
    await farm.running(jobOf('deleted'), BOOT_SECONDS);
    farm.farm.sandbox.ecs.delete([farm.server(machine.name).id], true);
    await machine.isOff(10);
  });
});

describe('a worker that is too old', () => {
  it('finishes its job, takes no other and powers off', async () => {
    const machine = await container('retire');
    await farm.running(jobOf('retire'), BOOT_SECONDS);
    await machine.prints(/phase=max-age/, BOOT_SECONDS);
    await machine.inside(['touch', '/var/tmp/go']);
    await machine.isOff(60);
    expect(jobOf('retire').status).toBe('success');
    expect(machine.text).toMatch(/phase=finished result=success /);
    expect(jobOf('retire', 1).runner?.description).not.toBe(machine.name);
  });

  it('is switched off under its job when that does not end', async () => {
    const machine = await container('stop');
    await machine.prints(/phase=hard-stop/, BOOT_SECONDS + 30);
    await machine.isOff(30);
    expect(phases(machine)).toEqual(expect.arrayContaining(['runner-started', 'max-age', 'hard-stop']));
  });
});

describe('a worker that cannot get ready', () => {
  it('takes no job without required caches, says why and powers off; the scaler counts a failed boot', async () => {
    const machine = await container('required');
    await machine.prints(/phase=failed reason=cache-unavailable /, GIVE_UP_SECONDS);
    await machine.isOff(60);
    expect(phases(machine)).not.toContain('handoff');
    expect(machine.text).toMatch(/phase=finished result=exit-code /);
    await farm.removed(machine.name, 60);
    await ledgerHas('required', 'cache-unavailable');
  });

  it('goes on with empty local folders where the caches are not required', async () => {
    const machine = await container('optional');
    const trace = await farm.finished(jobOf('optional'), GIVE_UP_SECONDS);
    expect(phases(machine)).toContain('cache-absent');
    expect(jobOf('optional').status).toBe('success');
    expect(trace).toMatch(/mounted: 0\n(.*\n)*downloads\ngit\nsstate\n/);
    await machine.isOff(60);
  });

  it('takes no job with a handoff that has run out, says why and powers off', async () => {
    const machine = await container('expired');
    await machine.prints(/phase=failed reason=handoff /, GIVE_UP_SECONDS);
    await machine.isOff(60);
    expect(machine.text).not.toMatch(/Signature=/);
    await ledgerHas('expired', 'handoff');
  });
});

async function jobOn(machine: Container, pool: string): Promise<Job> {
  const all = jobs.get(pool) ?? [];
  await farm.until(`a job on ${machine.name}`, BOOT_SECONDS, () =>
    all.some((job) => job.status === 'running' && job.runner?.description === machine.name),
  );
  const found = all.find((job) => job.runner?.description === machine.name);
  if (!found) throw new Error(`no job on ${machine.name}`);
  return found;
}

/** One of the next passes sees that the worker is off, and writes it down. */
function ledgerHas(pool: string, reason: string): Promise<void> {
  return vi.waitFor(
    async () => {
      const failed = (await farm.ledger()).filter((entry) => entry.pool === pool && entry.kind === 'boot-failed');
      expect(failed[0]).toMatchObject({ reason });
    },
    { timeout: 30_000, interval: 500 },
  );
}
