import * as z from 'zod/mini';

/** Answers of the ECS API, only the members used. Source: OTC ECS API reference, listing_details_about_ecss and neighbours. */

export const listSchema = z.object({ count: z.int().check(z.gte(0)), servers: z.array(z.unknown()) });

/** Enough to tell whether a server is ours: what is not ours may look like anything. */
export const identitySchema = z.object({
  id: z.string().check(z.minLength(1)),
  name: z.string(),
  metadata: z.nullish(z.record(z.string(), z.unknown())),
});

export const serverSchema = z.object({
  id: z.string().check(z.minLength(1)),
  name: z.string(),
  status: z.string(),
  created: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  flavor: z.object({ id: z.string() }),
  'OS-EXT-AZ:availability_zone': z.nullish(z.string()),
  'OS-EXT-STS:task_state': z.nullish(z.string()),
  'OS-SRV-USG:launched_at': z.nullish(z.string()),
});

export const createdSchema = z.object({
  job_id: z.string().check(z.minLength(1)),
  serverIds: z.tuple([z.string().check(z.minLength(1))], z.string()),
});

/** Of the Nova-compatible API: OTC ECS API reference, native_openstack_nova_apis. */
export const consoleSchema = z.object({ output: z.nullish(z.string()) });

export const deletedSchema = z.object({ job_id: z.string().check(z.minLength(1)) });

const outcome = {
  status: z.enum(['INIT', 'RUNNING', 'SUCCESS', 'FAIL']),
  error_code: z.nullish(z.string()),
  fail_reason: z.nullish(z.string()),
};

const subJobSchema = z.object({ ...outcome, entities: z.nullish(z.object({ errorcode_message: z.nullish(z.string()) })) });

export const jobSchema = z.object({
  ...outcome,
  entities: z.nullish(z.object({ errorcode_message: z.nullish(z.string()), sub_jobs: z.nullish(z.array(subJobSchema)) })),
});

/** -1 is unlimited. */
export const limitsSchema = z.object({
  absolute: z.object({
    maxTotalInstances: z.number(),
    totalInstancesUsed: z.number(),
    maxTotalCores: z.number(),
    totalCoresUsed: z.number(),
    maxTotalRAMSize: z.number(),
    totalRAMUsed: z.number(),
  }),
});

export const flavorsSchema = z.object({
  flavors: z.array(z.object({ id: z.string().check(z.minLength(1)), os_extra_specs: z.nullish(z.record(z.string(), z.unknown())) })),
});

export const imagesSchema = z.object({
  images: z.array(
    z.object({
      id: z.string().check(z.minLength(1)),
      name: z.string(),
      status: z.string(),
      min_disk: z.number(),
      created_at: z.nullish(z.string()),
    }),
  ),
});
