import { describe, expect, it } from 'vitest';
import { status } from '../../cli/commands/status.ts';
import type { FarmStatus } from '../../lib/app/status/schema.ts';
import { FARM_KEY } from '../../lib/core/keys.ts';
import { FAST_MACHINES, MINUTE, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

function farm(p: TestFarm): FarmStatus {
  return JSON.parse(p.text(FARM_KEY));
}

async function statusText(p: TestFarm): Promise<string> {
  const said: string[] = [];
  const output = { json: false, data: (text: string) => void said.push(text), say: () => undefined };
  const options = { append: true, timezone: 'UTC', width: 120, colour: false };
  await p.run((services) => status(services.store, options, p.clock.now(), output));
  return said.join('\n');
}

it('shows what a pass has just ordered as on its way, and no machine before there is one', async () => {
  const p = await startTestFarm({ ...FAST_MACHINES, timer: false, hooks: false, pools: [{ limit: 3 }] });
  p.push(4);
  await p.tick();
  expect(farm(p).workers.map(({ phase, coming }) => [phase, coming])).toEqual(Array(3).fill(['booting', true]));
  expect(await statusText(p)).toMatch(/0\/3 3 on their way, 4 waiting/);
  expect(p.series().at(-1)).toMatchObject({ machines: '0', booting: '0', pending: '4' });
  await p.advance(MINUTE);
  await p.tick();
  expect(await statusText(p)).toMatch(/3\/3 3 busy, 1 waiting/);
});

it('counts no machine for a runner whose VM was never ordered, and keeps its place in the limit', async () => {
  const p = await startTestFarm({ ...FAST_MACHINES, timer: false, hooks: false, pools: [{ limit: 1 }] });
  const name = `pool0-${'0'.repeat(26)}`;
  const spec = { scope: { kind: 'group', path: 'acme' }, name, tags: ['pool0'], runUntagged: false, protectedOnly: false } as const;
  const made = p.run((services) => services.forge.createRunner(spec));
  await p.advance(SECOND);
  await made;
  p.push(1);
  await p.tick();
  expect(p.series().at(-1)).toMatchObject({ machines: '0', booting: '0' });
  expect(p.logged('plan').at(-1)).toMatchObject({ machines: 0, booting: 0, coming: 1, launch: 0, brakes: [] });
  expect(p.vms()).toEqual([]);
  expect(JSON.parse(p.text('counts/v1/latest.json'))).toMatchObject({ machines: 0 });
});

describe('busy since', () => {
  it('is when a worker was seen with its job, never its launch, and begins anew with the next job', async () => {
    const p = await startTestFarm({ ...FAST_MACHINES, pools: [{ limit: 1, idle_time: 600 }] });
    p.push([{ durationMs: 20 * SECOND }]);
    await p.advance(5 * MINUTE);
    expect(farm(p).workers).toMatchObject([{ phase: 'idle' }]);
    const began = p.clock.now();
    p.push([{ durationMs: 5 * MINUTE }]);
    await p.advance(4 * MINUTE);
    const [first] = farm(p).workers;
    expect(first?.phase).toBe('busy');
    expect(Date.parse(first?.since ?? '')).toBeGreaterThanOrEqual(began);

    const second = p.clock.now();
    p.push([{ durationMs: 10 * MINUTE }]);
    await p.advance(6 * MINUTE);
    const [next] = farm(p).workers;
    expect([next?.name, next?.phase]).toEqual([first?.name, 'busy']);
    expect(Date.parse(next?.since ?? '')).toBeGreaterThan(second);
  });
});
