import { DOMAIN_ID } from '../otc/iam/iam.ts';
import type { Deployed } from './deployed.ts';
import type { AsyncConfig } from './schema.ts';
import type { Trigger } from './triggers/triggers.ts';

type View = Readonly<Record<string, unknown>>;

const iso = (at: number) => new Date(at).toISOString().replace('.000Z', '+00:00');

/** A function as the list, the creation and the configuration answer it. What is encrypted is left blank. */
export function functionView(deployed: Deployed, projectId: string, region: string): View {
  const { config, code } = deployed;
  const { user_data, encrypted_user_data: _, func_vpc, log_config, ...plain } = config;
  return {
    ...plain,
    func_id: deployed.id,
    resource_id: deployed.urn,
    func_urn: `${deployed.urn}:latest`,
    domain_id: DOMAIN_ID,
    namespace: projectId,
    project_name: region,
    package: deployed.package,
    type: 'v2',
    cpu: (config.memory_size / 128) * 100 + 200,
    code_type: 'zip',
    code_url: '',
    code_filename: deployed.codeFilename,
    code_size: code.bytes,
    digest: code.digest,
    version: 'latest',
    image_name: `latest-${deployed.id.slice(0, 12)}`,
    user_data: Object.keys(user_data).length === 0 ? '' : JSON.stringify(user_data),
    encrypted_user_data: '',
    last_modified: iso(deployed.updatedAt),
    strategy_config: { concurrency: deployed.maxInstances, concurrent_num: deployed.concurrentRequests },
    ...(func_vpc ? { func_vpc } : {}),
    ...(log_config ? { log_config } : {}),
    is_stateful_function: false,
    long_time: false,
  };
}

export function codeView(deployed: Deployed): View {
  return {
    func_urn: `${deployed.urn}:latest`,
    func_name: deployed.name,
    domain_id: DOMAIN_ID,
    runtime: deployed.config.runtime,
    code_type: 'zip',
    code_filename: deployed.codeFilename,
    code_size: deployed.code.bytes,
    digest: deployed.code.digest,
    last_modified: iso(deployed.updatedAt),
    func_code: { file: '', link: '' },
    depend_version_list: [],
  };
}

export function asyncView({ urn, updatedAt, createdAt }: Deployed, config: AsyncConfig): View {
  const entries = Object.entries(config.destination_config).flatMap(([on, to]) =>
    to ? [[on, { destination: to.destination, param: JSON.stringify(to.param) }]] : [],
  );
  return {
    ...config,
    func_urn: `${urn}:latest`,
    destination_config: Object.fromEntries(entries),
    created_time: iso(createdAt),
    last_modified: iso(updatedAt),
  };
}

export function triggerView(trigger: Trigger): View {
  return {
    trigger_id: trigger.id,
    trigger_type_code: trigger.type,
    trigger_status: trigger.status,
    event_data: { ...trigger.data, ...trigger.added },
    last_updated_time: iso(trigger.updatedAt),
    created_time: iso(trigger.createdAt),
  };
}
