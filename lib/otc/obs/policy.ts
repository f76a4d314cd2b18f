import * as z from 'zod';
import { ConfigError } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { ASSETS_PREFIX, COUNTS_PREFIX, PAGE_KEY } from '../../core/keys.ts';
import type { ObsScheme } from './signer.ts';

/** Statements of others are kept as they are, whatever they hold. */
const Statement = z.looseObject({ Sid: z.string().optional() });
const Policy = z.looseObject({ Statement: z.preprocess((given) => (Array.isArray(given) ? given : [given]), z.array(Statement)) });

export type PolicyStatement = z.infer<typeof Statement>;
/** A bucket policy: ours and other people's statements. */
export type BucketPolicy = z.infer<typeof Policy>;

/** Our statements: by what they are known again, and which objects they open. Everything else in the bucket stays private. */
const OURS = {
  dashboard: { sid: 'ScalerDashboard', keys: [PAGE_KEY, `${ASSETS_PREFIX}*`, `${COUNTS_PREFIX}*`] },
  counts: { sid: 'ScalerCounts', keys: [`${COUNTS_PREFIX}*`] },
} as const;
export type Opening = keyof typeof OURS;
/** OBS API reference, configuring_a_bucket_policy: at most 20 KB. */
const MOST_BYTES = 20_480;

/** Throws `ConfigError` when the text is no policy: to put one of ours in its place would drop what it said. */
export function parsePolicy(text: string): BucketPolicy {
  const { data } = Policy.safeParse(parseJson(text));
  if (!data)
    throw new ConfigError('policy-unreadable', 'the policy of the bucket is not in a form that is known here; it is left as it is');
  return data;
}

/** Throws `ConfigError` when it is longer than OBS takes. */
export function policyText(policy: BucketPolicy): string {
  const text = JSON.stringify(policy);
  if (Buffer.byteLength(text) > MOST_BYTES) {
    throw new ConfigError(
      'policy-too-long',
      `the policy of the bucket would have more than ${MOST_BYTES} bytes; take statements out of it`,
    );
  }
  return text;
}

/**
 * Lets anybody read the counts, or the page and the counts, from everywhere or from these networks only. The two dialects say the same. Source: OTC OBS permissions
 * configuration guide, bucket_policy_parameters; for `aws` the S3 policy language.
 */
export function readersStatement(opening: Opening, bucket: string, networks: readonly string[], scheme: ObsScheme): PolicyStatement {
  const { sid, keys } = OURS[opening];
  const aws = scheme === 'aws';
  const address = { [aws ? 'aws:SourceIp' : 'SourceIp']: [...networks] };
  return {
    Sid: sid,
    Effect: 'Allow',
    Principal: aws ? { AWS: ['*'] } : { ID: ['*'] },
    Action: [aws ? 's3:GetObject' : 'GetObject'],
    Resource: keys.map((key) => `${aws ? 'arn:aws:s3:::' : ''}${bucket}/${key}`),
    ...(networks.length > 0 && { Condition: { IpAddress: address } }),
  };
}

/** Our statement of a policy, if it has one. */
export function ourStatement(opening: Opening, policy: BucketPolicy | undefined): PolicyStatement | undefined {
  return policy?.Statement.find(({ Sid }) => Sid === OURS[opening].sid);
}

/** The policy with our statement in it, once; the others in their order. */
export function withStatement(policy: BucketPolicy | undefined, statement: PolicyStatement, scheme: ObsScheme): BucketPolicy {
  const version = policy === undefined && scheme === 'aws' ? { Version: '2012-10-17' } : {};
  return { ...version, ...policy, Statement: [...others(policy, statement.Sid), statement] };
}

/** The policy without our statement; `undefined` when nothing is left of it. */
export function withoutStatement(opening: Opening, policy: BucketPolicy | undefined): BucketPolicy | undefined {
  const left = others(policy, OURS[opening].sid);
  return policy === undefined || left.length === 0 ? undefined : { ...policy, Statement: left };
}

/** Whether two statements say the same: the server may write a list of one as a text, and lists in another order. */
export function sameStatement(a: PolicyStatement | undefined, b: PolicyStatement | undefined): boolean {
  return a !== undefined && b !== undefined && canonical(a) === canonical(b);
}

function others(policy: BucketPolicy | undefined, ours: string | undefined): PolicyStatement[] {
  return (policy?.Statement ?? []).filter(({ Sid }) => Sid !== ours);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return value.length === 1 ? canonical(value[0]) : `[${value.map(canonical).sort().join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`;
}
