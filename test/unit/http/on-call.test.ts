import { expect, it, onTestFinished } from 'vitest';
import { send } from '../../../lib/http/client.ts';
import { type CallRecord, onCall } from '../../../lib/http/on-call.ts';
import { createLog, logCalls } from '../../../lib/runtime/log.ts';
import { fakeGitLab, gitLabAt, NOW, TOKEN, thrownBy } from '../gitlab/fake-gitlab.ts';

function listening(): CallRecord[] {
  const calls: CallRecord[] = [];
  onTestFinished(onCall((call) => calls.push(call)));
  return calls;
}

it('a call is reported once, with its repetitions', async () => {
  const calls = listening();
  const fake = await fakeGitLab((_, index) => ({ status: index === 0 ? 503 : 200 }));
  const call = { name: 'test.read', method: 'GET', url: `${fake.url}/x?secret=1`, headers: () => ({}), maxBytes: 10 } as const;
  await send({ ...call, pausesMs: [1] });
  expect(calls).toEqual([{ name: 'test.read', status: 200, ms: expect.any(Number) }]);
});

it('a call without an answer is reported by its code, a refused one by its status', async () => {
  const calls = listening();
  const fake = await fakeGitLab((_, index, response) => {
    if (index > 0) return { status: 404 };
    response.socket?.destroy();
    return undefined;
  });
  const call = { name: 'test.write', method: 'POST', url: fake.url, headers: () => ({}), maxBytes: 10, pausesMs: [] } as const;
  await thrownBy(send(call));
  await send(call);
  expect(calls.map(({ ms: _, ...rest }) => rest)).toEqual([
    { name: 'test.write', code: 'ECONNRESET' },
    { name: 'test.write', status: 404 },
  ]);
});

it('a line of the log has the name of the call and nothing secret; nothing is logged once it is over', async () => {
  const lines: string[] = [];
  const stop = logCalls(createLog({ clock: { now: () => NOW }, write: (line) => lines.push(line) }));
  const fake = await fakeGitLab(() => ({ json: { id: 1, name: 'a', status: 'pending', tag_list: ['secret-tag'] } }));
  await gitLabAt(fake)
    .job('group/project', 7)
    .catch(() => undefined);
  stop();
  await gitLabAt(fake)
    .job('group/project', 7)
    .catch(() => undefined);
  expect(lines.map((line) => ({ ...JSON.parse(line), ms: 0 }))).toEqual([
    { level: 'debug', ts: '2026-11-23T16:05:00.000Z', name: 'gitlab.job', status: 200, ms: 0, msg: 'call' },
  ]);
  expect(lines.join()).not.toMatch(new RegExp(`${TOKEN}|127[.]0|group|secret`));
});
