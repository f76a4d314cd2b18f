import { describe, expect, it } from 'vitest';
import { oslsSchemas, parseService } from '../../../../deploy/inputs/schema.ts';
import { NEW_GATEWAY, type Part, serviceData } from '../builders.ts';

const wrong = (data: ReturnType<typeof serviceData>) => {
  try {
    parseService(data);
    return 'nothing';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

describe('mistakes in serverless.yml', () => {
  it.each<[name: string, provider: Part, said: string]>([
    ['an unknown key', { agncy: {} }, 'provider.agncy: is not a key here; did you mean "agency"?'],
    ['no agency', { agency: undefined }, 'provider.agency: must be { create: true }, or { name: <an agency that exists> }'],
    ['an agency that is neither', { agency: { create: false } }, 'provider.agency'],
    [
      'readers of a bucket that is not ours',
      { bucket: { create: false, countsFor: 'everybody' } },
      'bucket.countsFor: is for a bucket with create: true',
    ],
    ['everybody as a network', { bucket: { create: true, countsFor: ['0.0.0.0/0'] } }, 'bucket.countsFor[0]: is everybody'],
    [
      'readers that are no networks',
      { bucket: { create: true, countsFor: 'all' } },
      'bucket.countsFor: must be everybody, or a list of networks',
    ],
    ['a gateway without an id', { gateway: {} }, 'provider.gateway.id: is missing'],
    ['a gateway that is a word', { gateway: 'shared' }, 'must be none, or { id: <instance of the dedicated gateway> }'],
    [
      'a gateway to be made nowhere',
      { gateway: { create: { ...NEW_GATEWAY, zones: [] } } },
      'gateway.create.zones: needs at least one entry',
    ],
    [
      'a gateway to be made, with a group that is',
      { gateway: { create: NEW_GATEWAY, group: { id: 'g' } } },
      'gateway.group: is not a key here',
    ],
    ['a gateway that is there and to be made', { gateway: { id: 'g', create: NEW_GATEWAY } }, 'or { create: … } for one of its own'],
    [
      'a certificate without its key',
      { gateway: { id: 'g', domain: 'a.example.com', certificate: { name: 'a', cert: 'a' } } },
      'certificate.key: is missing',
    ],
    ['logs kept for ever', { logs: { days: 1000 } }, 'provider.logs.days: must be at most 365'],
    ['a log group that is no id', { logs: { groupId: 'mine' } }, 'provider.logs.groupId: must be a UUID'],
    ['half a VPC', { vpc: { id: '0f3c2b1a-1111-4222-8333-444455556666' } }, 'provider.vpc.subnetId: is missing'],
    ['an endpoint that is no URL', { endpoints: { iam: 'iam' } }, 'provider.endpoints.iam: is no URL'],
    ['a region that is none', { region: 'EU' }, 'provider.region: must be a region'],
    ['a tag with a space', { tags: { 'cost centre': '1' } }, 'provider.tags'],
  ])('%s', (_, provider, said) => {
    expect(wrong(serviceData(provider))).toContain(said);
  });

  it.each<[name: string, functions: Readonly<Record<string, Part | undefined>>, said: string]>([
    ['a function of one’s own', { other: { handler: 'index.handler' } }, 'functions.other: is not a key here'],
    ['no reaper', { reaper: undefined }, 'functions.reaper: is missing'],
    ['memory that is not sold', { reaper: { memorySize: 500 } }, 'functions.reaper.memorySize: must be one of 128, 256'],
    ['a timeout too short', { reaper: { timeout: 1 } }, 'functions.reaper.timeout: must be at least 3'],
    ['a handler in another file', { reaper: { handler: 'src/reaper.handler' } }, 'functions.reaper.handler: must be index.<export>'],
    ['a secret that nothing reads', { reaper: { secrets: ['PASSWORD'] } }, 'functions.reaper.secrets[0]: must be one of GITLAB_TOKEN'],
    ['too many retries', { reaper: { async: { retries: 4 } } }, 'functions.reaper.async.retries: must be at most 3'],
    ['a destination without a slash', { reaper: { async: { onFailure: { obs: 'failures' } } } }, 'must be a prefix that ends with "/"'],
    [
      'an event of AWS',
      { webhook: { events: [{ http: 'POST gitlab' }] } },
      'functions.webhook.events[0]: must be an apig or a timer event',
    ],
    ['a path without a slash', { webhook: { events: [{ apig: { path: 'gitlab' } }] } }, 'events[0].apig.path: must begin with "/"'],
    ['a rate too fast', { reaper: { events: [{ timer: { rate: '30s' } }] } }, 'must be 1m to 60m, 1h to 24h or 1d to 30d'],
    ['a rate too slow', { reaper: { events: [{ timer: { rate: '61m' } }] } }, 'must be 1m to 60m'],
    ['a cron expression without its zone', { reaper: { events: [{ timer: { cron: '0 0/5 * * *' } }] } }, 'must begin with CRON_TZ='],
    [
      'a gateway slower than it may be',
      { webhook: { events: [{ apig: { path: '/', timeout: 61 } }] } },
      'apig.timeout: must be at most 60',
    ],
  ])('%s', (_, functions, said) => {
    expect(wrong(serviceData({}, functions))).toContain(said);
  });

  it('are told all at once', () => {
    const said = wrong(serviceData({ agncy: {} }, { reaper: { timeout: 1 }, scaler: { memorySize: 1 } }));
    expect(said).toContain('3 problems');
  });

  it('a name too long for a function', () => {
    expect(wrong({ ...serviceData(), service: 'a'.repeat(40) })).toContain('service: must be letters');
  });
});

describe('the schema for osls', () => {
  it('knows the same keys, and holds nothing that its strict ajv does not know', () => {
    const { provider, function: of, functionEvents } = oslsSchemas();
    expect(Object.keys(provider.properties)).toContain('gateway');
    expect(Object.keys(provider.properties)).not.toContain('name');
    expect(Object.keys(of.properties).toSorted()).toEqual(['async', 'handler', 'maxInstances', 'memorySize', 'secrets', 'tags', 'timeout']);
    expect(functionEvents.apig).toMatchObject({ type: 'object', additionalProperties: false });
    expect(JSON.stringify(oslsSchemas())).not.toContain('$schema');
  });
});
