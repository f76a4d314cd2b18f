import { describe, expect, it } from 'vitest';
import { readControls } from '../../../../lib/app/controls/store.ts';
import { explainJob } from '../../../../lib/app/ledger/explain.ts';
import { readLedger } from '../../../../lib/app/ledger/read.ts';
import type { Services } from '../../../../lib/app/services.ts';
import { UnclearError } from '../../../../lib/core/errors.ts';
import { toIso } from '../../../../lib/core/time.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';
import { farm, run, START, TURNSTILE } from '../fake-farm.ts';

const unclear = () => Promise.reject(new UnclearError('http-500', 'HTTP 500'));

/** Another call takes the turnstile for a minute. */
function holdTurnstile(store: MemoryStore, at: number): void {
  const bytes = Buffer.from(`${store.text(TURNSTILE)}${JSON.stringify({ op: 'take', id: 'x', at, until: at + 60_000 })}\n`);
  store.objects.set(TURNSTILE, { bytes, appendable: true });
}

/** Three ticks a minute apart; what people were told of it, and what `explain` says of job 1. */
async function ticks(
  prepare: (f: ReturnType<typeof farm>) => Partial<Services> | undefined,
  before?: (f: ReturnType<typeof farm>) => void,
) {
  const f = farm();
  const services = { ...f.services, ...prepare(f) };
  const after: (readonly string[])[] = [];
  for (let tick = 0; tick < 3; tick++) {
    before?.(f);
    await run(services, f.settings);
    after.push(f.told.map(({ alarm }) => alarm.kind));
    await f.services.clock.sleep(START + (tick + 1) * 60_000 - f.services.clock.now());
  }
  const story = explainJob(await readLedger(f.store, START, START), 1).lines.map(({ text }) => text);
  const texts = f.told.filter(({ alarm }) => alarm.kind === 'launching-stopped').map(({ alarm }) => alarm.text);
  return { ...f, after, story: story.join('\n'), texts };
}

describe('a pool that launches nothing although jobs wait', () => {
  it.each<{ name: string; prepare: Parameters<typeof ticks>[0]; before?: Parameters<typeof ticks>[1]; says: RegExp; explained: RegExp }>([
    {
      name: 'its memory cannot be read',
      prepare: ({ store }) => {
        const get = store.get.bind(store);
        store.get = (key, ...rest) => (key === 'state/v1/pools/one.json' ? unclear() : get(key, ...rest));
        return undefined;
      },
      says: /nothing is launched: state\/v1\/pools\/one\.json cannot be read \(http-500: HTTP 500\); give the functions the right/,
      explained: /held back: the pool's memory in the bucket could not be read/,
    },
    {
      name: 'a control cannot be read',
      prepare: ({ store }) => void store.objects.set('control/v1/pause/one.json', { bytes: Buffer.from('{'), appendable: false }),
      says: /control\/v1\/pause\/one\.json cannot be read, so it holds; say it again/,
      explained: /control\/v1\/pause\/one\.json cannot be read, so the pool counts as paused/,
    },
    {
      name: 'a source cannot be read',
      prepare: ({ services: { cloud } }) => ({
        cloud: { ...cloud, servers: (prefix) => (prefix === 'one-' ? unclear() : Promise.resolve([])) },
      }),
      says: /servers cannot be read \(http-500: HTTP 500\); scaler doctor/,
      explained: /pool one: nothing could be decided: servers could not be read/,
    },
    {
      name: 'each launch fails',
      prepare: ({ services: { forge } }) => ({ forge: { ...forge, createRunner: unclear } }),
      says: /each launch fails \(http-500\); scaler explain --worker one-\S+ says/,
      explained: /FAILED: launch of one-/,
    },
    {
      name: 'the turnstile is always held',
      prepare: () => undefined,
      before: ({ store, services }) => holdTurnstile(store, services.clock.now()),
      says: /another call holds the turnstile \(state\/v1\/turnstile\/\)/,
      explained: /held back: another call held the turnstile/,
    },
  ])('$name: an alarm after two ticks, with what is to blame; explain tells it', async ({ name, prepare, before, says, explained }) => {
    const { after, story, texts, servers } = await ticks(prepare, before);
    expect(servers.filter((name) => name.startsWith('one-'))).toEqual([]);
    // What became of a tick's own launches is known to the next one.
    expect([after[0], after[name === 'each launch fails' ? 2 : 1]]).toEqual([[], expect.arrayContaining(['launching-stopped'])]);
    expect(texts[0]).toMatch(says);
    expect(story).toMatch(explained);
    expect(story).toMatch(/alarm launching-stopped: jobs wait/);
  });

  it('because its memory cannot be read: a later pool with equal tags serves the jobs', async () => {
    const { services, settings, store, servers } = farm();
    const get = store.get.bind(store);
    store.get = (key, ...rest) => (key === 'state/v1/pools/one.json' ? unclear() : get(key, ...rest));
    const pools = settings.pools.map((p) => ({ ...p, pool: { ...p.pool, tags: ['one', 'two'] } }));
    await run(services, { ...settings, pools });
    expect(servers.map((name) => name.slice(0, 4))).toEqual(['two-', 'two-']);
  });

  it('because of the turnstile as a whole: only ticks launch, and the alarm says so', async () => {
    const { after, texts, servers, story } = await ticks(({ store }) => {
      for (const part of ['', '-2', '-3', '-4', '-5', '-6', '-7', '-8', '-9'])
        store.objects.set(TURNSTILE.replace('.log', `${part}.log`), { bytes: Buffer.from('x'), appendable: false });
      return undefined;
    });
    expect(servers.length).toBeGreaterThan(0);
    expect(after.slice(0, 2)).toEqual([[], ['launching-stopped']]);
    expect(texts[0]).toMatch(
      /the turnstile cannot be used \(turnstile-closed: none of 9 parts of state\/v1\/turnstile.*set bucket\.append: false/,
    );
    expect(story).toContain('launching-stopped');
  });

  it('because the jobs cannot be read: explain says that much', async () => {
    const { story } = await ticks(({ services: { forge } }) => ({ forge: { ...forge, pendingJobs: unclear } }));
    expect(story).toMatch(/jobs could not be read \(http-500: HTTP 500\)/);
  });

  it('no more than it needs, because the call that holds the turnstile launches: no such alarm', async () => {
    const { texts } = await ticks(
      () => undefined,
      ({ store, services }) => {
        holdTurnstile(store, services.clock.now());
        const time = toIso(services.clock.now() - 20_000);
        const launched = { time, pass: 'p', trigger: 'hook', kind: 'launch', why: 'demand', outcome: 'done', ms: 1 };
        const lines = ['one', 'two'].map((pool) => `${JSON.stringify({ ...launched, pool, worker: `${pool}-x` })}\n`);
        const key = 'ledger/v1/2026/11/23/16.ndjson';
        store.objects.set(key, { bytes: Buffer.from(`${store.text(key)}${lines.join('')}`), appendable: true });
      },
    );
    expect(texts).toEqual([]);
  });

  it('because somebody has said so: no such alarm', async () => {
    const { texts } = await ticks(({ store }) => {
      const bytes = Buffer.from(JSON.stringify({ version: 1, since: START }));
      store.objects.set('control/v1/pause/_all.json', { bytes, appendable: false });
      return undefined;
    });
    expect(texts).toEqual([]);
  });
});

it.each(['control/v1/', 'control/v1/pause/', 'control/v1/README', 'control/v1/README.md', 'control/v1/pause/notes.txt'])(
  'a key that is no control does not stop deleting: %s',
  async (key) => {
    const store = new MemoryStore();
    await store.put(key, '');
    expect(await readControls(store)).toEqual([]);
  },
);

it('a control of a kind that this version does not know: the alarm names the object and says what to do', async () => {
  const { services, settings, store } = farm();
  await store.put('control/v1/freeze/one.json', '{}');
  await run(services, settings);
  const [alarm] = JSON.parse(store.text('counts/v1/farm.json')).alarms;
  expect(alarm.text).toMatch(
    /controls cannot be read \(unknown-control\): nothing is deleted.*; control\/v1\/freeze\/one\.json .* delete it/,
  );
});
