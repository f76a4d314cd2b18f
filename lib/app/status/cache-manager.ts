import * as z from 'zod/mini';
import { formatDuration } from '../../core/time.ts';

const count = z.number().check(z.gte(0));
const Tree = z.object({ objects: count, bytes: count, moved: count, moved_bytes: count });

/** Tolerant: a newer manager may say more, and what it cannot know is null. */
export const ManagerHealth = z.object({
  name: z.string(),
  at: z.pipe(
    z.iso.datetime(),
    z.transform((text) => Date.parse(text)),
  ),
  uptime: count,
  phase: z.string(),
  reason: z.optional(z.string()),
  /** null: the data volume is not mounted. Fill in percent, of bytes or of inodes, whichever are scarcer. */
  disk: z.nullable(z.object({ bytes: count, used: count, inodes: count, inodes_used: count, fill: count })),
  start_at: count,
  nfs: z.object({ active: z.boolean(), threads: count, clients: z.nullable(count) }),
  mirrors: z.object({
    count,
    failed: z.array(z.object({ name: z.string(), error: z.string() })),
    late: z.array(z.string()),
    oldest_seconds: z.nullable(count),
    unlisted: z.array(z.string()),
  }),
  prune: z.nullable(z.object({ at: z.string(), mode: z.string(), refused: z.array(z.string()), trees: z.record(z.string(), Tree) })),
  trash: z.nullish(z.object({ days: count, bytes: count, oldest: z.nullable(z.string()) })),
  hashserv: z.nullable(z.boolean()),
});
export type ManagerHealth = z.infer<typeof ManagerHealth>;

/** What is wrong and what to do. */
export interface HealthProblem {
  readonly what: string;
  readonly todo: string;
}

/** Three missed minutes are no coincidence. */
const STALE_MS = 180_000;

/** Everything that somebody should look at; `now` in milliseconds. Empty: all is well. */
export function healthProblems(health: ManagerHealth, now: number): readonly HealthProblem[] {
  const age = now - health.at;
  const stale: readonly HealthProblem[] =
    age > STALE_MS
      ? [
          {
            what: `nothing heard for ${formatDuration(age)}`,
            todo: 'look whether the VM runs, and on it at: journalctl -u gl-cache-health',
          },
        ]
      : [];
  const ahead = age < -STALE_MS ? [{ what: "its clock is ahead of the scaler's", todo: 'on the VM: timedatectl' }] : [];
  return [...stale, ...ahead, ...serving(health), ...filling(health), ...mirroring(health)];
}

function serving({ phase, reason, disk, nfs, hashserv }: ManagerHealth): readonly HealthProblem[] {
  const problems: HealthProblem[] = [];
  if (phase === 'failed') {
    const todo = SETUP_FAILED[reason ?? ''] ?? 'look at: journalctl -u gl-cache-setup';
    problems.push({ what: `setup failed: ${reason ?? 'it does not say why'}`, todo: `${todo}; it is tried again every 30 s` });
  } else if (phase !== 'ready') {
    problems.push({ what: `setup is at ${phase}`, todo: 'wait; if it stays there, look at: journalctl -u gl-cache-setup' });
  } else {
    if (!disk) problems.push({ what: 'the data volume is not mounted', todo: 'attach it and: systemctl restart gl-cache-setup' });
    if (!nfs.active) problems.push({ what: 'NFS is not served', todo: 'systemctl restart gl-cache-setup, then: journalctl -u nfs-server' });
  }
  if (hashserv === false) {
    problems.push({ what: 'the hash server does not answer', todo: "look at: journalctl -u 'gl-cache-hashserv*'" });
  }
  return problems;
}

/** What to do where setup says why it failed; the words are those of cloud-init/programs/manager/setup.sh. */
const SETUP_FAILED: Readonly<Record<string, string>> = {
  'package-lists': 'give the subnet a way to the package mirrors, or use an image that holds the packages',
  packages: 'look at: journalctl -u gl-cache-setup, or use an image that holds the packages',
  'volume-missing': 'attach the data volume, and compare manager.volume.device with lsblk on the VM',
  'volume-not-blank': 'the volume holds something and is left alone: attach a blank one, or wipe this one yourself (wipefs, blkdiscard)',
  'volume-of-something-else':
    'the file system is not labelled gl-cache and is left alone: label it (e2label, or xfs_admin -L) if it is the right one',
  'volume-check': 'the file system is damaged: e2fsck by hand',
  mount: 'look at: journalctl -u cache.mount',
  nfs: 'look at: journalctl -u nfs-server',
  accounts: "manager.owner or one of the two numbers after it is not free for the manager's own accounts",
};

function filling({ disk, start_at, prune }: ManagerHealth): readonly HealthProblem[] {
  const problems: HealthProblem[] = [];
  if (disk && disk.fill >= start_at) {
    problems.push({
      what: `the volume is ${disk.fill} % full`,
      todo: 'pruning is at it; if it stays, enlarge the volume (it grows by itself)',
    });
  }
  for (const why of prune?.refused ?? []) {
    problems.push({
      what: `pruning refused: ${why}`,
      todo: 'if that is right: sudo -u gl-cache python3 /usr/local/lib/gl-cache/prune.py --accept',
    });
  }
  return problems;
}

function mirroring({ mirrors }: ManagerHealth): readonly HealthProblem[] {
  const failed = mirrors.failed.map(({ name, error }) => ({
    what: `mirror ${name} failed: ${error}`,
    todo: 'mend its URL, or access to it',
  }));
  const late = mirrors.late
    .filter((name) => !mirrors.failed.some((one) => one.name === name))
    .map((name) => ({ what: `mirror ${name} is old or was never fetched`, todo: "look at: journalctl -u 'gl-cache-mirror-*'" }));
  return [...failed, ...late];
}
