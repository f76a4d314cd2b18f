import { describe, expect, it } from 'vitest';
import { healthProblems, ManagerHealth } from '../../../../lib/app/status/cache-manager.ts';
import { parseJsonAs } from '../../../../lib/app/storage/json.ts';
import { managerKey } from '../../../../lib/core/keys.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const GIB = 1024 ** 3;

const HEALTHY = {
  v: 1,
  name: 'cache-1',
  at: '2026-11-24T11:59:30Z',
  uptime: 3600,
  phase: 'ready',
  disk: { bytes: 100 * GIB, used: 40 * GIB, inodes: 1000, inodes_used: 10, fill: 40 },
  start_at: 85,
  nfs: { active: true, threads: 16, clients: 3 },
  mirrors: { count: 2, failed: [], late: [], oldest_seconds: 300, unlisted: [] },
  prune: { at: '2026-11-24T03:00:00Z', mode: 'age', refused: [], trees: { sstate: { objects: 9, bytes: GIB, moved: 1, moved_bytes: 7 } } },
  trash: { days: 1, bytes: 7, oldest: '2026-11-23' },
  hashserv: null,
};

function problemsOf(change: object) {
  const health = parseJsonAs(ManagerHealth, JSON.stringify({ ...HEALTHY, ...change }));
  if (!health) throw new Error('not parsed');
  return healthProblems(health, NOW);
}

describe("a manager's health", () => {
  it('lies under its name, beside the counts and not among them', () => {
    expect(managerKey('cache-1')).toBe('manager/v1/cache-1.json');
  });

  it('is well', () => {
    expect(problemsOf({})).toEqual([]);
  });

  it.each([
    { name: 'silence', change: { at: '2026-11-24T11:50:00Z' }, what: 'nothing heard for 10 min', todo: 'journalctl' },
    {
      name: 'a setup that failed',
      change: { phase: 'failed', reason: 'volume-missing' },
      what: 'setup failed: volume-missing',
      todo: 'attach',
    },
    { name: 'a reason of a newer manager', change: { phase: 'failed', reason: 'new' }, what: 'setup failed: new', todo: 'journalctl' },
    { name: 'a setup on its way', change: { phase: 'packages' }, what: 'setup is at packages', todo: 'wait' },
    { name: 'no volume', change: { disk: null }, what: 'the data volume is not mounted', todo: 'attach' },
    { name: 'no NFS', change: { nfs: { active: false, threads: 0, clients: null } }, what: 'NFS is not served', todo: 'nfs-server' },
    { name: 'a full volume', change: { disk: { ...HEALTHY.disk, fill: 91 } }, what: 'the volume is 91 % full', todo: 'enlarge' },
    {
      name: 'pruning that was refused',
      change: { prune: { ...HEALTHY.prune, refused: ['sstate: 9 of 9 are unused'] } },
      what: 'pruning refused: sstate: 9 of 9 are unused',
      todo: '--accept',
    },
    {
      name: 'a broken mirror, once',
      change: { mirrors: { ...HEALTHY.mirrors, failed: [{ name: 'a.git', error: 'gone' }], late: ['a.git'] } },
      what: 'mirror a.git failed: gone',
      todo: 'URL',
    },
    {
      name: 'an old mirror',
      change: { mirrors: { ...HEALTHY.mirrors, late: ['b.git'] } },
      what: 'mirror b.git is old',
      todo: 'journalctl',
    },
    { name: 'a silent hash server', change: { hashserv: false }, what: 'the hash server does not answer', todo: 'journalctl' },
  ])('tells of $name and what to do', ({ change, what, todo }) => {
    expect(problemsOf(change)).toEqual([{ what: expect.stringContaining(what), todo: expect.stringContaining(todo) }]);
  });

  it.each(['', 'no JSON', '{}', '[]', JSON.stringify({ ...HEALTHY, at: 'yesterday' })])('is not read out of %s', (text) => {
    expect(parseJsonAs(ManagerHealth, text)).toBeUndefined();
  });

  it('may say more than is known today', () => {
    expect(parseJsonAs(ManagerHealth, JSON.stringify({ ...HEALTHY, v: 2, weather: 'fine' }))?.name).toBe('cache-1');
  });
});
