import middy from '@middy/core';
import { describe, expect, it } from 'vitest';
import { type CallContext, localContext, toCallContext } from '../../../../lib/runtime/functiongraph/context.ts';
import { type ApigReply, isTimerEvent, parseApigEvent, triggeringHook } from '../../../../lib/runtime/functiongraph/events.ts';
import { context } from '../parts.ts';

describe("middy's early timeout", () => {
  const never = () => new Promise<ApigReply>(() => undefined);

  it('comes, because the adapter has the name that middy looks for', async () => {
    const stack = middy<unknown, ApigReply, Error, CallContext>({ timeoutEarlyInMillis: 50 }).handler(never);
    await expect(stack({}, toCallContext(context({ getRemainingTimeInMilliSeconds: () => 51 })))).rejects.toThrow('aborted');
  });

  it.each([
    { name: 'as given', remaining: () => 1234, ms: 1234 },
    { name: 'no number', remaining: () => Number.NaN, ms: 30_000 },
    { name: 'a failing getter', remaining: () => JSON.parse(''), ms: 30_000 },
  ])('time left: $name', ({ remaining, ms }) => {
    expect(toCallContext(context({ getRemainingTimeInMilliSeconds: remaining })).getRemainingTimeInMillis()).toBe(ms);
  });
});

describe('events', () => {
  it.each([
    {
      name: 'headers that are no texts are left out',
      event: { httpMethod: 'POST', headers: { a: 'x', b: ['y'], c: null } },
      headers: { a: 'x' },
    },
    { name: 'no headers', event: { httpMethod: 'POST' }, headers: {} },
  ])('APIG: $name', ({ event, headers }) => {
    expect(parseApigEvent(event)).toEqual({ httpMethod: 'POST', headers, body: '', isBase64Encoded: false });
  });

  it.each([
    {
      name: 'a timer',
      event: { version: 'v1.0', time: '2026-11-23T17:00:00+01:00', trigger_type: 'TIMER', trigger_name: 'reaper', user_event: 'x' },
      timer: true,
    },
    { name: 'a timer without a name', event: { trigger_type: 'TIMER' }, timer: true },
    { name: 'another trigger', event: { trigger_type: 'OBS' }, timer: false },
    { name: 'a call by hand', event: {}, timer: false },
    { name: 'nothing', event: undefined, timer: false },
  ])('timer: $name', ({ event, timer }) => {
    expect(isTimerEvent(event)).toBe(timer);
  });

  it.each([
    { name: 'as it is sent', event: { jobId: 1, projectId: 2 }, job: { jobId: 1, projectId: 2 } },
    { name: "wrapped, as the API reference's example", event: { body: { jobId: 1, projectId: 2 } }, job: { jobId: 1, projectId: 2 } },
    {
      name: "with its hook's arrival",
      event: { jobId: 1, projectId: 2, hookAt: 1_700_000_000_000 },
      job: { jobId: 1, projectId: 2, hookAt: 1_700_000_000_000 },
    },
    { name: 'with an arrival that is no time', event: { jobId: 1, projectId: 2, hookAt: -1 }, job: { jobId: 1, projectId: 2 } },
    { name: 'passed on without a job', event: {}, job: undefined },
    { name: 'nonsense', event: { jobId: 'x', projectId: 2 }, job: undefined },
    { name: 'nothing', event: null, job: undefined },
  ])('wake-up: $name', ({ event, job }) => {
    expect(triggeringHook(event)).toEqual(job);
  });
});

it('a context for elsewhere counts its time down and has no keys', () => {
  let now = 1_000;
  const fg = localContext({ requestId: 'r', functionName: 'f', timeoutMs: 500, userData: { K: 'v' }, now: () => now });
  expect(fg.getRemainingTimeInMilliSeconds()).toBe(500);
  now = 1_400;
  expect(fg.getRemainingTimeInMilliSeconds()).toBe(100);
  now = 9_000;
  expect(fg.getRemainingTimeInMilliSeconds()).toBe(0);
  expect([fg.getUserData('K'), fg.getUserData('constructor'), fg.getSecurityAccessKey(), fg.getRequestID()]).toEqual([
    'v',
    undefined,
    '',
    'r',
  ]);
});
