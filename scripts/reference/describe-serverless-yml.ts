import type * as z from 'zod';
import { Service } from '../../deploy/inputs/schema.ts';
import { BaseUrl, HostName, Uuid } from '../../lib/config/fields.ts';
import { SubnetText } from '../../lib/config/subnet.ts';
import type { Description, FileReference } from './describe.ts';

const OTHER_ADDRESS: Description = {
  means: 'another address of this service',
  absent: "scaler.yml's, or `https://<service>.<region>.<domain>`",
};

const PROVIDER: Readonly<Record<string, Description>> = {
  'provider.name': { means: 'whose cloud it is' },
  'provider.stage': {
    means: 'Part of every name, so that several deployments can stand side by side.',
    absent: 'required, here or as `--stage`',
  },
  'provider.region': { means: 'Where the functions are. FunctionGraph does not exist in eu-nl.', absent: '`otc.region` of scaler.yml' },
  'provider.config': {
    means:
      'scaler.yml: the functions carry it, compiled. Project, domain, addresses and bucket come from it, too. As seen from serverless.yml.',
  },
  'provider.secrets': { means: 'where secrets are read that the environment does not have' },
  'provider.projectId': {
    means:
      'The project of the functions. Required when `region` is another one than scaler.yml says, because a project belongs to one region.',
    absent: '`otc.project_id` of scaler.yml',
  },
  'provider.endpoints': { means: 'other addresses for single services', absent: 'empty' },
  'provider.endpoints.functiongraph': OTHER_ADDRESS,
  'provider.endpoints.apig': OTHER_ADDRESS,
  'provider.endpoints.iam': OTHER_ADDRESS,
  'provider.endpoints.lts': OTHER_ADDRESS,
  'provider.endpoints.obs': OTHER_ADDRESS,
  'provider.agency': { means: 'the rights of the functions' },
  'provider.agency.create': { means: 'make an agency `<service>-<stage>` with the two policies of `deploy/policies/`' },
  'provider.agency.name': { means: 'use this one, which exists' },
  'provider.bucket': { means: 'the bucket of scaler.yml' },
  'provider.bucket.create': { means: 'make it, with the rules that let handoffs and the like expire; `false`: it must exist' },
  'provider.bucket.countsFor': {
    means:
      "Who may read `counts/` without a key, by a statement of the bucket's policy: everybody, or these networks. Only with `create: true`. For the page as well: [dashboard publish](../dashboard.md).",
    absent: 'nobody',
  },
  'provider.gateway': {
    means:
      '`none`: nothing costs while nothing runs; only functions with a timer are deployed, and that scales up within a minute. With a dedicated gateway it takes seconds.',
  },
  'provider.gateway.id': { means: 'the instance of a dedicated gateway that exists: console → API Gateway → Gateways' },
  'provider.gateway.create': {
    means:
      'Make a dedicated gateway `<service>-<stage>` with a public address, and remove it with the deployment or when this key goes. It **costs each hour that it exists**.',
  },
  'provider.gateway.create.spec': { means: 'its size; the smallest is more than enough' },
  'provider.gateway.create.zones': { means: 'availability zones' },
  'provider.gateway.create.vpcId': { means: 'VPC that it stands in; `machine.vpc_id` of scaler.yml will do' },
  'provider.gateway.create.subnetId': { means: 'subnet there, with three free addresses (BASIC) to seven (PLATINUM)' },
  'provider.gateway.create.securityGroupId': { means: 'must let GitLab in at port 443' },
  'provider.gateway.create.enterpriseProjectId': {
    means: 'enterprise project; an enterprise account must name one',
    absent: 'none is named',
  },
  'provider.gateway.create.bandwidth': { means: 'of the public address, in Mbit/s; charged by traffic' },
  'provider.gateway.group': { means: 'the API group' },
  'provider.gateway.group.create': { means: 'make one' },
  'provider.gateway.group.id': { means: 'use this one, which exists' },
  'provider.gateway.domain': {
    means:
      'Host name that GitLab calls, bound to the API group. Without it the group has an address for trying out, with 1000 calls a day, inside the VPC only unless the gateway has a public address.',
  },
  'provider.gateway.certificate': { means: 'of that name, for TLS. Put renewed files there and deploy.' },
  'provider.gateway.certificate.name': { means: 'its name in the gateway; a digest of the certificate is added' },
  'provider.gateway.certificate.cert': { means: 'file with the certificate and its chain (PEM)' },
  'provider.gateway.certificate.key': { means: 'file with its private key (PEM)' },
  'provider.logs': { means: 'Where the logs of the functions are kept. Without it no log is collected.' },
  'provider.logs.days': { means: 'a log group `<service>-<stage>` of its own, that keeps them so long' },
  'provider.logs.groupId': { means: 'use this log group, which exists' },
  'provider.vpc': { means: 'Put the functions into a VPC. Then the internet needs a NAT gateway there.' },
  'provider.vpc.id': { means: 'the VPC' },
  'provider.vpc.subnetId': { means: 'the subnet in it' },
  'provider.tags': { means: 'of all functions; other tags are taken off' },
};

const FUNCTION: Readonly<Record<string, Description>> = {
  'functions.webhook': { means: "Takes GitLab's hooks. Deployed only with a gateway, and required then." },
  'functions.scaler': { means: 'Woken by the webhook. Deployed only with a gateway, and required then.' },
  'functions.reaper': { means: 'the tick of every minute' },
  'functions.webhook.handler': { means: 'what is called in the zip' },
  'functions.webhook.memorySize': { means: 'in MB; the share of a processor grows with it' },
  'functions.webhook.timeout': { means: 'seconds that a call may take' },
  'functions.webhook.maxInstances': {
    means: 'Most calls at once. What comes beyond is discarded in silence; the next tick repairs what that loses.',
  },
  'functions.webhook.async': {
    means: 'asynchronous calls: how they are repeated and what becomes of failed ones',
    absent: "FunctionGraph's own settings",
  },
  'functions.webhook.async.retries': { means: 'times that a failed call is repeated; the next tick does better with what is true by then' },
  'functions.webhook.async.maxAge': { means: 'seconds that a call may wait' },
  'functions.webhook.async.onFailure': { means: 'where a note of each failed call goes' },
  'functions.webhook.async.onFailure.obs': { means: 'below this prefix of the bucket' },
  'functions.webhook.secrets': {
    means: 'Which secrets the function gets, in its encrypted user data. From the environment, else from the file `provider.secrets`.',
  },
  'functions.webhook.tags': { means: 'beside those of the provider' },
  'functions.webhook.name': { means: 'Written by osls; leave it out.' },
  'functions.webhook.events': { means: 'what calls the function' },
  'functions.webhook.events[].apig': { means: 'an API of the gateway' },
  'functions.webhook.events[].apig.path': { means: 'its path' },
  'functions.webhook.events[].apig.method': { means: 'its method' },
  'functions.webhook.events[].apig.timeout': { means: 'seconds that the gateway waits for an answer' },
  'functions.webhook.events[].timer': { means: 'again and again' },
  'functions.webhook.events[].timer.rate': { means: 'so often' },
  'functions.webhook.events[].timer.cron': { means: 'at these times' },
};

export const SERVERLESS_YML: FileReference = {
  page: 'serverless.md',
  title: 'Reference: serverless.yml',
  introduction: `Every key of \`serverless.yml\` that the provider \`otc\` reads. The file in [the root of the repository](../../serverless.yml) is complete.
\`frameworkVersion\`, \`configValidationMode\`, \`plugins\` and variables such as \`\${env:NAME}\` are osls's own. An unknown key is an error.

"none" as a default: without the key there is no such thing. "required in this form": the section has several forms, and this key belongs to one of them.`,
  root: Service.omit({ stage: true }),
  names: new Map<z.core.$ZodType, string>([
    [BaseUrl, 'URL with `https://`, without password and query'],
    [HostName, 'host name'],
    [Uuid, 'UUID'],
    [SubnetText, 'network, such as 203.0.113.0/24'],
  ]),
  keys: {
    service: { means: 'Beginning of every name: functions are called `<service>-<stage>-<key>`.' },
    provider: { means: 'the cloud, and what the functions share' },
    functions: { means: 'the functions themselves' },
    ...PROVIDER,
    ...FUNCTION,
  },
  notes: {
    functions: 'All three have [the same keys](#functionswebhook).',
    'provider.agency': 'Either of the two.',
    'provider.gateway': 'Either with `id` or with `create`.',
    'provider.gateway.group': 'Either of the two.',
    'provider.logs': 'Either of the two.',
    'functions.webhook': 'Likewise of `functions.scaler` and `functions.reaper`.',
    'functions.webhook.events[]': 'One of the two for each event.',
    'functions.webhook.events[].timer': 'Either of the two.',
  },
};
