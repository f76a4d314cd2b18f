import type { SandboxClock } from '../clock.ts';
import type { SimulatedVm } from '../context.ts';

/** Something of what stands on a console before and between the worker's own lines. */
const POWER_ON = [
  '[    0.000000] Linux version 6.1.0-31-cloud-amd64 (debian-kernel@lists.debian.org)',
  '[    1.104233] EXT4-fs (vda1): mounted filesystem with ordered data mode.',
  '[\u001b[0;32m  OK  \u001b[0m] Started \u001b[0;1;39mcloud-init.service\u001b[0m - Initial cloud-init job.',
];

/** The console of one VM, with what the programs in cloud-init/programs/worker print on it. */
export class WorkerConsole {
  readonly #vm: SimulatedVm;
  readonly #clock: SandboxClock;
  readonly #poweredOnAt: number;

  constructor(vm: SimulatedVm, clock: SandboxClock) {
    this.#vm = vm;
    this.#clock = clock;
    this.#poweredOnAt = clock.now();
    this.#print(POWER_ON);
  }

  report(phase: string, more = ''): void {
    const uptime = ((this.#clock.now() - this.#poweredOnAt) / 1000).toFixed(2);
    this.#print([`gl-scaler worker=${this.#vm.name} phase=${phase}${more && ` ${more}`} uptime=${uptime}`]);
  }

  #print(lines: readonly string[]): void {
    this.#vm.console(lines.map((line) => `${line}\r\n`).join(''));
  }
}
