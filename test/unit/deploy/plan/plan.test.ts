import { describe, expect, it } from 'vitest';
import { plan } from '../../../../deploy/plan/plan.ts';
import { planRemoval } from '../../../../deploy/plan/remove.ts';
import type { Actual, ActualFunction } from '../../../../deploy/state/types.ts';
import { config, deployed, desiredOf, gatewayThere, NOTHING, service } from '../builders.ts';

const wanted = desiredOf();
const there = deployed(wanted);
const REAPER = 'gl-scaler-prod-reaper';
const WEBHOOK = 'gl-scaler-prod-webhook';

function withFunction(name: string, change: Partial<ActualFunction>): Actual {
  const before = there.functions[name];
  if (!before) throw new Error(`no function ${name}`);
  return { ...there, functions: { ...there.functions, [name]: { ...before, ...change } } };
}

const doing = (...args: Parameters<typeof plan>) => plan(...args).map(({ change }) => change.do);

describe('a plan', () => {
  it('is empty when everything is as wanted', () => {
    expect(plan(wanted, there)).toEqual([]);
  });

  it('of a first deployment makes what is needed before what needs it', () => {
    const steps = plan(wanted, NOTHING);
    expect(steps.map(({ change }) => change.do)).toEqual([
      ...['create-bucket', 'set-lifecycle', 'create-policy', 'create-policy', 'create-agency', 'grant', 'grant'],
      ...['create-log-group', 'create-log-stream', 'create-log-stream', 'create-log-stream', 'create-api-group'],
      ...['create-function', 'set-instances', 'set-async'],
      ...['create-function', 'set-instances', 'set-async', 'create-trigger'],
      ...['create-function', 'set-instances', 'create-trigger'],
    ]);
    expect(steps.at(-1)?.what).toBe('gl-scaler-prod-webhook: POST /gitlab at the gateway');
  });

  it.each<[name: string, actual: Actual, steps: readonly string[], said: string]>([
    ['new code', withFunction(REAPER, { digest: 'old' }), ['update-code'], 'new code or configuration'],
    ['more memory', withFunction(REAPER, { memorySize: 256 }), ['update-config'], 'memory MB 256 → 512'],
    ['other secrets', withFunction(REAPER, { description: 'other' }), ['update-config'], 'new secrets'],
    ['another agency', withFunction(REAPER, { agency: '' }), ['update-config'], 'agency none → gl-scaler-prod'],
    ['a log that nobody collects', withoutLogs(), ['update-config'], 'its log goes to its own stream'],
    ['another limit', withFunction(REAPER, { maxInstances: 400 }), ['set-instances'], 'at most 2 instances (now 400)'],
    ['retries', withFunction(REAPER, { async: { retries: 1, maxAgeSeconds: 60 } }), ['set-async'], '0 retries, 60 s'],
    [
      'a limit on events that nobody wants',
      withFunction(WEBHOOK, { async: { retries: 1, maxAgeSeconds: 60 } }),
      ['remove-async'],
      'defaults',
    ],
    ['tags that are gone', withFunction(REAPER, { tags: { team: 'x' } }), ['remove-tags'], 'remove the tags team'],
    [
      'a runtime that cannot be changed',
      withFunction(WEBHOOK, { runtime: 'Node.js18.15', triggers: [] }),
      ['remove-function', 'create-function', 'set-instances', 'create-trigger'],
      'runs on Node.js18.15',
    ],
    ['no bucket any more', { ...there, bucket: NOTHING.bucket }, ['create-bucket', 'set-lifecycle'], 'create the bucket acme-ci'],
    ['no grants', { ...there, grants: [] }, ['grant', 'grant'], 'grant the agency'],
    ['a function that is not wanted', withExtra(), ['remove-trigger', 'remove-function'], 'no longer configured'],
  ])('mends %s', (_, actual, steps, said) => {
    expect(doing(wanted, actual)).toEqual(steps);
    expect(
      plan(wanted, actual)
        .map(({ what }) => what)
        .join('\n'),
    ).toContain(said);
  });

  it.each([
    ['another schedule', REAPER, { data: { schedule_type: 'Rate', schedule: '5m' } }],
    ['a timer that is switched off', REAPER, { active: false }],
    ['another name', REAPER, { name: 'other' }],
    ['another path', WEBHOOK, { data: { group_id: 'group', path: '/other', req_method: 'POST' } }],
    ['another group', WEBHOOK, { data: { group_id: 'gone', path: '/gitlab', req_method: 'POST' } }],
    [
      'another time-out of the gateway',
      WEBHOOK,
      { data: { group_id: 'group', path: '/gitlab', req_method: 'POST', func_info: { timeout: 5000 } } },
    ],
  ] as const)('a trigger with %s is removed and made anew', (_, name, change) => {
    const [trigger] = there.functions[name]?.triggers ?? [];
    if (!trigger) throw new Error('no trigger');
    expect(doing(wanted, withFunction(name, { triggers: [{ ...trigger, ...change }] }))).toEqual(['remove-trigger', 'create-trigger']);
  });

  it("leaves the platform's own limits on events alone, where none are wanted", () => {
    expect(plan(wanted, withFunction(WEBHOOK, { async: { retries: 1, maxAgeSeconds: 3600 } }))).toEqual([]);
  });

  it('leaves triggers of other kinds alone', () => {
    const triggers = [...(there.functions[REAPER]?.triggers ?? []), { id: 'x', type: 'OBS', name: 'x', active: true, data: {} }];
    expect(plan(wanted, withFunction(REAPER, { triggers }))).toEqual([]);
  });

  it('keeps rules of others for the bucket', () => {
    const others = ['<Rule><ID>theirs</ID></Rule>'];
    const [step] = plan(wanted, { ...there, bucket: { exists: true, lifecycle: { rules: [], others } } });
    expect(step?.change).toMatchObject({ do: 'set-lifecycle', lifecycle: { others, rules: wanted.bucket.rules } });
  });

  it('policies are the same whatever the order of their statements and what IAM adds', () => {
    const document = {
      Version: '1.1',
      Statement: [{ Depends: [], Action: ['ims:images:list', 'ecs:cloudServers:list'], Effect: 'Allow' }],
    };
    const policies = Object.fromEntries(Object.entries(there.policies).map(([name, { id }]) => [name, { id, document }]));
    expect(plan(wanted, { ...there, policies })).toEqual([]);
    const fewer = { Version: '1.1', Statement: [{ Effect: 'Allow', Action: ['ims:images:list'] }] };
    const [first = ''] = Object.keys(policies);
    expect(doing(wanted, { ...there, policies: { ...policies, [first]: { id: 'id', document: fewer } } })).toContain('update-policy');
  });

  it('a renewed certificate and a new domain', () => {
    const gateway = { id: 'gateway-1', domain: 'hooks.example.com', certificate: { name: 'hooks', cert: 'c', key: 'k' } };
    const of = (certificateDigest: string, domain = gateway.domain) =>
      desiredOf({ service: service({ gateway: { ...gateway, domain } }), certificateDigest });
    const before = deployed(of('11111111'));
    expect(doing(of('11111111'), before)).toEqual([]);
    expect(doing(of('22222222'), before)).toEqual(['unbind-certificate', 'bind-certificate']);
    expect(doing(of('11111111', 'new.example.com'), before)).toEqual([
      'unbind-certificate',
      'unbind-domain',
      'bind-domain',
      'bind-certificate',
    ]);
  });

  it.each<[name: string, given: Parameters<typeof service>[0], actual: Actual, said: string]>([
    ['bucket', { bucket: { create: false } }, { ...there, bucket: NOTHING.bucket }, 'the bucket acme-ci does not exist'],
    ['agency', { agency: { name: 'mine' } }, withoutAgency(), 'the agency mine does not exist'],
    ['log group', { logs: { groupId: '0f3c2b1a-1111-4222-8333-444455556666' } }, withoutLogGroup(), 'the log group 0f3c2b1a'],
    ['gateway', {}, withoutGateway(), 'the gateway gateway-1 does not exist in this project'],
    ['gateway that runs', {}, { ...there, gateway: gatewayThere(false, { status: 'Creating' }) }, 'is Creating, not Running'],
    [
      'API group',
      { gateway: { id: 'gateway-1', group: { id: 'mine' } } },
      { ...there, gateway: gatewayThere() },
      'the API group mine does not exist',
    ],
    ['trusted agency', {}, { ...there, agency: { id: 'a', trusts: 'op_svc_ecs' } }, 'trusts op_svc_ecs, not FunctionGraph'],
  ])('without the %s that is referred to is refused', (_, given, actual, said) => {
    expect(() => plan(desiredOf({ service: service(given) }), actual)).toThrow(said);
  });

  it('an agency that may not be looked at is taken to be there', () => {
    const of = desiredOf({ service: service({ agency: { name: 'mine' } }) });
    expect(plan(of, { ...deployed(of), agency: 'unread' })).toEqual([]);
  });
});

describe('a removal', () => {
  it('stops what wakes the functions first, and leaves the bucket', () => {
    const { wakers, rest } = planRemoval(wanted, there);
    expect(wakers.map(({ change }) => change.do)).toEqual(['remove-trigger', 'remove-trigger']);
    expect(rest.map(({ change }) => change.do)).toEqual([
      ...['remove-function', 'remove-function', 'remove-function', 'remove-api-group', 'remove-log-group'],
      ...['remove-agency', 'remove-policy', 'remove-policy'],
    ]);
  });

  it('leaves what is only referred to', () => {
    const of = desiredOf({
      service: service({
        agency: { name: 'mine' },
        gateway: { id: 'g', group: { id: 'group' } },
        logs: { groupId: '0f3c2b1a-1111-4222-8333-444455556666' },
      }),
      config: config(),
    });
    const { rest } = planRemoval(of, deployed(of));
    expect(rest.map(({ change }) => change.do)).toEqual([
      ...['remove-function', 'remove-function', 'remove-function'],
      ...['remove-log-stream', 'remove-log-stream', 'remove-log-stream'],
    ]);
  });

  it('of nothing is nothing', () => {
    expect(planRemoval(wanted, NOTHING)).toEqual({ wakers: [], rest: [] });
  });
});

function withoutLogs(): Actual {
  const { logs: _, ...rest } = there.functions[REAPER] ?? fail();
  return { ...there, functions: { ...there.functions, [REAPER]: rest } };
}

function withExtra(): Actual {
  const old = 'gl-scaler-prod-old';
  return { ...there, functions: { ...there.functions, [old]: { ...(there.functions[REAPER] ?? fail()), name: old, urn: 'urn:old' } } };
}

function withoutAgency(): Actual {
  const { agency: _, ...rest } = there;
  return rest;
}

function withoutLogGroup(): Actual {
  const { logs: _, ...rest } = there;
  return rest;
}

describe('who reads the counts', () => {
  const of = (countsFor?: unknown) =>
    desiredOf({ service: service({ bucket: { create: true, ...(countsFor !== undefined && { countsFor }) } }) });
  const dashboard = { Sid: 'ScalerDashboard', Effect: 'Allow' };
  const having = (...Statement: readonly Readonly<Record<string, unknown>>[]): Actual => ({
    ...there,
    bucket: { ...there.bucket, policy: { Statement: [...Statement] } },
  });
  const steps = (...args: Parameters<typeof plan>) => plan(...args).map(({ what, change }) => [what, Object(change).policy?.Statement]);
  const counts = (networks?: readonly string[]) => ({
    Sid: 'ScalerCounts',
    Effect: 'Allow',
    Principal: { ID: ['*'] },
    Action: ['GetObject'],
    Resource: ['acme-ci/counts/*'],
    ...(networks && { Condition: { IpAddress: { SourceIp: networks } } }),
  });

  it.each<[name: string, wanted: unknown, actual: Actual, told: readonly unknown[]]>([
    ['everybody', 'everybody', there, ['let everybody read counts/ of acme-ci without a key', [counts()]]],
    [
      'networks, beside statements of others',
      ['203.0.113.7', '2001:db8::/48'],
      having(dashboard, counts()),
      ['let 203.0.113.7/32, 2001:db8::/48 read counts/ of acme-ci without a key', [dashboard, counts(['203.0.113.7/32', '2001:db8::/48'])]],
    ],
    ['nobody any more', undefined, having(dashboard, counts()), ['stop others from reading counts/ of acme-ci without a key', [dashboard]]],
    [
      'nobody, and there is no policy then',
      undefined,
      having(counts()),
      ['stop others from reading counts/ of acme-ci without a key', undefined],
    ],
  ])('%s', (_, wanted, actual, told) => expect(steps(of(wanted), actual)).toEqual([told]));

  it('is left as it is when it is as wanted, and where the bucket is only referred to', () => {
    expect(steps(of('everybody'), having(dashboard, { ...counts(), Action: 'GetObject' }))).toEqual([]);
    expect(steps(of(), having(dashboard))).toEqual([]);
    expect(steps(desiredOf({ service: service({ bucket: { create: false } }) }), having(counts()))).toEqual([]);
  });
});

function withoutGateway(): Actual {
  const { gateway: _, ...rest } = there;
  return rest;
}

function fail(): never {
  throw new Error('not there');
}
