import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { managerStatus, renderManager } from '../../../../cli/commands/manager.ts';
import { UserError } from '../../../../cli/shared/environment.ts';
import { loadConfigText } from '../../../../lib/config/load/yaml.ts';
import { managerKey } from '../../../../lib/core/keys.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';
import { baseDocument } from '../../config/base.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const MANAGER = { name: 'cache-1', clients: [{ subnet: '10.0.1.0/24', access: 'rw' }], volume: { device: '/dev/vdb' } };
const HEALTH = {
  name: 'cache-1',
  at: '2026-11-24T11:59:30Z',
  uptime: 200_000,
  phase: 'ready',
  disk: { bytes: 1e11, used: 4e10, inodes: 1000, inodes_used: 10, fill: 40 },
  start_at: 85,
  nfs: { active: true, threads: 16, clients: 3 },
  mirrors: { count: 2, failed: [], late: [], oldest_seconds: 300, unlisted: [] },
  prune: null,
  hashserv: null,
};

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function config(manager: object | undefined = MANAGER) {
  return loadConfigText(JSON.stringify({ ...baseDocument(), ...(manager && { manager }) }), 'json');
}

function collector(json = false) {
  const data: string[] = [];
  const said: string[] = [];
  return { json, data: (text: string) => void data.push(text), say: (text: string) => void said.push(text), lines: data, said };
}

async function status(health: object | string | undefined, json = false) {
  const store = new MemoryStore();
  if (health !== undefined) await store.put(managerKey('cache-1'), typeof health === 'string' ? health : JSON.stringify(health));
  const output = collector(json);
  const code = await managerStatus(config(), store, NOW, output);
  return { code, text: output.lines.join('\n') };
}

describe('scaler manager render', () => {
  it('prints user data that is plain text around one compressed part', () => {
    const output = collector();
    expect(renderManager(config(), undefined, output)).toBe(0);
    const [text = ''] = output.lines;
    expect(text).toMatch(/^Content-Type: multipart\/mixed/);
    const packed = /base64\n.*\n\n([\s\S]*?)\n--gl-cache--/.exec(text)?.[1] ?? '';
    expect(gunzipSync(Buffer.from(packed, 'base64')).toString()).toMatch(/^#cloud-config\n/);
  });

  it('writes a file and says how large it is', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'manager-render-'));
    folders.push(folder);
    const file = path.join(folder, 'user-data');
    const output = collector();
    expect(renderManager(config(), file, output)).toBe(0);
    expect(output.said.join()).toContain(`${readFileSync(file).length} bytes`);
    expect(output.lines).toEqual([]);
  });

  it.each([
    { name: 'a folder that is not there', file: '/no/such/folder/user-data', manager: MANAGER, says: 'cannot be written' },
    { name: 'a configuration without a manager', file: undefined, manager: undefined, says: 'no section "manager"' },
  ])('tells of $name in a sentence', ({ file, manager, says }) => {
    const whole = manager ? config(manager) : loadConfigText(JSON.stringify(baseDocument()), 'json');
    expect(() => renderManager(whole, file, collector())).toThrow(UserError);
    expect(() => renderManager(whole, file, collector())).toThrow(says);
  });
});

describe('scaler manager status', () => {
  it('is 0 and one screen when all is well', async () => {
    expect(await status(HEALTH)).toEqual({
      code: 0,
      text: [
        'cache-1: ready, up 2 d 7 h, seen 30 s ago',
        '  volume: 40.0 GB of 100.0 GB used, 40 % full (bytes or inodes)',
        '  nfs: 16 threads, 3 clients',
        '  mirrors: 2, the oldest fetched 5 min ago',
      ].join('\n'),
    });
  });

  it('has one of each thing', async () => {
    const one = { ...HEALTH, nfs: { active: true, threads: 1, clients: 1 }, trash: { days: 1, bytes: 2e9, oldest: null } };
    const { text } = await status(one);
    expect(text).toContain('nfs: 1 thread, 1 client\n');
    expect(text).toMatch(/trash: 2\.0 GB of 1 day$/);
  });

  it('is 1 with what to do when something is wrong, and nothing of it reaches the terminal raw', async () => {
    const mirrors = { ...HEALTH.mirrors, failed: [{ name: 'a.git', error: 'fatal: \u001b[2Jgone' }] };
    const { code, text } = await status({ ...HEALTH, disk: null, mirrors });
    expect(code).toBe(1);
    expect(text).toContain('volume: not mounted');
    expect(text).toContain('! mirror a.git failed: fatal: gone\n  mend its URL');
  });

  it('is for programs, too', async () => {
    expect(JSON.parse((await status(HEALTH, true)).text)).toMatchObject({ ok: true, problems: [], health: { name: 'cache-1' } });
    expect(JSON.parse((await status(undefined, true)).text)).toMatchObject({ ok: false, health: null });
  });

  it('says what to look at when the manager has never been heard of', async () => {
    const { code, text } = await status(undefined);
    expect(code).toBe(1);
    expect(text).toMatch(/has no manager\/v1\/cache-1\.json.*\nCheck that the VM is up/);
  });

  it('says that something else lies there, and that nothing is published', async () => {
    await expect(status('{}')).rejects.toThrow('was not written by a manager');
    const silent = config({ ...MANAGER, publish_health: false });
    await expect(managerStatus(silent, new MemoryStore(), NOW, collector())).rejects.toThrow('publish_health is false');
  });
});
