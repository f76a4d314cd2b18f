import type { Services } from '../lib/app/services.ts';

/** When a process dies: before its n-th call goes out, or after that was carried out and before its answer arrives. */
export interface Crash {
  readonly call: number;
  readonly when: 'before' | 'after';
}

/** Services whose process dies at one of its calls: from then on nothing goes out and nothing comes back. */
export interface CrashingServices {
  readonly services: Services;
  /** Resolves at the crash, with the name of the call. */
  readonly died: Promise<string>;
  /** Names of the calls that were begun. */
  readonly calls: readonly string[];
  /** Resolves when what was on its way at the crash has arrived at the other side. */
  settled(): Promise<void>;
}

const NEVER = new Promise<never>(() => undefined);

export function crashingServices(services: Services, crash: Crash): CrashingServices {
  const calls: string[] = [];
  const underway: Promise<unknown>[] = [];
  let dead = false;
  let reportCrash: (call: string) => void = () => undefined;
  const died = new Promise<string>((resolve) => {
    reportCrash = resolve;
  });
  const die = (name: string) => {
    dead = true;
    reportCrash(name);
    return NEVER;
  };
  const around = async (name: string, call: () => Promise<unknown>): Promise<unknown> => {
    if (dead) return NEVER;
    calls.push(name);
    const last = calls.length === crash.call;
    if (last && crash.when === 'before') return die(name);
    const answer = call();
    underway.push(answer.catch(() => undefined));
    if (last) {
      dead = true;
      await answer.catch(() => undefined);
      return die(name);
    }
    try {
      return await answer;
    } finally {
      if (dead) await NEVER;
    }
  };
  const { clock } = services;
  const sleep: typeof clock.sleep = (ms, signal) => (dead ? NEVER : clock.sleep(ms, signal));
  return {
    services: {
      ...services,
      forge: calling(services.forge, 'gitlab', around),
      cloud: calling(services.cloud, 'cloud', around),
      store: calling(services.store, 'store', around),
      clock: { now: () => clock.now(), sleep },
    },
    died,
    calls,
    settled: async () => void (await Promise.all(underway)),
  };
}

function calling<T extends object>(port: T, label: string, around: (name: string, call: () => Promise<unknown>) => Promise<unknown>): T {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      // A URL is signed without a call.
      if (typeof member !== 'function') return member;
      if (name === 'presignGet') return member.bind(target);
      return (...args: unknown[]) => around(`${label}.${String(name)}`, () => Reflect.apply(member, target, args));
    },
  });
}
