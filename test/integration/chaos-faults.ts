import { MINUTE } from '../../lib/core/time.ts';
import type { SandboxClock } from '../../sandbox/clock.ts';
import type { Fault, Faults } from '../../sandbox/faults.ts';
import type { Random } from '../../sandbox/gitlab/random.ts';

/** Every call that the functions make, and those of the workers that a scaler may be led astray by. */
const OPERATIONS = [
  'gitlab.graphql',
  'gitlab.group',
  'gitlab.runner-create',
  'gitlab.runner-update',
  'gitlab.runner-jobs',
  'gitlab.runner',
  'gitlab.runner-delete',
  'gitlab.job-request',
  'gitlab.trace',
  'gitlab.job-update',
  'ecs.list',
  'ecs.create',
  'ecs.operation',
  'ecs.delete',
  'ims.images',
  'obs.get',
  'obs.put',
  'obs.append',
  'obs.delete',
  'fgs.invoke-async',
  'gateway.call',
] as const;

const HTML = '<html><body><h1>502 Bad Gateway</h1></body></html>';

type Trouble = Omit<Fault, 'operation' | 'times'>;

/** A call that hangs costs real time, so it is rare, and only calls of the functions, which have a deadline of their own, are left hanging. */
const HANGING = [
  'gitlab.graphql',
  'gitlab.runner-create',
  'gitlab.runner-update',
  'ecs.list',
  'ecs.create',
  'obs.put',
  'obs.append',
] as const;

/** What can happen to any call. */
const TROUBLES: readonly Trouble[] = [
  { kind: 'lost' },
  { kind: 'lost' },
  { kind: 'reset' },
  { kind: 'half' },
  { status: 500 },
  { status: 502, body: HTML },
  { status: 503 },
  { status: 429 },
];

/** What only one service says. */
const REFUSALS: Readonly<Record<string, readonly Trouble[]>> = {
  gitlab: [{ status: 429, code: 'application' }, { status: 401 }, { status: 403 }, { status: 409 }],
  ecs: [
    { status: 400, code: 'Ecs.0319' },
    { status: 400, code: 'Ecs.0001' },
    { status: 400, code: 'Ecs.0114' },
    { status: 401, code: 'APIG.0301' },
    { status: 202, code: 'Common.0024' },
  ],
  obs: [
    { status: 503, code: 'SlowDown' },
    { status: 409, code: 'PositionNotEqualToLength' },
    { status: 403, code: 'AccessDenied' },
  ],
};

/** A whole service in trouble, without the calls of the workers. */
const BROAD: Readonly<Record<string, readonly string[]>> = { gitlab: ['gitlab.runner*', 'gitlab.g*'], ecs: ['ecs.*'], obs: ['obs.*'] };

function pick<T>(random: Random, list: readonly T[]): T {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

/** One fault of the day: usually of a single call, now and then of a whole service for some calls. */
function randomFault(random: Random): Fault {
  const operation = pick(random, OPERATIONS);
  const service = operation.split('.')[0] ?? '';
  const broad = random() < 0.06;
  // A lost or refused call of the runner itself is no business of the scaler's: gitlab-runner gives a job up after five.
  const workers = /job-request|trace|job-update/.test(operation);
  if (random() < 0.01) return { operation: pick(random, HANGING), times: 1, kind: 'hang' };
  const trouble = pick(random, [...TROUBLES, ...(workers ? [] : (REFUSALS[service] ?? []))]);
  if (broad) return { operation: pick(random, BROAD[service] ?? [operation]), times: 3 + Math.floor(random() * 12), ...trouble };
  return { operation, times: workers ? 1 : 1 + Math.floor(random() * 3), ...trouble };
}

/** Injects a fault every few minutes, until it is called off. Gives what was injected. */
export function unrest(clock: SandboxClock, faults: Faults, random: Random, everyMs: number) {
  const injected: Fault[] = [];
  let cancel: () => void;
  const arm = () => {
    cancel = clock.after(everyMs * (0.3 + 1.4 * random()), () => {
      const fault = randomFault(random);
      injected.push(fault);
      faults.inject(fault);
      // One that nothing has met by then lies in wait for nobody: else they would pile up on rare calls.
      if (injected.length % 25 === 0) faults.clear();
      arm();
    });
  };
  arm();
  return {
    injected,
    stop: () => {
      cancel();
      faults.clear();
    },
  };
}

export const FAULT_EVERY_MS = 4 * MINUTE;
