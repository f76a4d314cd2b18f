import { expect, it } from 'vitest';
import type { Services } from '../../../../lib/app/services.ts';
import type { Settings } from '../../../../lib/app/settings.ts';
import { readPrevious } from '../../../../lib/app/status/previous.ts';
import { type FarmStatus, writeFarm } from '../../../../lib/app/status/schema.ts';
import { UnclearError } from '../../../../lib/core/errors.ts';
import { toIso } from '../../../../lib/core/time.ts';
import { NOW } from '../../../../testkit/builders.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const health = (name: string) =>
  JSON.stringify({
    ...{ name, at: toIso(NOW), uptime: 1, phase: 'running', disk: null, start_at: 85, prune: null, hashserv: null },
    nfs: { active: true, threads: 8, clients: 1 },
    mirrors: { count: 0, failed: [], late: [], oldest_seconds: null, unlisted: [] },
  });
const before: FarmStatus = {
  ...{ version: 1, time: toIso(NOW - 60_000), installation: 'test', pools: [], workers: [], waiting: [], actions: [], alarms: [] },
  managers: ['one', 'two'].map((name) => ({ name, time: toIso(NOW - 60_000), phase: 'before', problems: [] })),
};

/** A bucket in which reads of one key, or every list, fail. */
class BrokenStore extends MemoryStore {
  broken = '';
  override async get(...args: Parameters<MemoryStore['get']>) {
    if (args[0] === this.broken) throw new UnclearError('http-500', 'no');
    return await super.get(...args);
  }
  override async list(...args: Parameters<MemoryStore['list']>) {
    if (args[0] === this.broken) throw new UnclearError('http-500', 'no');
    return await super.list(...args);
  }
}

async function read(broken: string) {
  const store = new BrokenStore();
  await writeFarm(store, before, {});
  for (const name of ['one', 'two']) await store.put(`manager/v1/${name}.json`, health(name));
  store.broken = broken;
  const told: unknown[] = [];
  const log = { info: () => undefined, warn: (message: string, fields: unknown) => told.push([message, fields]), error: () => undefined };
  const services = { store, clock: { now: () => NOW }, log } as unknown as Services;
  const settings = { pools: [], append: true } as unknown as Settings;
  const { signal } = new AbortController();
  const around = await readPrevious({ services, settings, deadline: { act: signal, all: signal } });
  return { managers: around?.managers.map(({ name, phase }) => `${name} ${phase}`), unread: around?.managersUnread, told };
}

it('shows the managers as they are', async () => {
  expect(await read('')).toEqual({ managers: ['one running', 'two running'], unread: undefined, told: [] });
});

it('shows one that cannot be read as it was, and the others as they are', async () => {
  const { managers, unread, told } = await read('manager/v1/two.json');
  expect([managers, unread]).toEqual([['one running', 'two before'], true]);
  expect(told).toEqual([['cache manager not looked at', expect.objectContaining({ manager: 'two', code: 'http-500' })]]);
});

it('shows all as they were when they cannot be listed', async () => {
  expect(await read('manager/v1/')).toMatchObject({ managers: ['one before', 'two before'], unread: true });
});

it("does without the ledger's last actions", async () => {
  const { managers } = await read(`ledger/v1/${toIso(NOW).slice(0, 10).replaceAll('-', '/')}/${toIso(NOW).slice(11, 13)}.ndjson`);
  expect(managers).toEqual(['one running', 'two running']);
});
