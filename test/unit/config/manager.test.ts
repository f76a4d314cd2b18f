import { describe, expect, it } from 'vitest';
import { InvalidConfigError } from '../../../lib/config/check/problems.ts';
import { compileConfig, loadConfigText } from '../../../lib/config/load/yaml.ts';
import { baseDocument } from './base.ts';

const CLIENT = { subnet: '10.0.1.0/24', access: 'rw' };
const MINIMAL = { name: 'cache-1', clients: [CLIENT], volume: { device: '/dev/vdb' } };
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

function load(manager: unknown, document: object = baseDocument()) {
  return loadConfigText(JSON.stringify({ ...document, manager }), 'json');
}

function problems(manager: unknown) {
  try {
    load(manager);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

function mirrors(...urls: string[]) {
  return { ...MINIMAL, mirrors: urls.map((url) => ({ url })) };
}

describe('a manager', () => {
  it('needs a name, its clients and a volume; all else has a value', () => {
    expect(load(MINIMAL).manager).toEqual({
      name: 'cache-1',
      path: '/cache',
      clients: [CLIENT],
      sshFrom: [],
      volume: { device: '/dev/vdb', filesystem: 'ext4' },
      owner: 2000,
      mirrors: [],
      prune: {
        sstateUnusedSeconds: 14 * 86_400,
        downloadsUnusedSeconds: 60 * 86_400,
        longestJobSeconds: 86_400,
        startAt: 85,
        stopAt: 75,
        most: 30,
      },
      health: { endpoint: 'https://obs.eu-de.otc.t-systems.com', bucket: 'acme-ci', dialect: 'obs' },
    });
  });

  it('keeps its health to itself where that is wished', () => {
    expect(load({ ...MINIMAL, publish_health: false }).manager).not.toHaveProperty('health');
  });

  it('names mirrors by their URLs, or as it is told', () => {
    const told = { url: 'ssh://git@git.example.com/bsp.git', name: 'vendor/bsp.git', every: '5m' };
    const named = load({
      ...MINIMAL,
      mirrors: [{ url: 'https://git.example.com/meta/poky' }, { url: 'https://x.example.com/a.git/' }, told],
    });
    expect(named.manager?.mirrors.map(({ name, everySeconds }) => [name, everySeconds])).toEqual([
      ['poky.git', 1800],
      ['a.git', 1800],
      ['vendor/bsp.git', 300],
    ]);
  });

  it.each([
    { name: 'everybody', manager: { ...MINIMAL, clients: [{ subnet: '0.0.0.0/0', access: 'ro' }] }, says: /subnet: is everybody/ },
    { name: 'everybody by IPv6', manager: { ...MINIMAL, clients: [{ subnet: '::/0', access: 'ro' }] }, says: /subnet: is everybody/ },
    { name: 'half of the world', manager: { ...MINIMAL, clients: [{ subnet: '0.0.0.0/1', access: 'ro' }] }, says: /wider than \/8/ },
    { name: 'SSH for everybody', manager: { ...MINIMAL, ssh_from: ['0.0.0.0/0'] }, says: /ssh_from\[0\]: is everybody/ },
    { name: 'no subnet at all', manager: { ...MINIMAL, clients: [{ subnet: 'workers', access: 'rw' }] }, says: /is no subnet/ },
    {
      name: 'an address with a prefix',
      manager: { ...MINIMAL, clients: [{ subnet: '10.0.1.7/24', access: 'rw' }] },
      says: /bits set after/,
    },
    { name: 'nobody', manager: { ...MINIMAL, clients: [] }, says: /^manager\.clients/ },
    {
      name: 'two rights for one machine',
      manager: { ...MINIMAL, clients: [CLIENT, { subnet: '10.0.0.0/16', access: 'ro' }] },
      says: /overlaps clients\[0\]/,
    },
    { name: 'a key that is none', manager: { ...MINIMAL, client: [] }, says: /did you mean "clients"/ },
    { name: 'a device with a way out', manager: { ...MINIMAL, volume: { device: '/dev/disk/../sda' } }, says: /device: must not hold/ },
    { name: 'a password in a URL', manager: mirrors('https://me:secret@git.example.com/a.git'), says: /must not hold a password/ },
    { name: 'a token as user', manager: mirrors('https://glpat-1@git.example.com/a.git'), says: /must not hold a password/ },
    { name: 'a local path', manager: mirrors('/srv/a.git'), says: /must begin with/ },
    { name: "git's transport that runs commands", manager: mirrors('ext::sh -c id'), says: /must begin with/ },
    { name: 'an option as host', manager: mirrors('ssh://-oProxyCommand=id/a.git'), says: /manager\.mirrors\[0\]\.url/ },
    { name: 'a URL with quotes', manager: mirrors("https://git.example.com/a'b.git"), says: /is no URL/ },
    { name: 'a URL without a repository', manager: mirrors('https://git.example.com/'), says: /names no repository/ },
    {
      name: 'two mirrors in one folder',
      manager: mirrors('https://git.example.com/poky', 'https://other.example.com/Poky.git'),
      says: /mirrors\[1\]\.name: .* mirrors\[0\]/,
    },
    {
      name: 'a mirror within a mirror',
      manager: { ...MINIMAL, mirrors: [{ url: 'https://x.example.com/a.git' }, { url: 'https://x.example.com/b', name: 'a.git/b.git' }] },
      says: /lies within/,
    },
    { name: 'pruning that never ends', manager: { ...MINIMAL, prune: { start_at: 70, stop_at: 80 } }, says: /stop_at: must be below/ },
    {
      name: 'a hash server that moves by itself',
      manager: { ...mirrors('https://x.example.com/bitbake'), hashserv: { mirror: 'bitbake.git', commit: 'master' } },
      says: /whole commit id/,
    },
    {
      name: 'a hash server from nowhere',
      manager: { ...MINIMAL, hashserv: { mirror: 'bitbake.git', commit: COMMIT } },
      says: /hashserv\.mirror: is not the name/,
    },
    {
      name: 'a hash server on the port of NFS',
      manager: { ...mirrors('https://x.example.com/bitbake'), hashserv: { mirror: 'bitbake.git', commit: COMMIT, port: 2049 } },
      says: /port of NFS/,
    },
  ])('is refused with $name', ({ manager, says }) => {
    expect(problems(manager)).toEqual([expect.stringMatching(says)]);
  });

  it('is refused together with what else is wrong, each with its line', () => {
    const text = `${JSON.stringify({ ...baseDocument(), pools: [] }).slice(0, -1)},\n"manager": {"name": "cache-1"}}`;
    expect(() => loadConfigText(text, 'yaml')).toThrow(InvalidConfigError);
    try {
      loadConfigText(text, 'yaml');
    } catch (error) {
      const found = error instanceof InvalidConfigError ? error.problems : [];
      expect(found.map(({ path }) => path)).toEqual(expect.arrayContaining(['pools', 'manager.clients', 'manager.volume']));
      expect(found.every(({ line }) => line !== undefined)).toBe(true);
    }
  });

  it.each([
    { name: 'caches over a public network', manager: { ...MINIMAL, clients: [{ subnet: '80.158.0.0/24', access: 'ro' }] }, says: /public/ },
    { name: 'sources from an unencrypted URL', manager: mirrors('http://git.example.com/a.git'), says: /not encrypted/ },
    {
      name: 'pruning within the longest job',
      manager: { ...MINIMAL, prune: { longest_job: '2h' } },
      says: /shorter than a maximum_timeout/,
    },
  ])('is warned about $name', ({ manager, says }) => {
    expect(load(manager).warnings.map(({ message }) => message)).toEqual([expect.stringMatching(says)]);
  });

  it('is warned about pools that ask for another export', () => {
    const document = { ...baseDocument(), cache: { server: 'cache.example.com', export: '/srv/cache' } };
    expect(load(MINIMAL, document).warnings.map(({ message }) => message)).toContainEqual(expect.stringContaining('/srv/cache'));
  });

  it("does not travel with the functions' configuration", () => {
    const { json, config } = compileConfig(JSON.stringify({ ...baseDocument(), manager: MINIMAL }));
    expect(config.manager?.name).toBe('cache-1');
    expect(JSON.parse(json)).not.toHaveProperty('config.manager');
    expect(loadConfigText(json, 'json').settings).toEqual(config.settings);
  });
});
