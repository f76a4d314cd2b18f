import type { Flavor } from './catalogue.ts';
import type { EcsFleet } from './fleet.ts';
import { type Operation, operationState } from './operations.ts';
import { naive, type Vm, zulu } from './vm.ts';

const VM_STATE = { BUILD: 'building', ACTIVE: 'active', SHUTOFF: 'stopped', ERROR: 'error' } as const;
const POWER_STATE = { BUILD: 0, ACTIVE: 1, SHUTOFF: 4, ERROR: 0 } as const;

/** A server as list and show print it (OTC ECS API reference, "Querying Details About ECSs"). Several numbers are strings there. */
export function serverView(vm: Vm, projectId: string): Record<string, unknown> {
  const { flavor, image, vpcId } = vm.order;
  return {
    id: vm.id,
    name: vm.name,
    status: vm.status,
    created: zulu(vm.createdAt),
    updated: zulu(vm.updatedAt),
    'OS-SRV-USG:launched_at': vm.activeAt === undefined ? null : naive(vm.activeAt),
    'OS-SRV-USG:terminated_at': null,
    'OS-EXT-STS:vm_state': VM_STATE[vm.status],
    'OS-EXT-STS:task_state': taskState(vm),
    'OS-EXT-STS:power_state': POWER_STATE[vm.status],
    'OS-EXT-AZ:availability_zone': vm.zone,
    flavor: { id: flavor.id, name: flavor.id, vcpus: String(flavor.vcpus), ram: String(flavor.ramMib), disk: '0' },
    image: { id: image.id },
    metadata: { ...vm.order.metadata, vpc_id: vpcId, image_name: image.name, charging_mode: '0', os_bit: '64', os_type: 'Linux' },
    tags: tagTexts(vm),
    sys_tags: [],
    addresses: { [vpcId]: addresses(vm) },
    security_groups: vm.order.securityGroups.map((id) => ({ name: id, id })),
    key_name: vm.order.keyName ?? null,
    user_id: 'sandbox',
    tenant_id: projectId,
    description: '',
    locked: false,
    'os-extended-volumes:volumes_attached': [{ id: `volume-${vm.id}`, device: '/dev/vda', bootIndex: '0', delete_on_termination: 'true' }],
    'OS-EXT-SRV-ATTR:user_data': vm.order.userData,
    fault: null,
    config_drive: '',
    hostId: 'sandbox',
    host_status: 'UP',
    'os:scheduler_hints': {},
  };
}

/** `key=value` in answers, though a create takes `key.value`; a tag without a value is only its key. */
export function tagTexts(vm: Vm): readonly string[] {
  return [...Object.entries(vm.tags).map(([key, value]) => (value === '' ? key : `${key}=${value}`)), ...vm.systemTags];
}

/** A server that is being deleted keeps its status; only the task state shows it. */
function taskState(vm: Vm): string | null {
  if (vm.deleting) return 'deleting';
  return vm.status === 'BUILD' ? 'spawning' : null;
}

function addresses(vm: Vm): unknown[] {
  const one = (addr: string, type: 'fixed' | 'floating') => ({
    version: '4',
    addr,
    'OS-EXT-IPS:type': type,
    'OS-EXT-IPS-MAC:mac_addr': 'fa:16:3e:00:00:01',
    'OS-EXT-IPS:port_id': `port-${vm.id}`,
  });
  return [one(vm.address, 'fixed'), ...(vm.floatingAddress ? [one(vm.floatingAddress, 'floating')] : [])];
}

/** ECS calls it a job. The useful code of a failure is in the sub job; the outer one only reports that a sub job failed. */
export function operationView(operation: Operation): Record<string, unknown> {
  const state = operationState(operation);
  const over = state === 'SUCCESS' || state === 'FAIL';
  const end = Math.max(...operation.steps.map((s) => s.endedAt ?? 0));
  const steps = operation.steps.map((step) => ({
    status: step.state,
    entities: {
      // A failed create is rolled back, so its server has no id any more.
      server_id: step.state === 'FAIL' ? '' : step.serverId,
      ...(step.failure ? { errorcode_message: step.failure.reason } : {}),
    },
    job_id: step.id,
    job_type: operation.kind === 'create' ? 'createSingleServer' : 'deleteSingleServer',
    begin_time: new Date(operation.beganAt).toISOString(),
    end_time: step.endedAt === undefined ? '' : new Date(step.endedAt).toISOString(),
    error_code: step.failure?.code ?? null,
    fail_reason: step.failure?.reason ?? null,
  }));
  return {
    status: state,
    entities: { sub_jobs_total: steps.length, sub_jobs: state === 'INIT' ? [] : steps },
    job_id: operation.id,
    job_type: operation.kind === 'create' ? 'createServer' : 'deleteServer',
    begin_time: new Date(operation.beganAt).toISOString(),
    end_time: over ? new Date(end).toISOString() : '',
    error_code: state === 'FAIL' ? 'Common.0021' : null,
    fail_reason: state === 'FAIL' ? 'CollectInfoTask-fail: sub job failed' : null,
  };
}

export function flavorView(flavor: Flavor, fleet: EcsFleet): Record<string, unknown> {
  const { status, zones } = fleet.market.conditions(flavor);
  return {
    id: flavor.id,
    name: flavor.id,
    vcpus: String(flavor.vcpus),
    ram: flavor.ramMib,
    disk: '0',
    os_extra_specs: {
      'ecs:virtualization_env_types': 'CloudCompute',
      'ecs:generation': flavor.id.split('.')[0],
      'ecs:performancetype': 'normal',
      'cond:operation:status': status,
      'cond:operation:az': zones,
    },
  };
}

export function limitsView(fleet: EcsFleet): Record<string, unknown> {
  const used = fleet.usage();
  const { quota } = fleet.market;
  return {
    absolute: {
      maxTotalInstances: quota.servers,
      totalInstancesUsed: used.servers,
      maxTotalCores: quota.cores,
      totalCoresUsed: used.cores,
      maxTotalRAMSize: quota.ramMib,
      totalRAMUsed: used.ramMib,
      maxTotalFloatingIps: 10,
      totalFloatingIpsUsed: 0,
    },
  };
}
