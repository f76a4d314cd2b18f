import fc from 'fast-check';
import { expect, it } from 'vitest';
import { plan } from '../../deploy/plan/plan.ts';
import { planRemoval } from '../../deploy/plan/remove.ts';
import type { Change } from '../../deploy/plan/steps.ts';
import { RUNTIME, TRUSTED } from '../../deploy/state/desired.ts';
import { grantKey } from '../../deploy/state/read.ts';
import type { Actual, ActualFunction, Desired, DesiredFunction } from '../../deploy/state/types.ts';
import { deployed, desiredOf, gatewayThere, NEW_GATEWAY, NOTHING, service } from '../unit/deploy/builders.ts';

/** A cloud that does what it is told, and refuses what needs something that is not there. */
function after(actual: Actual, change: Change, wanted: Desired): Actual {
  switch (change.do) {
    case 'create-bucket':
      return { ...actual, bucket: { exists: true, lifecycle: { rules: [], others: [] } } };
    case 'set-bucket-policy': {
      const { policy: _, ...bucket } = actual.bucket;
      return { ...actual, bucket: { ...bucket, ...(change.policy && { policy: change.policy }) } };
    }
    case 'set-lifecycle':
      return { ...actual, bucket: { ...actual.bucket, exists: there(actual.bucket.exists || undefined), lifecycle: change.lifecycle } };
    case 'create-policy':
    case 'update-policy': {
      const { name, document } = change.policy;
      return { ...actual, policies: { ...actual.policies, [name]: { id: actual.policies[name]?.id ?? `id of ${name}`, document } } };
    }
    case 'create-agency':
      return { ...actual, agency: { id: 'agency', trusts: TRUSTED } };
    case 'grant':
      there(actual.agency);
      return { ...actual, grants: [...actual.grants, grantKey(there(actual.policies[change.policy]).id, change.place)] };
    default:
      return afterOthers(actual, change, wanted);
  }
}

function afterOthers(actual: Actual, change: Change, wanted: Desired): Actual {
  const { logs, gateway } = actual;
  switch (change.do) {
    case 'create-gateway':
      if (gateway) throw new Error('a second gateway of this name');
      return { ...actual, gateway: gatewayThere(true, { status: 'Creating' }) };
    case 'await-gateway':
      return { ...actual, gateway: { ...there(gateway), status: 'Running' } };
    case 'remove-gateway':
      return without(actual, change.id);
    case 'create-log-group':
      return { ...actual, logs: { groupId: 'logs', groupName: change.name, days: change.days, streams: {} } };
    case 'create-log-stream':
      return { ...actual, logs: { ...there(logs), streams: { ...logs?.streams, [change.name]: `stream of ${change.name}` } } };
    case 'create-api-group':
      if (there(gateway).status !== 'Running') throw new Error('a group at a gateway that does not run');
      return {
        ...actual,
        gateway: { ...there(gateway), group: { id: 'group', name: change.name, address: 'a', remark: '', domains: [] } },
      };
    default:
      return { ...actual, functions: functionsAfter(actual, change, wanted) };
  }
}

function functionsAfter(actual: Actual, change: Change, wanted: Desired): Actual['functions'] {
  const change1 = (urn: string, with_: (f: ActualFunction) => ActualFunction) => {
    const found = there(Object.values(actual.functions).find((f) => f.urn === urn));
    return { ...actual.functions, [found.name]: with_(found) };
  };
  const whole = (of: DesiredFunction) => there(deployed(wanted).functions[of.name]);
  switch (change.do) {
    case 'create-function': {
      if (actual.functions[change.of.name]) throw new Error('a second function of this name');
      const { maxInstances: _, async: __, ...made } = whole(change.of);
      return { ...actual.functions, [change.of.name]: { ...made, triggers: [], tags: {} } };
    }
    case 'update-code':
      return change1(change.of.urn, (f) => ({ ...f, digest: change.of.digest }));
    case 'update-config':
      return change1(change.of.urn, (f) => {
        const { triggers, tags, digest, maxInstances, async } = f;
        const { maxInstances: _, async: __, ...made } = whole(change.of);
        return { ...made, triggers, tags, digest, ...(maxInstances !== undefined && { maxInstances }), ...(async && { async }) };
      });
    case 'set-instances':
      return change1(change.of.urn, (f) => ({ ...f, maxInstances: change.of.maxInstances }));
    case 'set-async':
      return change1(change.of.urn, (f) => ({ ...f, async: change.async }));
    case 'remove-async':
      return change1(change.urn, ({ async: _, ...f }) => f);
    case 'create-trigger': {
      const made = there(whole(change.of).triggers.find(({ name }) => name === change.trigger.name));
      return change1(change.of.urn, (f) => ({ ...f, triggers: [...f.triggers, made] }));
    }
    case 'remove-trigger':
      return change1(change.urn, (f) => ({ ...f, triggers: f.triggers.filter(({ id }) => id !== change.trigger.id) }));
    case 'add-tags':
      return change1(change.urn, (f) => ({
        ...f,
        tags: { ...f.tags, ...Object.fromEntries(change.tags.map(({ key, value }) => [key, value])) },
      }));
    case 'remove-tags':
      return change1(change.urn, (f) => ({
        ...f,
        tags: Object.fromEntries(Object.entries(f.tags).filter(([key]) => !change.tags.some((tag) => tag.key === key))),
      }));
    case 'remove-function':
      return Object.fromEntries(Object.entries(actual.functions).filter(([, f]) => f.urn !== change.urn));
    default:
      throw new Error(`no step of a deployment: ${change.do}`);
  }
}

function without({ gateway, left, ...rest }: Actual, id: string): Actual {
  return { ...rest, ...(gateway && gateway.id !== id && { gateway }), left: left.filter((one) => one.id !== id) };
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a step needs what is not there');
  return value;
}

const provider = fc.record({
  gateway: fc.constantFrom('none', { id: 'gateway-1' }, { create: NEW_GATEWAY }),
  bucket: fc.constantFrom({ create: true }, { create: true, countsFor: 'everybody' }, { create: true, countsFor: ['203.0.113.0/24'] }),
  logs: fc.constantFrom(undefined, { days: 14 }),
  tags: fc.dictionary(fc.constantFrom('team', 'cost', 'stage'), fc.constantFrom('a', 'b')),
});
const memory = fc.constantFrom(256, 512, 1024);
const wantedStates = fc
  .record({
    provider,
    memory,
    digest: fc.constantFrom('d1', 'd2'),
    rate: fc.constantFrom('1m', '5m'),
    path: fc.constantFrom('/gitlab', '/hooks'),
  })
  .map(({ provider: of, memory: memorySize, digest, rate, path }) =>
    desiredOf({
      service: service(of, { reaper: { memorySize, events: [{ timer: { rate } }] }, webhook: { events: [{ apig: { path } }] } }),
      digest,
    }),
  );

/** An earlier deployment, or any part of one. */
const states = fc
  .tuple(wantedStates, fc.infiniteStream(fc.boolean()), fc.constantFrom(RUNTIME, 'Node.js18.15'))
  .map(([of, keep, runtime]): Actual => {
    const whole = deployed(of);
    const some = <T>(all: Readonly<Record<string, T>>) => Object.fromEntries(Object.entries(all).filter(() => keep.next().value));
    const functions = Object.fromEntries(
      Object.entries(some(whole.functions)).map(([name, f]) => {
        const { async, logs, ...rest } = f;
        const changed = { ...rest, runtime, triggers: f.triggers.filter(() => keep.next().value), tags: some(f.tags) };
        return [name, { ...changed, ...(async && keep.next().value && { async }), ...(logs && keep.next().value && { logs }) }];
      }),
    );
    const { agency, logs, gateway } = whole;
    const group = gateway?.group && keep.next().value ? { group: gateway.group } : {};
    return {
      bucket: keep.next().value ? whole.bucket : NOTHING.bucket,
      ...(agency && keep.next().value && { agency }),
      policies: some(whole.policies),
      grants: whole.grants.filter(() => keep.next().value),
      ...(logs && keep.next().value && { logs: { ...logs, streams: some(logs.streams) } }),
      gateway: { ...gatewayThere(), ...group },
      left: [],
      rivals: [],
      functions,
    };
  });

const lives = fc.record({ status: fc.constantFrom(undefined, 'Creating', 'CreateFail', 'Running'), left: fc.boolean() });
type Life = typeof lives extends fc.Arbitrary<infer T> ? T : never;

/** Without an agency there are no grants of it, and a gateway of one's own may be anything, or left from before. */
function sound(wanted: Desired, actual: Actual, { status, left }: Life): Actual {
  const { gateway: _, ...rest } = actual.agency ? actual : { ...actual, grants: [] };
  const own = wanted.gateway && 'name' in wanted.gateway.instance;
  if (own && status === undefined) return rest;
  if (own && status !== undefined && status !== 'Running') return { ...rest, gateway: gatewayThere(true, { status }) };
  const gateway = { ...(actual.gateway ?? gatewayThere()), own: own === true };
  return { ...rest, gateway, left: !own && left ? [gatewayThere(true, { id: 'left' })] : [] };
}

it('whatever is there, after the plan nothing is left to be done, also when it was broken off and made anew anywhere', () => {
  fc.assert(
    fc.property(wantedStates, states, lives, fc.nat(40), (wanted, any, life, stop) => {
      const from = sound(wanted, any, life);
      const half = plan(wanted, from)
        .slice(0, stop)
        .reduce((actual, { change }) => after(actual, change, wanted), from);
      const rest = plan(wanted, half);
      const end = rest.reduce((actual, { change }) => after(actual, change, wanted), half);
      expect(plan(wanted, end)).toEqual([]);
      expect([end.gateway?.status ?? 'none', end.left]).toEqual([wanted.gateway ? 'Running' : expect.anything(), []]);
    }),
    { numRuns: 300 },
  );
});

it('whatever is there, a removal names every function, and after a deployment there is no function but those that are wanted', () => {
  fc.assert(
    fc.property(wantedStates, states, lives, (wanted, any, life) => {
      const removed = planRemoval(wanted, any).rest.flatMap(({ change }) => (change.do === 'remove-function' ? [change.urn] : []));
      expect(removed.toSorted()).toEqual(
        Object.values(any.functions)
          .map(({ urn }) => urn)
          .toSorted(),
      );
      const from = sound(wanted, any, life);
      const end = plan(wanted, from).reduce((actual, { change }) => after(actual, change, wanted), from);
      expect(Object.keys(end.functions).toSorted()).toEqual(wanted.functions.map(({ name }) => name).toSorted());
    }),
    { numRuns: 100 },
  );
});
