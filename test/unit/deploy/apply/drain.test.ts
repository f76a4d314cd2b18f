import { expect, it } from 'vitest';
import { drain } from '../../../../deploy/apply/drain.ts';
import { putControl, readControls } from '../../../../lib/app/controls/store.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const nobody = { servers: async () => [] };

it('a removal that drains says so when a pause stands in the way', async () => {
  const store = new MemoryStore();
  await putControl(store, { kind: 'pause', target: 'arm', since: 0 });
  const said: string[] = [];
  await drain({ cloud: nobody, store, say: (line) => said.push(line), pollMs: 0, mostMs: 0 });
  expect(said.join('\n')).toContain('But pool arm is paused: nothing is created, nothing deleted. Nothing is deleted until scaler resume.');
  expect((await readControls(store)).map(({ kind, target }) => `${kind} ${target}`)).toEqual(['drain _all', 'pause arm']);
});
