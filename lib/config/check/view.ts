import * as z from 'zod';
import { duration } from '../durations.ts';
import { ScopeField, Tags } from '../schema/fields.ts';

/*
 * The same document read leniently: a value that is wrong by itself is as if absent. So contradictions between the others are found in the
 * same run, and an operator mends everything at once.
 */

const lenient = <T extends z.ZodType>(type: T) => type.optional().catch(undefined);
const section = <S extends z.core.$ZodLooseShape>(shape: S) => lenient(z.object(shape));
const present = z.unknown().optional();

const policy = {
  idle_count: lenient(z.number()),
  idle_scale_factor: lenient(z.number()),
  idle_count_min: lenient(z.number()),
  idle_time: lenient(duration()),
};

const Machine = section({
  image: present,
  flavors: lenient(z.array(z.string())),
  zones: lenient(z.array(z.string())),
  vpc_id: present,
  subnet_id: present,
  security_groups: present,
  root_volume: section({ size: lenient(z.number()) }),
});

const Runner = section({
  executor: lenient(z.string()),
  docker: lenient(z.record(z.string(), z.unknown())),
  packages: lenient(z.record(z.string(), z.unknown())),
  registry_mirrors: present,
  maximum_timeout: lenient(duration()),
  disk: section({ min_free_gb: lenient(z.number()) }),
  check_interval: lenient(z.number()),
  session_timeout: lenient(duration()),
});

const Pool = z
  .object({
    name: lenient(z.string()),
    tags: lenient(Tags),
    run_untagged: lenient(z.boolean()),
    limit: lenient(z.number()),
    ...policy,
    max_builds: lenient(z.number()),
    max_age: lenient(duration()),
    boot_timeout: lenient(duration()),
    periods: lenient(z.array(z.object({ ...policy, idle_time: present }).catch({}))),
    scope: lenient(ScopeField),
    machine: Machine,
    runner: Runner,
    cache: present,
  })
  .catch({});
export type PoolView = z.infer<typeof Pool>;

export const View = z
  .object({
    gitlab: section({ url: lenient(z.string()), scope: lenient(ScopeField) }),
    otc: section({ region: lenient(z.string()), domain: present, endpoints: section({ functiongraph: present }) }),
    bucket: section({ name: lenient(z.string()) }),
    functions: section({ scaler: lenient(z.string()) }),
    cache: present,
    costs: section({ flavors: lenient(z.record(z.string(), z.unknown())) }),
    machine: Machine,
    runner: Runner,
    pools: z.array(Pool).catch([]),
  })
  .catch({ pools: [] });
export type View = z.infer<typeof View>;
