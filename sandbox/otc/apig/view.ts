import type { Api, ApiGroup, GatewayInstance, GatewayState } from './types.ts';

type View = Readonly<Record<string, unknown>>;

const STATUS: Readonly<Record<GatewayState, number>> = {
  Creating: 1,
  CreateFail: 3,
  Registering: 5,
  Running: 6,
  Updating: 12,
  UpdateFailed: 13,
  Deleting: 22,
};

export function instanceView(instance: GatewayInstance, state: GatewayState): View {
  const { id, name, description, spec, createdAt, vpcId, subnetId, securityGroupId, isPublic } = instance;
  return {
    id,
    instance_name: name,
    instance_status: STATUS[state],
    status: state,
    type: 'apig',
    spec,
    description,
    vpc_id: vpcId,
    subnet_id: subnetId,
    security_group_id: securityGroupId,
    create_time: createdAt,
    ...(state === 'Running' && { ingress_ip: '10.0.0.100', ...(isPublic && { eip_address: '80.158.255.1' }) }),
  };
}

/** Source: OTC API Gateway API reference V2, "Querying the Creation Progress of a Dedicated Gateway". */
export function progressView({ createdAt, readyAt }: GatewayInstance, state: GatewayState): View {
  const times = { start_time: createdAt, end_time: readyAt };
  const good = { error_code: null, error_msg: null, ...times };
  if (state === 'CreateFail') return { progress: 0, status: 'failed', error_code: 'APIC.9219', error_msg: 'create failed...', ...times };
  if (state === 'Creating' || state === 'Registering') return { progress: state === 'Creating' ? 30 : 80, status: 'creating', ...good };
  return { progress: 100, status: 'success', ...good };
}

export function groupView({ id, name, remark, subDomain, isDefault, domains, createdAt }: ApiGroup): View {
  const time = new Date(createdAt).toISOString();
  return {
    id,
    name,
    status: 1,
    remark,
    sl_domain: subDomain,
    sl_domains: [subDomain],
    register_time: time,
    update_time: time,
    on_sell_status: 2,
    is_default: isDefault ? 1 : 2,
    url_domains: [...domains.values()].map((d) => ({
      id: d.id,
      domain: d.name,
      cname_status: 1,
      ssl_id: d.certificate?.id ?? '',
      ssl_name: d.certificate?.name ?? '',
      min_ssl_version: 'TLSv1.1',
    })),
  };
}

export function apiView(api: Api, { groups }: GatewayInstance): View {
  return {
    id: api.id,
    name: api.name,
    group_id: api.groupId,
    group_name: groups.get(api.groupId)?.name ?? '',
    type: 1,
    status: 1,
    req_method: api.method,
    req_uri: api.path,
    req_protocol: api.protocol,
    match_mode: api.match,
    auth_type: api.auth,
    backend_type: 'FUNCTION',
    run_env_name: 'RELEASE',
    run_env_id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
    register_time: new Date(api.createdAt).toISOString(),
  };
}
