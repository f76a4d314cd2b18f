import { defined } from '../../lib/core/defined.ts';
import { ourStatement, readersStatement, sameStatement, withoutStatement, withStatement } from '../../lib/otc/obs/policy.ts';
import type { Actual, Desired } from '../state/types.ts';
import type { Step } from './steps.ts';

/** Of a bucket that is only referred to, nothing. */
export function planBucket(bucket: Desired['bucket'], there: Actual['bucket']): readonly Step[] {
  if (!bucket.create) return [];
  return [
    ...(there.exists ? [] : [{ change: { do: 'create-bucket' }, what: `create the bucket ${bucket.name}` } as const]),
    ...planLifecycle(bucket, there),
    ...planReaders(bucket, there),
  ];
}

function planLifecycle({ name, rules }: Desired['bucket'], { lifecycle }: Actual['bucket']): readonly Step[] {
  const same = rules.length === lifecycle.rules.length && rules.every((rule) => lifecycle.rules.some((other) => equal(rule, other)));
  if (same) return [];
  const days = rules.map(({ prefix, days }) => `${prefix} after ${days} d`).join(', ');
  return [
    { change: { do: 'set-lifecycle', lifecycle: { rules, others: lifecycle.others } }, what: `let objects of ${name} expire: ${days}` },
  ];
}

/** Statements of others, the dashboard's among them, stay as they are. */
function planReaders({ name, countsFor, scheme }: Desired['bucket'], { policy }: Actual['bucket']): readonly Step[] {
  const there = ourStatement('counts', policy);
  if (!countsFor) {
    if (!there) return [];
    const left = withoutStatement('counts', policy);
    return [
      {
        change: { do: 'set-bucket-policy', ...defined({ policy: left }) },
        what: `stop others from reading counts/ of ${name} without a key`,
      },
    ];
  }
  const wanted = readersStatement('counts', name, countsFor, scheme);
  if (sameStatement(there, wanted)) return [];
  const who = countsFor.length === 0 ? 'everybody' : countsFor.join(', ');
  const change = { do: 'set-bucket-policy', policy: withStatement(policy, wanted, scheme) } as const;
  return [{ change, what: `let ${who} read counts/ of ${name} without a key` }];
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
