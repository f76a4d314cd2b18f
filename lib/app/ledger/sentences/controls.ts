import { ALL_POOLS } from '../../../core/controls.ts';
import { toIso } from '../../../core/time.ts';

interface Told {
  readonly kind: string;
  readonly target: string;
  readonly since?: number | undefined;
  readonly until?: number | string | undefined;
  readonly before?: number | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly unreadable?: true | undefined;
}

/** What a control means, until when, and who wants it why. As it is in the bucket, and as it is read back from the ledger. */
export function controlText({ until, by, reason, unreadable, ...told }: Told): string {
  const end = until === undefined ? '' : ` until ${typeof until === 'number' ? toIso(until) : until}`;
  const who = [...(by === undefined ? [] : [by]), ...(reason === undefined ? [] : [reason])].join(': ');
  return `${meaning(told)}${end}${who === '' ? '' : ` (${who})`}${unreadable ? ' — its content cannot be read' : ''}`;
}

function meaning({ kind, target, before }: Pick<Told, 'kind' | 'target' | 'before'>): string {
  const where = target === ALL_POOLS ? 'every pool' : `pool ${target}`;
  switch (kind) {
    case 'pause':
      return `${where} is paused: nothing is created, nothing deleted`;
    case 'drain':
      return `${where} is drained to zero`;
    case 'roll':
      return `${where} is rolled: workers launched before ${before === undefined ? 'it' : toIso(before)} are replaced`;
    case 'keep':
      return `worker ${target} is kept`;
    default:
      return `${kind} of ${target}`;
  }
}
