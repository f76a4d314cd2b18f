import * as z from 'zod';
import { section } from '../../lib/config/check/messages.ts';
import { BaseUrl, HostName, Uuid } from '../../lib/config/schema/fields.ts';
import { SubnetText } from '../../lib/config/schema/subnet.ts';

/*
 * The part `provider` of serverless.yml, with the descriptions that docs/reference is written from.
 */

const EITHER = 'One of the two.';

const id = z.string().min(1).max(64);
const file = z.string().min(1);
const GatewayHost = HostName.meta({ holds: 'host name' });

const Agency = z.union(
  [
    section({
      create: z.literal(true).meta({ description: 'create an agency `<service>-<stage>` with the two policies of `deploy/policies/`' }),
    }).meta({ note: EITHER }),
    section({ name: id.meta({ description: 'use this existing agency' }) }),
  ],
  { error: 'must be { create: true }, or { name: <an agency that exists> }' },
);

const Bucket = section({
  create: z
    .boolean()
    .meta({ description: 'create it, with the rules that let handoffs and similar objects expire; `false`: it must exist' }),
  countsFor: z
    .union([z.literal('everybody'), z.array(SubnetText.meta({ holds: 'network, such as 203.0.113.0/24' })).min(1)], {
      error: 'must be everybody, or a list of networks',
    })
    .optional()
    .meta({
      description:
        "Who may read `counts/` without a key, by a statement of the bucket's policy: everybody, or these networks. Only with `create: true`. For the page as well: [dashboard publish](../dashboard.md).",
      absent: 'nobody',
    }),
}).refine(({ create, countsFor }) => create || countsFor === undefined, {
  path: ['countsFor'],
  error: 'is for a bucket with create: true; of another the policy is yours',
});

const Group = z.union(
  [
    section({ create: z.literal(true).meta({ description: 'create one' }) }).meta({ note: EITHER }),
    section({ id: id.meta({ description: 'use this existing group' }) }),
  ],
  { error: 'must be { create: true }, or { id: <an API group that exists> }' },
);

const GatewayParts = {
  domain: GatewayHost.optional().meta({
    description:
      'Host name that GitLab calls, bound to the API group. Without it the group has a trial address, limited to 1000 calls a day, and reachable inside the VPC only unless the gateway has a public address.',
  }),
  // APIG: 4 to 50 of letters, digits and underscores; a digest of the certificate is added.
  certificate: section({
    name: z
      .string()
      .regex(/^[A-Za-z]\w{0,40}$/, 'must be letters, digits and "_"')
      .meta({ description: 'its name in the gateway; a digest of the certificate is added' }),
    cert: file.meta({ description: 'file with the certificate and its chain (PEM)' }),
    key: file.meta({ description: 'file with its private key (PEM)' }),
  })
    .optional()
    .meta({ description: 'TLS certificate of `domain`. To renew it, replace the files and deploy.' }),
};

/** Source: OTC API Gateway API reference V2, "Creating a Dedicated Gateway". */
const NewGateway = section({
  spec: z
    .enum(['BASIC', 'PROFESSIONAL', 'ENTERPRISE', 'PLATINUM'])
    .default('BASIC')
    .meta({ description: 'its size; the smallest is more than enough' }),
  zones: z
    .array(z.string().regex(/^[a-z]+-[a-z]+-\d+[a-z]?$/, 'must be a zone, such as eu-de-01'))
    .min(1)
    .meta({ description: 'availability zones' }),
  vpcId: Uuid.meta({ description: 'VPC of the gateway; `machine.vpc_id` of scaler.yml will do' }),
  subnetId: Uuid.meta({ description: 'subnet in this VPC, with three (BASIC) to seven (PLATINUM) free addresses' }),
  securityGroupId: Uuid.meta({ description: 'must let GitLab in at port 443' }),
  bandwidth: z.int().min(5).max(2000).default(5).meta({ description: 'bandwidth of the public address, in Mbit/s; charged by traffic' }),
  enterpriseProjectId: z
    .union([z.literal('0'), Uuid])
    .optional()
    .meta({ description: 'enterprise project; an enterprise account must name one' }),
});

const Gateway = z.union(
  [
    z.literal('none'),
    section({
      id: id.meta({ description: 'the instance of an existing dedicated gateway: console → API Gateway → Gateways' }),
      group: Group.default({ create: true }).meta({ description: 'the API group' }),
      ...GatewayParts,
    }).meta({ note: 'Either with `id` or with `create`.' }),
    section({
      create: NewGateway.meta({
        description:
          'Create a dedicated gateway `<service>-<stage>` with a public address. It is removed with the deployment, or when you remove this key. It **costs money for every hour that it exists**.',
      }),
      ...GatewayParts,
    }),
  ],
  { error: 'must be none, or { id: <instance of the dedicated gateway> }, or { create: … } for one of its own' },
);

const Logs = z.union(
  [
    section({
      days: z
        .int()
        .min(1)
        .max(365)
        .default(14)
        .meta({ description: 'a log group `<service>-<stage>` of its own, which keeps logs for this many days' }),
    }).meta({ note: EITHER }),
    section({ groupId: Uuid.meta({ description: 'use this existing log group' }) }),
  ],
  { error: 'must be { days: 14 } for a log group of its own, or { groupId: <one that exists> }' },
);

export const tags = z.record(z.string().regex(/^[\w-]{1,36}$/, 'must be 1 to 36 letters, digits, "_" and "-"'), z.string().max(43));

const Endpoint = BaseUrl.optional().meta({
  description: 'another address of this service',
  absent: "scaler.yml's, or `https://<service>.<region>.<domain>`",
});

export const Provider = section({
  name: z.literal('otc').meta({ description: 'the cloud' }),
  stage: z.string().optional().meta({
    description: 'Part of every name, so that several deployments can exist side by side.',
    absent: 'required, here or as `--stage`',
  }),
  region: z
    .string()
    .regex(/^[a-z]+-[a-z0-9-]*[a-z0-9]$/, 'must be a region, such as eu-de')
    .optional()
    .meta({
      description: 'Region of the functions. FunctionGraph does not exist in eu-nl.',
      absent: '`otc.region` of scaler.yml',
    }),
  config: file.default('scaler.yml').meta({
    description:
      'Path of scaler.yml, relative to serverless.yml. The functions carry it, compiled; project, domain, addresses and bucket come from it, too.',
  }),
  secrets: file.default('secrets.env').meta({ description: 'file with the secrets that the environment does not have' }),
  projectId: z
    .string()
    .regex(/^[0-9a-f]{32}$/, "must be the project's id, 32 of 0-9 and a-f")
    .optional()
    .meta({
      description:
        'The project of the functions. Required when `region` differs from the region in scaler.yml, because a project belongs to one region.',
      absent: '`otc.project_id` of scaler.yml',
    }),
  endpoints: section({ functiongraph: Endpoint, apig: Endpoint, iam: Endpoint, lts: Endpoint, obs: Endpoint })
    .prefault({})
    .meta({ description: 'other addresses for single services' }),
  agency: Agency.meta({ description: 'the rights of the functions' }),
  bucket: Bucket.default({ create: false }).meta({ description: 'the bucket of scaler.yml' }),
  gateway: Gateway.meta({
    description:
      '`none`: nothing costs money while nothing runs; only functions with a timer are deployed, which scale up within a minute. With a dedicated gateway it takes seconds.',
  }),
  logs: Logs.optional().meta({ description: 'Where the logs of the functions are kept. Without it no log is collected.' }),
  vpc: section({ id: Uuid.meta({ description: 'the VPC' }), subnetId: Uuid.meta({ description: 'the subnet in it' }) })
    .optional()
    .meta({ description: 'Put the functions into a VPC. They then reach the internet only through a NAT gateway in it.' }),
  tags: tags.default({}).meta({ description: 'tags of all functions; other tags are removed' }),
});
export type Provider = z.output<typeof Provider>;
