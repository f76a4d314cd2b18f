import { defined } from '../../lib/core/defined.ts';
import type { AsyncAnswer, FunctionConfig, FunctionGraphAdmin, FunctionTrigger } from '../clients/fgs.ts';
import type { ActualFunction, ActualTrigger, DesiredAsync } from './types.ts';

/** `undefined` when there is none of this URN. */
export async function readFunction(urn: string, fgs: FunctionGraphAdmin): Promise<ActualFunction | undefined> {
  const config = await fgs.config(urn);
  if (!config) return undefined;
  const [digest, logs, asynchronous, triggers, tags] = await Promise.all([
    config.digest ?? fgs.digest(urn),
    fgs.logPlace(urn),
    fgs.asyncConfig(urn),
    fgs.triggers(urn),
    fgs.tags(urn),
  ]);
  const async_ = asyncOf(asynchronous);
  return {
    ...partsOf(config),
    urn,
    digest: digest ?? '',
    ...defined({ logs, async: async_ }),
    triggers: triggers.map(triggerOf),
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
  };
}

function partsOf(config: FunctionConfig) {
  const { func_vpc: vpc, strategy_config: strategy } = config;
  return {
    name: config.func_name,
    runtime: config.runtime,
    handler: config.handler,
    memorySize: config.memory_size,
    timeout: config.timeout,
    description: config.description ?? '',
    // Without an agency for execution that of configuration is used.
    agency: config.app_xrole || config.xrole || '',
    ...(typeof strategy?.concurrency === 'number' && { maxInstances: strategy.concurrency }),
    ...(vpc?.vpc_id && vpc.subnet_id && { vpc: { id: vpc.vpc_id, subnetId: vpc.subnet_id } }),
  };
}

function triggerOf({ trigger_id, trigger_type_code, trigger_status, event_data }: FunctionTrigger): ActualTrigger {
  const { api_name } = event_data;
  const name = event_data.name ?? (typeof api_name === 'string' ? api_name : '');
  return { id: trigger_id, type: trigger_type_code, name, active: trigger_status !== 'DISABLED', data: event_data };
}

function asyncOf(answer: AsyncAnswer | undefined): DesiredAsync | undefined {
  if (!answer) return undefined;
  const { on_failure: failure } = answer.destination_config ?? {};
  const onFailure = failure?.destination === 'OBS' ? destinationOf(failure.param ?? '') : undefined;
  return {
    retries: answer.max_async_retry_attempts ?? 1,
    maxAgeSeconds: answer.max_async_event_age_in_seconds ?? 3600,
    ...defined({ onFailure }),
  };
}

/** `{"bucket":…,"prefix":…}` as a text inside the answer; what cannot be read is as if it were another. */
function destinationOf(param: string): DesiredAsync['onFailure'] {
  try {
    const { bucket, prefix } = JSON.parse(param);
    return { bucket: String(bucket), prefix: String(prefix ?? '') };
  } catch {
    return { bucket: '', prefix: '' };
  }
}
