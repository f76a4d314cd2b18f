import { describe, expect, it } from 'vitest';
import { clearControl, keep, release, setControl, waitUntilZero } from '../../../../cli/shared/controls.ts';
import { UserError } from '../../../../cli/shared/environment.ts';
import { putControl, readControls } from '../../../../lib/app/controls/store.ts';
import { loadConfigText } from '../../../../lib/config/load/yaml.ts';
import { FARM_KEY } from '../../../../lib/core/keys.ts';
import { toIso } from '../../../../lib/core/time.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';
import { baseDocument, basePool } from '../../config/base.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const HOUR = 3_600_000;
const WORKER = 'bitbake-01k3zzzzzzzzzzzzzzzzzzzzzz';
const OTHER = 'bitbake-01k3yyyyyyyyyyyyyyyyyyyyyy';
const config = loadConfigText(
  JSON.stringify({ ...baseDocument(), pools: [basePool(), { ...basePool(), name: 'arm', tags: ['arm'] }] }),
  'json',
);

async function farm(store: MemoryStore, workers: readonly string[], time = NOW) {
  const seen = workers.map((name) => ({ name, pool: 'bitbake', phase: 'busy', since: toIso(time) }));
  const view = {
    version: 1,
    time: toIso(time),
    installation: 'x',
    pools: [],
    workers: seen,
    waiting: [],
    actions: [],
    alarms: [],
    managers: [],
  };
  await store.put(FARM_KEY, JSON.stringify(view));
}

function saying({ json = false, exists = false } = {}) {
  const store = new MemoryStore();
  const data: string[] = [];
  const told: string[] = [];
  let at = NOW;
  const sleep = (ms: number): Promise<void> => {
    at += ms;
    return Promise.resolve();
  };
  const clock = { now: () => at, sleep };
  const output = { json, data: (text: string) => void data.push(text), say: (text: string) => void told.push(text) };
  return { store, config, clock, output, exists: async () => exists, user: () => 'eva', text: () => data.join('\n'), told };
}

describe('scaler pause and resume', () => {
  it('tell what will happen, and what holds', async () => {
    const s = saying();
    expect(await setControl(s, 'pause', [], { by: 'eva', reason: 'repairs', for: '2h' })).toBe(0);
    expect(s.text().split('\n')).toEqual([
      expect.stringMatching(/nothing is created and nothing is deleted.*scaler resume/),
      'Now:',
      '  every pool is paused: nothing is created, nothing deleted until 2026-11-24T14:00:00Z (eva: repairs)',
    ]);
    expect(await clearControl(s, 'pause', [], {})).toBe(0);
    expect(await readControls(s.store)).toEqual([]);
  });

  it('of one pool say that the pause of all goes on', async () => {
    const s = saying();
    await setControl(s, 'pause', [], { by: 'eva' });
    await setControl(s, 'pause', ['arm'], { by: 'eva' });
    await clearControl(s, 'pause', ['arm'], {});
    expect((await readControls(s.store)).map(({ target }) => target)).toEqual(['_all']);
    expect(s.text()).toMatch(/^But every pool is paused.*scaler resume, without a pool\.$/m);
    await setControl(s, 'pause', ['arm'], { by: 'eva' });
    await clearControl(s, 'pause', [], {});
    expect(await readControls(s.store)).toEqual([]);
  });

  it('work for a user who has no name', async () => {
    const s = saying();
    const user = () => {
      throw new Error('uv_os_get_passwd returned ENOENT');
    };
    expect(await setControl({ ...s, user }, 'pause', [], {})).toBe(0);
    await setControl(s, 'drain', ['arm'], {});
    expect((await readControls(s.store)).map(({ kind, by }) => [kind, by])).toEqual([
      ['drain', 'eva'],
      ['pause', undefined],
    ]);
  });

  it('give programs all that holds', async () => {
    const s = saying({ json: true });
    await setControl(s, 'pause', ['arm', 'arm'], { by: 'eva' });
    expect(JSON.parse(s.text())).toEqual({ ok: true, controls: [{ kind: 'pause', target: 'arm', since: NOW, by: 'eva' }] });
  });
});

describe('scaler drain, undrain and roll', () => {
  it('say so when a pause stands in the way', async () => {
    const s = saying();
    await setControl(s, 'pause', [], { by: 'eva' });
    await setControl(s, 'drain', ['arm'], { by: 'bob' });
    expect(s.text()).toMatch(/^But every pool is paused.*until scaler resume/m);
    expect(s.text()).toContain('pool arm is drained to zero (bob)');
    expect(await clearControl(s, 'drain', ['bitbake'], {})).toBe(0);
    expect(s.text()).toContain('bitbake had no drain.');
    await clearControl(s, 'drain', [], { all: true });
    expect((await readControls(s.store)).map(({ kind }) => kind)).toEqual(['pause']);
  });

  it('are taken back for a pool that is in the configuration no more, so that it does not come back drained', async () => {
    const s = saying();
    await putControl(s.store, { kind: 'drain', target: 'old', since: NOW });
    await expect(clearControl(s, 'pause', ['old'], {})).rejects.toThrow('no pool old');
    expect(await clearControl(s, 'drain', ['old'], {})).toBe(0);
    expect(await readControls(s.store)).toEqual([]);
    await expect(clearControl(s, 'drain', ['old'], {})).rejects.toThrow('no pool old');
  });

  it('roll what was launched before now, for as long as one of these may live', async () => {
    const s = saying();
    await setControl(s, 'roll', ['bitbake'], { by: 'eva' });
    const [{ maxAgeMs } = { maxAgeMs: 0 }] = config.settings.pools.map(({ pool }) => pool);
    expect(await readControls(s.store)).toEqual([
      { kind: 'roll', target: 'bitbake', since: NOW, before: NOW, until: NOW + maxAgeMs + 24 * HOUR, by: 'eva' },
    ]);
  });

  it('--wait shows progress until the reaper sees no machine of the pool', async () => {
    const s = saying();
    await farm(s.store, [WORKER, OTHER], NOW - 1000);
    const looks = [[WORKER, OTHER], [WORKER], [WORKER], []];
    const sleep = s.clock.sleep;
    s.clock.sleep = async (ms) => {
      await sleep(ms);
      await farm(s.store, looks.shift() ?? [], s.clock.now());
    };
    expect(await waitUntilZero(s, ['bitbake'], false, new AbortController().signal)).toBe(0);
    expect(s.told).toEqual([
      expect.stringMatching(/^2 machines left, 2 at their last job; the reaper has not run yet/),
      '2 machines left, 2 at their last job',
      '1 machine left, 1 at its last job',
      '0 machines left, 0 at their last job',
      'No machine of bitbake is left.',
    ]);
  });

  it('--wait does not end while a pass that began before the drain may still launch', async () => {
    const s = saying();
    const looks = [[], [WORKER], [WORKER], [], [], [], [], []];
    const sleep = s.clock.sleep;
    s.clock.sleep = async (ms) => {
      await sleep(ms);
      await farm(s.store, looks.shift() ?? [], s.clock.now());
    };
    expect(await waitUntilZero(s, ['bitbake'], false, new AbortController().signal)).toBe(0);
    expect(s.told).toContain('1 machine left, 1 at its last job');
    expect(s.clock.now() - NOW).toBeGreaterThanOrEqual(60_000);
  });

  it('--wait that is ended is 1', async () => {
    const s = saying();
    await farm(s.store, [WORKER]);
    const stop = new AbortController();
    s.clock.sleep = () => Promise.resolve(stop.abort());
    expect(await waitUntilZero(s, [], true, stop.signal)).toBe(1);
  });
});

describe('scaler keep and release', () => {
  it('keep for a day unless said otherwise', async () => {
    const s = saying();
    await farm(s.store, [WORKER]);
    await keep(s, WORKER, { by: 'eva' });
    expect(await readControls(s.store)).toEqual([{ kind: 'keep', target: WORKER, since: NOW, until: NOW + 24 * HOUR, by: 'eva' }]);
    expect(s.text()).toMatch(/still powers itself off after max_builds \(\d+\)/);
    await release(s, WORKER);
    expect(await readControls(s.store)).toEqual([]);
    await expect(release(s, WORKER)).rejects.toThrow(/is not kept/);
  });

  it('ask the cloud for one that the reaper has not seen yet', async () => {
    const s = saying({ exists: true });
    expect(await keep(s, WORKER, { by: 'eva', for: '30m' })).toBe(0);
  });
});

describe('mistakes', () => {
  const s = saying();
  it.each([
    {
      name: 'a pool that is not there',
      work: () => setControl(s, 'pause', ['bitbak'], {}),
      says: /no pool bitbak\. .*bitbake, arm/,
    },
    { name: 'no pool to drain', work: () => setControl(s, 'drain', [], {}), says: /\(bitbake, arm\), or --all/ },
    { name: 'a pool and all', work: () => setControl(s, 'drain', ['arm'], { all: true }), says: /either pools or --all/ },
    {
      name: 'no time span',
      work: () => setControl(s, 'pause', [], { for: 'soon' }),
      says: /^--for soon: .* 1m to 366d/,
    },
    {
      name: 'too short a time span',
      work: () => setControl(s, 'pause', [], { for: '0' }),
      says: /^--for 0: .* 1m to 366d/,
    },
    {
      name: 'a worker’s name that is none',
      work: () => keep(s, 'bitbake', {}),
      says: /^bitbake does not belong to a pool/,
    },
    { name: 'a worker that is gone', work: () => keep(s, WORKER, {}), says: /^The worker bitbake-.* does not exist/ },
    { name: 'a worker that is not kept', work: () => release(s, WORKER), says: /is not kept/ },
  ])('$name: said, and nothing is written', async ({ work, says }) => {
    const error: unknown = await work().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toEqual(typeof says === 'string' ? says : expect.stringMatching(says));
    expect(await readControls(s.store)).toEqual([]);
  });
});

it('a control expires from the bucket by itself, a day after its end', async () => {
  const store = new MemoryStore();
  const days: (number | undefined)[] = [];
  store.put = async (_key, _body, options?: { readonly expiresDays?: number }) => void days.push(options?.expiresDays);
  await putControl(store, { kind: 'pause', target: 'a', since: NOW });
  await putControl(store, { kind: 'pause', target: 'a', since: NOW, until: NOW + 25 * HOUR });
  expect(days).toEqual([undefined, 3]);
});
