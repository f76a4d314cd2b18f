import { counted } from '../../lib/core/plural.ts';
import { RUNTIME } from '../state/desired.ts';
import type { Actual, ActualFunction, ActualTrigger, Desired, DesiredAsync, DesiredFunction, DesiredTrigger } from '../state/types.ts';
import type { Change, Step } from './steps.ts';

/** What has to be done to one function. */
export function planFunction(of: DesiredFunction, desired: Desired, actual: Actual): readonly Step[] {
  const there = actual.functions[of.name];
  const step = (change: Change, what: string): Step => ({ change, what: `${of.name}: ${what}`, function: of.name });
  // A runtime can never be changed.
  const replaced = there && there.runtime !== RUNTIME;
  if (!there || replaced) {
    return [
      ...(replaced
        ? [
            ...there.triggers.map((trigger) =>
              step({ do: 'remove-trigger', urn: there.urn, trigger }, `remove the trigger ${trigger.name}`),
            ),
            step({ do: 'remove-function', urn: there.urn }, `remove, because it runs on ${there.runtime}`),
          ]
        : []),
      step({ do: 'create-function', of }, `create (${of.memorySize} MB, ${of.timeout} s)`),
      step({ do: 'set-instances', of }, `at most ${counted(of.maxInstances, 'instance')}`),
      ...asyncSteps(of, undefined, step),
      ...of.triggers.map((trigger) => step({ do: 'create-trigger', of, trigger }, describeTrigger(trigger))),
      ...tagSteps(of, {}, step),
    ];
  }
  const changes = configChanges(of, there, desired, actual);
  return [
    ...(of.digest === there.digest ? [] : [step({ do: 'update-code', of }, 'new code or configuration')]),
    ...(changes.length === 0 ? [] : [step({ do: 'update-config', of }, changes.join(', '))]),
    ...(of.maxInstances === there.maxInstances
      ? []
      : [step({ do: 'set-instances', of }, `at most ${counted(of.maxInstances, 'instance')} (now ${there.maxInstances ?? 'unknown'})`)]),
    ...asyncSteps(of, there.async, step),
    ...triggerSteps(of, there, actual, step),
    ...tagSteps(of, there.tags, step),
  ];
}

type Make = (change: Change, what: string) => Step;

function configChanges(of: DesiredFunction, there: ActualFunction, desired: Desired, actual: Actual): readonly string[] {
  const from = (what: string, was: string | number, is: string | number) => (was === is ? [] : [`${what} ${was} → ${is}`]);
  return [
    ...from('handler', there.handler, of.handler),
    ...from('memory MB', there.memorySize, of.memorySize),
    ...from('timeout s', there.timeout, of.timeout),
    ...from('agency', there.agency || 'none', of.agency),
    ...markChanges(there.description, of.description),
    ...(there.vpc?.id === of.vpc?.id && there.vpc?.subnetId === of.vpc?.subnetId ? [] : [of.vpc ? `VPC ${of.vpc.id}` : 'out of the VPC']),
    ...(sameLogs(of, there, desired, actual) ? [] : [desired.logs ? 'its log goes to its own stream' : 'its log is no longer collected']),
  ];
}

/** It tells whose the function is, and of which secrets. */
function markChanges(was: string, is: string): readonly string[] {
  if (was === is) return [];
  const secrets = (mark: string) => /, secrets (\w+)$/.exec(mark)?.[1];
  return [secrets(was) === secrets(is) ? 'mark its owner in the description' : 'new secrets'];
}

function sameLogs(of: DesiredFunction, { logs }: ActualFunction, desired: Desired, actual: Actual): boolean {
  if (!desired.logs) return logs === undefined;
  const stream = actual.logs?.streams[of.name];
  return logs !== undefined && stream !== undefined && logs.groupId === actual.logs?.groupId && logs.streamId === stream;
}

function asyncSteps(of: DesiredFunction, there: DesiredAsync | undefined, step: Make): readonly Step[] {
  if (!of.async)
    return there && !isDefault(there)
      ? [step({ do: 'remove-async', urn: of.urn }, "use the platform's defaults for asynchronous calls")]
      : [];
  if (there && JSON.stringify(asyncKey(of.async)) === JSON.stringify(asyncKey(there))) return [];
  const { retries, maxAgeSeconds, onFailure } = of.async;
  const failed = onFailure ? `, failed ones go to ${onFailure.bucket}/${onFailure.prefix}` : '';
  return [
    step(
      { do: 'set-async', of, async: of.async },
      `asynchronous calls: ${counted(retries, 'retry', 'retries')}, ${maxAgeSeconds} s at most${failed}`,
    ),
  ];
}

/** What holds where nothing is set, and may be answered then. Source: OTC FunctionGraph API reference, "Asynchronous Execution Notification". */
function isDefault({ retries, maxAgeSeconds, onFailure }: DesiredAsync): boolean {
  return retries === 1 && maxAgeSeconds === 3600 && !onFailure;
}

function asyncKey({ retries, maxAgeSeconds, onFailure }: DesiredAsync) {
  return [retries, maxAgeSeconds, onFailure?.bucket, onFailure?.prefix];
}

const OURS = ['TIMER', 'DEDICATEDGATEWAY'];

/** A trigger can only be switched on and off: what differs is removed and made anew. Triggers of other types are left alone. */
function triggerSteps(of: DesiredFunction, there: ActualFunction, actual: Actual, step: Make): readonly Step[] {
  const groupId = actual.gateway?.group?.id;
  const instanceId = actual.gateway?.id;
  const isAs = (trigger: DesiredTrigger, other: ActualTrigger) => sameTrigger(trigger, other, groupId, instanceId);
  const matched = new Map<DesiredTrigger, ActualTrigger>();
  for (const trigger of of.triggers) {
    const found = there.triggers.find((other) => ![...matched.values()].includes(other) && isAs(trigger, other));
    if (found) matched.set(trigger, found);
  }
  const kept = new Set(matched.values());
  return [
    ...there.triggers
      .filter((trigger) => OURS.includes(trigger.type) && !kept.has(trigger))
      .map((trigger) =>
        step({ do: 'remove-trigger', urn: of.urn, trigger }, `remove the trigger ${trigger.name}, which differs from serverless.yml`),
      ),
    ...of.triggers
      .filter((trigger) => !matched.has(trigger))
      .map((trigger) => step({ do: 'create-trigger', of, trigger }, describeTrigger(trigger))),
  ];
}

/** What the answer does not tell is as wanted. */
function sameTrigger(wanted: DesiredTrigger, there: ActualTrigger, groupId: string | undefined, instanceId: string | undefined): boolean {
  if (wanted.type !== there.type || wanted.name !== there.name || !there.active) return false;
  const is = (key: string, value: unknown) => there.data[key] === undefined || there.data[key] === null || there.data[key] === value;
  if (wanted.type === 'TIMER') return is('schedule_type', wanted.scheduleType) && is('schedule', wanted.schedule);
  const { timeout } = Object(there.data.func_info);
  return (
    (groupId === undefined ? false : is('group_id', groupId)) &&
    is('instance_id', instanceId) &&
    is('path', wanted.path) &&
    is('req_method', wanted.method) &&
    (timeout === undefined || timeout === wanted.timeoutMs)
  );
}

function describeTrigger(trigger: DesiredTrigger): string {
  return trigger.type === 'TIMER' ? `timer ${trigger.schedule}` : `${trigger.method} ${trigger.path} at the gateway`;
}

function tagSteps(of: DesiredFunction, there: Readonly<Record<string, string>>, step: Make): readonly Step[] {
  const gone = Object.entries(there).filter(([key]) => of.tags[key] === undefined);
  const fresh = Object.entries(of.tags).filter(([key, value]) => there[key] !== value);
  const tags = (list: readonly [string, string][]) => list.map(([key, value]) => ({ key, value }));
  const names = (list: readonly [string, string][]) => list.map(([key]) => key).join(', ');
  return [
    ...(gone.length === 0 ? [] : [step({ do: 'remove-tags', urn: of.urn, tags: tags(gone) }, `remove the tags ${names(gone)}`)]),
    ...(fresh.length === 0 ? [] : [step({ do: 'add-tags', urn: of.urn, tags: tags(fresh) }, `tags ${names(fresh)}`)]),
  ];
}
