import { BlockList, isIPv6 } from 'node:net';
import * as z from 'zod';
import { parseJson } from '../refused.ts';

const Texts = z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1)]);

/** OBS's dialect (OTC permissions configuration guide, "Bucket Policy Parameters"). What is not understood here is refused, not passed over. */
const Statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.strictObject({ ID: Texts }),
  Action: Texts,
  Resource: Texts,
  Condition: z
    .strictObject({
      IpAddress: z.strictObject({ SourceIp: Texts }).optional(),
      NotIpAddress: z.strictObject({ SourceIp: Texts }).optional(),
    })
    .optional(),
});
const Policy = z.strictObject({ Version: z.string().optional(), Statement: z.array(Statement).min(1) });

export type PolicyStatement = z.infer<typeof Statement>;

/** OBS API reference, "Configuring a bucket policy". */
const MOST_BYTES = 20_480;

/** `undefined` when it is no policy of this bucket. */
export function readPolicy(text: string, bucket: string): readonly PolicyStatement[] | undefined {
  if (Buffer.byteLength(text) > MOST_BYTES) return undefined;
  const statements = Policy.safeParse(parseJson(text)).data?.Statement;
  const ofBucket = (resource: string) => resource === bucket || resource.startsWith(`${bucket}/`);
  const networks = (s: PolicyStatement) => [...(s.Condition?.IpAddress?.SourceIp ?? []), ...(s.Condition?.NotIpAddress?.SourceIp ?? [])];
  const sound = statements?.every((s) => s.Resource.every(ofBucket) && networks(s).every((network) => blockList([network]) !== undefined));
  return sound ? statements : undefined;
}

export interface Access {
  /** Without the prefix `obs:object:`. */
  readonly action: string;
  /** `BUCKET` or `BUCKET/KEY`. */
  readonly resource: string;
  readonly address: string;
}

/** What somebody without a key may do: allowed by one statement and denied by none. */
export function allows(statements: readonly PolicyStatement[], access: Access): boolean {
  const holding = statements.filter((statement) => applies(statement, access));
  return holding.some((s) => s.Effect === 'Allow') && holding.every((s) => s.Effect !== 'Deny');
}

function applies({ Principal, Action, Resource, Condition }: PolicyStatement, { action, resource, address }: Access): boolean {
  return (
    Principal.ID.includes('*') &&
    Action.some((pattern) => matches(pattern, action)) &&
    Resource.some((pattern) => matches(pattern, resource)) &&
    (Condition?.IpAddress === undefined || within(Condition.IpAddress.SourceIp, address)) &&
    (Condition?.NotIpAddress === undefined || !within(Condition.NotIpAddress.SourceIp, address))
  );
}

/** `*` stands for any letters, slashes too, `?` for one. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

function within(networks: readonly string[], address: string): boolean {
  return blockList(networks)?.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') ?? false;
}

function blockList(networks: readonly string[]): BlockList | undefined {
  const list = new BlockList();
  try {
    for (const network of networks) {
      const [address = '', length] = network.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      list.addSubnet(address, length === undefined ? (family === 'ipv6' ? 128 : 32) : Number(length), family);
    }
  } catch {
    return undefined;
  }
  return list;
}
