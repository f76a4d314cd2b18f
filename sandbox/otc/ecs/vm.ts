import type { SimulatedVm } from '../../context.ts';
import type { CreateOrder } from './request.ts';

export type VmStatus = 'BUILD' | 'ACTIVE' | 'SHUTOFF' | 'ERROR';

/** A server's whole state. Only the fleet changes it. */
export interface Vm {
  readonly id: string;
  readonly name: string;
  readonly order: Omit<CreateOrder, 'dryRun' | 'count' | 'zone'>;
  readonly zone: string;
  readonly createdAt: number;
  /** Before this the server is not found by its id. */
  readonly knownAt: number;
  /** Before this it is in no list. */
  readonly listedAt: number;
  readonly address: string;
  readonly floatingAddress?: string;
  readonly stop: AbortController;
  readonly tags: Readonly<Record<string, string>>;
  /** Tags that only the platform sets, e.g. `__type_baremetal`. */
  readonly systemTags: readonly string[];
  status: VmStatus;
  /** Its operation has begun. */
  accepted: boolean;
  deleting: boolean;
  updatedAt: number;
  activeAt?: number;
  /** What was written to its console, as much of it as the host keeps. */
  console: string;
}

/** A server that is being built, unless `facts` have another status. */
export function newVm(facts: Pick<Vm, 'id' | 'name' | 'order' | 'zone' | 'createdAt' | 'address'> & Partial<Vm>): Vm {
  const { createdAt: at, order } = facts;
  return {
    knownAt: at,
    listedAt: at,
    stop: new AbortController(),
    tags: order.tags,
    systemTags: [],
    status: 'BUILD',
    accepted: false,
    deleting: false,
    updatedAt: at,
    console: '',
    ...facts,
  };
}

/** The newest characters of a console that the host keeps: Nova's own bound is 100 KiB. */
const CONSOLE_KEPT = 102_400;

/** Writes to the server's console. */
export function print(vm: Vm, text: string): void {
  vm.console = `${vm.console}${text}`.slice(-CONSOLE_KEPT);
}

/** The VM as whatever runs on it sees it. */
export function inside(vm: Vm, powerOff: () => void): SimulatedVm {
  return {
    id: vm.id,
    name: vm.name,
    userData: Buffer.from(vm.order.userData, 'base64').toString('utf8'),
    gone: vm.stop.signal,
    console: (text) => print(vm, text),
    powerOff,
  };
}

/** Times in OTC's two spellings. */
export function zulu(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** `launched_at` has microseconds and no zone; it is UTC. */
export function naive(at: number): string {
  return new Date(at).toISOString().replace('Z', '000');
}

export interface FleetTimes {
  /** From the request until the server is known by its id. */
  acceptMs: number;
  /** From there until it is ACTIVE. */
  buildMs: number;
  deleteMs: number;
  /** From the request until lists show it; at least `acceptMs`. */
  listLagMs: number;
}
