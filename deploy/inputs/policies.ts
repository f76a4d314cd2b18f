import * as z from 'zod';
import { ConfigError } from '../../lib/core/errors.ts';

/** OTC IAM user guide, "Policy Syntax": version 1.1, at most 8 statements of at most 100 actions. */
const Policy = z.strictObject({
  Version: z.literal('1.1'),
  Statement: z
    .array(
      z.strictObject({
        Effect: z.literal('Allow'),
        Action: z.array(z.string().regex(/^[a-z]+:[A-Za-z*]+:[A-Za-z*]+$/)).max(100),
        Resource: z.array(z.string()).optional(),
      }),
    )
    .min(1)
    .max(8),
});
export type Policy = z.output<typeof Policy>;

const BUCKET = '$' + '{bucket}';

/**
 * One of the files in deploy/policies/ as IAM takes it (`policy` of a custom role), with the bucket's name filled in where it stands for one.
 * The placeholder is Terraform's own. Throws `ConfigError`.
 */
export function renderPolicy(text: string, { bucket }: { readonly bucket: string }): Policy {
  // Anything else would name more than one bucket, or another resource.
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new ConfigError('bucket-invalid', `"${bucket}" is not a valid name of a bucket`);
  return Policy.parse(JSON.parse(text.replaceAll(BUCKET, bucket)));
}
