import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { healthProblems, ManagerHealth } from '../../../lib/app/status/cache-manager.ts';
import { parseJsonAs } from '../../../lib/app/storage/json.ts';
import type { ManagerSettings } from '../../../lib/config/types.ts';
import { managerKey } from '../../../lib/core/keys.ts';
import { RunningClock } from '../../../sandbox/clock.ts';
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts';
import { ManagerMachine } from './machine.ts';

const HEALTH = '/var/lib/gl-cache/health.json';
const MIRRORS = [
  { url: 'https://x.example.com/a.git', name: 'a.git', everySeconds: 300 },
  { url: 'https://x.example.com/b.git', name: 'meta/b.git', everySeconds: 300 },
];
/** A volume that is mounted; the real file system below is this machine's. */
const MOUNTED = [
  'it.os.path.ismount = lambda path: True',
  "gl_common.volume = lambda path: {'bytes': 1000, 'used': 250, 'inodes': 100, 'inodes_used': 50}",
].join('\n');

const endings: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

function machine(settings: Partial<ManagerSettings> = {}): ManagerMachine {
  const vm = new ManagerMachine(settings);
  vm.write('/run/gl-cache/phase', 'phase=ready\n');
  return vm;
}

function health(vm: ManagerMachine, now = 1_000_000) {
  const done = vm.program('health', `print(it.main(${now}))`, MOUNTED);
  expect(done).toMatchObject({ status: 0, stderr: '' });
  const text = vm.read(HEALTH);
  return { raw: JSON.parse(text), parsed: parseJsonAs(ManagerHealth, text) };
}

function fetched(vm: ManagerMachine, name: string, state: object): void {
  vm.write(`/var/lib/gl-cache/mirrors/${name.replace('/', '%')}.json`, JSON.stringify({ name, ok: true, ...state }));
}

describe('the state of the caches', () => {
  it('is what the scaler reads', () => {
    const vm = machine({ mirrors: MIRRORS });
    vm.write('/proc/fs/nfsd/threads', '16\n');
    vm.write('/proc/fs/nfsd/clients/1/info', '');
    fetched(vm, 'a.git', { last_success: 999_000 });
    fetched(vm, 'meta/b.git', { last_success: 999_900 });
    const { parsed } = health(vm);
    expect(parsed).toMatchObject({
      name: 'cache-1',
      at: 1_000_000_000,
      phase: 'ready',
      disk: { bytes: 1000, used: 250, fill: 50 },
      nfs: { active: true, threads: 16, clients: 1 },
      mirrors: { count: 2, failed: [], late: [], oldest_seconds: 1000, unlisted: [] },
      prune: null,
      hashserv: null,
    });
    expect(parsed && healthProblems(parsed, 1_000_030_000)).toEqual([]);
  });

  it('is written before anything is set up', () => {
    const vm = new ManagerMachine();
    expect(vm.program('health', 'print(it.main(1000))').status).toBe(0);
    expect(parseJsonAs(ManagerHealth, vm.read(HEALTH))).toMatchObject({ phase: 'none', disk: null, nfs: { active: false, clients: null } });
  });

  it('comes from a unit that sees the NFS server', () => {
    const unit = (name: string) => machine().read(`/etc/systemd/system/gl-cache-${name}.service`);
    expect(unit('health')).not.toMatch(/ProtectKernelTunables|ProtectControlGroups/);
    expect(unit('prune')).toMatch(
      /ProtectKernelTunables=yes\n[\s\S]*ProtectControlGroups=yes|ProtectControlGroups=yes\n[\s\S]*ProtectKernelTunables=yes/,
    );
  });

  it('carries the reason of a setup that failed', () => {
    const vm = machine();
    vm.write('/run/gl-cache/phase', 'phase=failed reason=volume-missing\n');
    expect(health(vm).parsed).toMatchObject({ phase: 'failed', reason: 'volume-missing' });
  });

  it.each([
    { name: 'that was never fetched', state: undefined, failed: [], late: ['a.git'] },
    { name: 'three intervals and an hour old', state: { last_success: 1_000_000 - 4501 }, failed: [], late: ['a.git'] },
    { name: 'just not so old', state: { last_success: 1_000_000 - 4500 }, failed: [], late: [] },
    {
      name: 'that failed',
      state: { ok: false, error: 'gone', last_success: 999_999 },
      failed: [{ name: 'a.git', error: 'gone' }],
      late: [],
    },
    { name: 'from the future', state: { last_success: 1_000_500 }, failed: [], late: [] },
  ])('tells of a mirror $name', ({ state, failed, late }) => {
    const vm = machine({ mirrors: MIRRORS.slice(0, 1) });
    if (state) fetched(vm, 'a.git', state);
    expect(health(vm).parsed?.mirrors).toMatchObject({ failed, late });
  });

  it('names what is mirrored and configured no longer, but no unfinished clone', () => {
    const vm = machine({ mirrors: MIRRORS.slice(0, 1) });
    for (const folder of ['a.git', 'old.git', 'meta/older.git', '.new-b.git'])
      vm.write(`/cache/git/${folder}/HEAD`, 'ref: refs/heads/main\n');
    expect(health(vm).parsed?.mirrors.unlisted).toEqual(['meta/older.git', 'old.git']);
  });

  it('shows what pruning last did', () => {
    const vm = machine();
    const trees = { sstate: { objects: 3, bytes: 9, moved: 1, moved_bytes: 3 } };
    vm.write(
      '/var/lib/gl-cache/prune/prune.json',
      JSON.stringify({ run: 7, at: '2026-11-24T03:00:00Z', mode: 'age', refused: ['x'], trees }),
    );
    expect(health(vm).parsed?.prune).toEqual({ at: '2026-11-24T03:00:00Z', mode: 'age', refused: ['x'], trees });
  });
});

describe('the health object', () => {
  async function bench(change: { readonly credential?: object; readonly bucket?: string } = {}) {
    const sandbox = await startSandbox({ clock: new RunningClock() });
    endings.push(() => sandbox.close());
    const { accessKey, secretKey, securityToken } = sandbox.iam.temporaryKeys(3600);
    const credential = { access: accessKey, secret: secretKey, securitytoken: securityToken, ...change.credential };
    const asked: string[] = [];
    const metadata = await serve((url) => {
      asked.push(url);
      return JSON.stringify({ credential });
    });
    const vm = machine({ health: { endpoint: sandbox.urls.obs, bucket: change.bucket ?? sandbox.bucket, dialect: 'obs' } });
    vm.write('/etc/gl-cache/manager.json', JSON.stringify({ ...vm.json('/etc/gl-cache/manager.json'), metadata: metadata.url }));
    const publish = (at = Date.now()) => vm.asyncProgram('health', `print(it.main(${Math.floor(at / 1000)}))`);
    return { sandbox, vm, asked, credential, publish, object: () => stored(sandbox), stopMetadata: metadata.stop };
  }

  function stored(sandbox: Sandbox): string | undefined {
    return sandbox.obs.bucket(sandbox.bucket).get(managerKey('cache-1'))?.body.toString();
  }

  async function serve(answer: (url: string) => string): Promise<{ readonly url: string; stop(): Promise<void> }> {
    const server: Server = createServer((request, response) => response.end(answer(request.url ?? '')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
    endings.push(stop);
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
  }

  it("is signed with the keys of the machine's agency", async () => {
    const { publish, object, asked } = await bench();
    expect(await publish()).toEqual({ status: 0, stdout: '0\n' });
    expect(asked).toEqual(['/openstack/latest/securitykey']);
    expect(parseJsonAs(ManagerHealth, object() ?? '')).toMatchObject({ name: 'cache-1', phase: 'ready' });
  });

  it('is not sent for 15 minutes after the bucket refused it, so that the keys are not locked', async () => {
    const { publish, object, asked, vm, credential } = await bench({ credential: { secret: 'wrong' } });
    expect((await publish()).stdout).toBe('not published: the bucket answered 403\n1\n');
    expect((await publish()).stdout).toBe('not published: refused before; tried again later\n1\n');
    expect(asked).toHaveLength(1);
    await publish(Date.now() + 15 * 60_000 + 5000);
    expect(asked).toHaveLength(2);
    expect(object()).toBeUndefined();
    for (const secret of Object.values(credential)) expect(vm.read(HEALTH)).not.toContain(secret);
  });

  it('says that the machine has no agency, and goes on writing the file', async () => {
    const { publish, vm, stopMetadata } = await bench();
    await stopMetadata();
    expect((await publish()).stdout).toBe('not published: no keys: has the VM an agency?\n1\n');
    expect(parseJsonAs(ManagerHealth, vm.read(HEALTH))?.phase).toBe('ready');
  });

  it('says what the bucket said', async () => {
    const { publish } = await bench({ bucket: 'another-bucket' });
    expect((await publish()).stdout).toBe('not published: the bucket answered 404\n1\n');
  });

  it.each([
    { endpoint: 'https://obs.eu-de.otc.t-systems.com', url: 'https://b.obs.eu-de.otc.t-systems.com/manager/v1/x.json' },
    { endpoint: 'http://127.0.0.1:9000', url: 'http://127.0.0.1:9000/b/manager/v1/x.json' },
  ])('goes to $url', ({ endpoint, url }) => {
    const call = `print(it.object_url({'endpoint': ${JSON.stringify(endpoint)}, 'bucket': 'b'}, 'manager/v1/x.json'))`;
    expect(machine().program('health', call).stdout).toBe(`${url}\n`);
  });
});
