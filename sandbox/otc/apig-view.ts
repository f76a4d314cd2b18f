import type { Api, ApiGroup, GatewayInstance } from './apig.ts';

type View = Readonly<Record<string, unknown>>;

export function instanceView({ id, name, createdAt }: GatewayInstance, ready: boolean): View {
  return {
    id,
    instance_name: name,
    instance_status: ready ? 6 : 1,
    status: ready ? 'Running' : 'Creating',
    type: 'apig',
    spec: 'BASIC',
    create_time: createdAt,
    ...(ready ? { ingress_ip: '10.0.0.100', eip_address: '80.158.255.1' } : {}),
  };
}

export function groupView({ id, name, remark, subDomain, domains, createdAt }: ApiGroup): View {
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
    is_default: 2,
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
