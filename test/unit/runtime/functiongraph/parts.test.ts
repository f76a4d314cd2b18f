import console from 'node:console';
import { expect, it, vi } from 'vitest';
import { reported } from '../../../../lib/http/on-call.ts';
import { functionParts } from '../../../../lib/runtime/functiongraph/parts.ts';

it.each([
  { name: 'nothing', env: {}, logged: 0 },
  { name: 'another level', env: { SCALER_LOG: 'info' }, logged: 0 },
  { name: 'SCALER_LOG=debug in the user data', env: { RUNTIME_USERDATA: '{"SCALER_LOG":"debug"}' }, logged: 1 },
  { name: 'SCALER_LOG=debug', env: { SCALER_LOG: 'debug' }, logged: 2 },
])('with $name set, functions log their calls $logged times (one listener is of the row before)', async ({ env, logged }) => {
  const write = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  functionParts('reaper', '/nowhere', env);
  await reported('ecs.list', async () => ({ status: 200 }));
  expect(write).toHaveBeenCalledTimes(logged);
  if (logged > 0)
    expect(JSON.parse(String(write.mock.calls[0]?.[0]))).toMatchObject({
      level: 'debug',
      function: 'reaper',
      name: 'ecs.list',
      status: 200,
      msg: 'call',
    });
  write.mockRestore();
});
