import * as z from 'zod';
import { section } from '../check/messages.ts';
import { duration } from '../durations.ts';
import { EnvironmentEntry, PackageVersion, RegistryMirror } from './fields.ts';

/*
 * The section `runner` of scaler.yml, at the top and of a pool.
 */

const NEWEST = 'the newest';

/** Whatever gitlab-runner's `[runners.docker]` takes; the keys named here are checked, all others pass as they are. */
const DockerPart = z
  .looseObject({
    image: z.string().min(1).optional().meta({ description: 'image of jobs that name none', filledIn: 'ubuntu:20.04' }),
    privileged: z.boolean().optional().meta({
      description: "Makes every job root on its worker: it can read the worker's token and the metadata service. The check warns.",
      filledIn: false,
    }),
    disable_entrypoint_overwrite: z
      .boolean()
      .optional()
      .meta({ description: "jobs may not replace an image's entrypoint", filledIn: false }),
    oom_kill_disable: z
      .boolean()
      .optional()
      .meta({ description: 'the kernel does not end a container that takes too much memory', filledIn: false }),
    disable_cache: z.boolean().optional().meta({ description: 'gitlab-runner creates no cache volumes of its own', filledIn: false }),
    tls_verify: z.boolean().optional().meta({ description: 'for a docker daemon that is reached through TLS', filledIn: false }),
    volumes: z
      .array(z.string().min(1))
      .optional()
      .meta({
        description: "What jobs see of the worker's disk: `/cache` is the caches. `:ro` where the caches' `access` is `ro`.",
        filledIn: ['/cache:/var/shared:rw'],
      }),
    shm_size: z.int().min(0).optional().meta({ description: "size of `/dev/shm` in bytes; 0 is docker's own default", filledIn: 0 }),
    pull_policy: z
      .union([z.string(), z.array(z.string())], { error: 'must be text or a list of texts' })
      .optional()
      .meta({ description: 'when images are fetched, such as `if-not-present`', absent: "gitlab-runner's, `always`" }),
  })
  .meta({
    note: "gitlab-runner's own `[runners.docker]` section. The keys below are checked; all others that gitlab-runner knows (17.1 to 19.4) pass unchanged, and any other key is an error. Keys that you leave out have the defaults below.",
  })
  .superRefine((docker, ctx) => {
    for (const path of unwritable(docker)) {
      ctx.addIssue({
        code: 'custom',
        path,
        message: 'must be text, a number, true, false, a list or a section: config.toml has no empty values',
      });
    }
  });

/** Paths of what TOML cannot say: null and the numbers that are none. */
function unwritable(value: unknown): (string | number)[][] {
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return [[]];
  if (Array.isArray(value)) return value.flatMap((entry, i) => unwritable(entry).map((path) => [i, ...path]));
  if (typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, entry]) => unwritable(entry).map((path) => [key, ...path]));
}

const pinned = (description: string) => PackageVersion.optional().meta({ description, absent: NEWEST });

/** The packages that a worker installs by itself. The helper images follow gitlab-runner. */
const PackagesPart = section({
  apparmor: pinned('for docker'),
  'ca-certificates': pinned('certificate authorities'),
  curl: pinned('fetches the configuration of the worker'),
  'docker.io': pinned('docker'),
  'gitlab-runner': pinned(
    'At least 17.1; 18.5 or later is recommended (the check warns). From 17.7 on, `gitlab-runner-helper-images` comes in the same version.',
  ),
  'nfs-common': pinned('mounts the caches'),
  nftables: pinned('blocks the metadata service'),
}).meta({
  note: 'Versions of the Debian packages that a worker installs when its image lacks them. Packages that the image already holds are used as they are. Before you pin: [configuration.md](../configuration.md#runner).',
});

const DiskPart = section({
  min_free_gb: z.int().min(0).max(1024).default(5).meta({
    description:
      'In GiB. When less is free and nothing can be removed, the worker takes no further job and leaves. 0 turns the check off. Must be less than `root_volume.size`.',
  }),
  prune: z.boolean().default(true).meta({
    description:
      "Remove what no job uses, the oldest first, until enough is free: stopped containers, images, gitlab-runner's volumes, build folders of the shell executor.",
  }),
});

export const RunnerPart = section({
  executor: z.enum(['docker', 'shell']).optional().meta({
    description: '`shell`: jobs run as the user gitlab-runner',
    filledIn: 'docker',
    dockerMachine: '`executor`, there `docker+machine`',
  }),
  docker: DockerPart.optional().meta({
    description: "settings of gitlab-runner's docker executor, merged key by key",
    absent: 'see its keys',
    dockerMachine: '`[runners.docker]`',
  }),
  registry_mirrors: z
    .array(RegistryMirror)
    .refine((list) => list.length <= 10, 'must have at most 10 entries')
    .optional()
    .meta({
      description:
        "Mirrors of Docker Hub that the worker's docker asks first, in this order. They are added to the image's own `/etc/docker/daemon.json`, before the mirrors in it; its other keys stay.",
      absent: "the image's",
      dockerMachine: '`engine-registry-mirror`',
    }),
  environment: z
    .array(EnvironmentEntry)
    .optional()
    .meta({ description: 'variables of every job', filledIn: [], dockerMachine: '`environment`' }),
  protected_only: z.boolean().optional().meta({
    description: 'serve protected branches and tags only',
    filledIn: false,
    dockerMachine: 'access level of the registration',
  }),
  // gitlabhq: maximum_timeout of a runner is at least ten minutes.
  maximum_timeout: duration({ min: 600_000 }).optional().meta({
    description:
      'GitLab ends jobs that take longer. Set it to the longest job: a worker that has reached `max_age` ends this much later, whatever it runs; without this key, 6 h later (the check warns).',
    dockerMachine: 'maximum timeout of the registration',
  }),
  check_interval: z.int().min(0).max(3600).optional().meta({
    description:
      'Has no effect: workers run `gitlab-runner run-single`, which waits 3 s between two requests. Accepted so that an old figure can stay.',
    filledIn: 0,
    dockerMachine: '`check_interval`',
  }),
  session_timeout: duration({ min: 1000 }).optional().meta({
    description:
      'Has no effect: `gitlab-runner run-single` asks for jobs without a session server, so there is no web terminal. Accepted so that an old figure can stay.',
    filledIn: '30m',
    dockerMachine: '`session_timeout`',
  }),
  packages: PackagesPart.optional().meta({
    description: 'versions of the packages that a worker installs, merged package by package',
    absent: NEWEST,
  }),
  disk: DiskPart.optional().meta({
    description: 'free space that a worker needs on its disk before each job but the first; replaced as a whole by a pool that has its own',
    filledIn: { min_free_gb: 5, prune: true },
  }),
}).meta({
  note: 'Under `pools[].runner` the same keys apply to one pool. `concurrent` is always 1: one worker, one job at a time. More: [the runner in configuration.md](../configuration.md#runner).',
});
export type RunnerPart = z.infer<typeof RunnerPart>;
