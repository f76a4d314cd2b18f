import { describe, expect, it } from 'vitest';
import { outline } from '../../../../deploy/inputs/targets.ts';
import { config, desiredOf, type Given, PROJECT, service } from '../builders.ts';

const named = (given: Given, key: string) => desiredOf(given).functions.find((f) => f.key === key);

describe('what serverless.yml and scaler.yml say against each other', () => {
  const other = 'fedcba9876543210fedcba9876543210';
  it.each([
    ['another region without its project', service({ region: 'eu-ch' }), config(), 'set provider.projectId'],
    ['a region without FunctionGraph', service({ region: 'eu-nl', projectId: other }), config(), 'FunctionGraph does not exist in eu-nl'],
    [
      'another scaler',
      service(),
      config({ functions: { scaler: 'mine' } }),
      'functions.scaler of scaler.yml is mine, but this deployment’s is gl-scaler-prod-scaler',
    ],
    ['a gateway without a webhook', service({}, { webhook: undefined }), config(), 'a gateway needs functions.webhook with an apig event'],
    ['a gateway without a scaler', service({}, { scaler: undefined }), config(), 'a gateway needs functions.scaler'],
    ['a reaper that nobody calls', service({}, { reaper: { events: [] } }), config(), 'functions.reaper needs a timer event'],
    [
      'a name of one’s own',
      service({}, { reaper: { name: 'mine' } }),
      config(),
      'leave it out, the function is called gl-scaler-prod-reaper',
    ],
  ])('%s', (_, of, from, said) => {
    expect(() => outline(of, from)).toThrow(said.replaceAll('’', "'"));
  });

  it.each([
    ['left out', {}, 'gl-scaler-prod-scaler'],
    ['the same', { functions: { scaler: 'gl-scaler-prod-scaler' } }, 'gl-scaler-prod-scaler'],
  ])('the scaler is filled in when it is %s', (_, document, scaler) => {
    expect(outline(service(), config(document))).toMatchObject({ scalerFunction: scaler, keys: ['scaler', 'reaper', 'webhook'] });
  });

  it('a scaler in another project is named in full', () => {
    const of = service({ projectId: other, region: 'eu-de' });
    expect(outline(of, config()).scalerFunction).toBe(`urn:fss:eu-de:${other}:function:default:gl-scaler-prod-scaler:latest`);
  });

  it('without a gateway only what a timer calls is deployed, and no scaler is named', () => {
    expect(outline(service({ gateway: 'none' }), config({ functions: { scaler: 'mine' } }))).toEqual({
      name: 'gl-scaler-prod',
      region: 'eu-de',
      projectId: PROJECT,
      keys: ['reaper'],
    });
  });
});

describe('the wanted state', () => {
  it('of a function', () => {
    expect(named({}, 'webhook')).toMatchObject({
      name: 'gl-scaler-prod-webhook',
      urn: `urn:fss:eu-de:${PROJECT}:function:default:gl-scaler-prod-webhook`,
      memorySize: 256,
      timeout: 10,
      maxInstances: 50,
      agency: 'gl-scaler-prod',
      digest: 'd1',
      description: expect.stringMatching(/^otc-gitlab-scaler, deployment gl-scaler-prod, bucket acme-ci, secrets [0-9a-f]{32}$/),
      triggers: [{ type: 'DEDICATEDGATEWAY', name: 'gl_scaler_prod_webhook', path: '/gitlab', method: 'POST', timeoutMs: 10_000 }],
    });
    expect(named({}, 'reaper')?.triggers).toEqual([{ type: 'TIMER', name: 'gl-scaler-prod-reaper', scheduleType: 'Rate', schedule: '1m' }]);
    expect(Object.keys(named({}, 'webhook')?.secrets ?? {})).toEqual(['HOOK_TOKENS']);
  });

  it('the digest of secrets is that of this function’s own, and shows none of them', () => {
    const before = desiredOf().functions.map((f) => [f.key, f.description]);
    const after = desiredOf({ secrets: { HOOK_TOKENS: 'hook-2' } }).functions.map((f) => [f.key, f.description]);
    expect(before.filter((one, i) => one[1] !== after[i]?.[1]).map(([key]) => key)).toEqual(['webhook']);
    expect(desiredOf().functions.map((f) => f.description)).toEqual(before.map(([, text]) => text));
    expect(JSON.stringify(desiredOf())).not.toMatch(/glpat-1|hook-1/);
  });

  it('names of two triggers of a kind differ', () => {
    const events = [{ timer: { rate: '1m' } }, { timer: { cron: '@every 30s' } }];
    expect(named({ service: service({}, { reaper: { events } }) }, 'reaper')?.triggers.map(({ name }) => name)).toEqual([
      'gl-scaler-prod-reaper',
      'gl-scaler-prod-reaper-2',
    ]);
  });

  it('an agency that is only named gets no policies', () => {
    const wanted = desiredOf({ service: service({ agency: { name: 'mine' } }) });
    expect([wanted.agency, wanted.functions[0]?.agency]).toEqual([{ name: 'mine', create: false, policies: [] }, 'mine']);
  });

  it('rights are granted in the project of the farm and in that of the functions', () => {
    const projectId = 'fedcba9876543210fedcba9876543210';
    const [project, account] = desiredOf({ service: service({ projectId }) }).agency.policies;
    expect([project?.grants, account?.grants]).toEqual([[{ projectId: PROJECT }, { projectId }], ['account']]);
  });

  it('a renewed certificate has another name', () => {
    const gateway = { id: 'g', domain: 'hooks.example.com', certificate: { name: 'hooks', cert: 'c', key: 'k' } };
    const name = (certificateDigest: string) => desiredOf({ service: service({ gateway }), certificateDigest }).gateway?.certificate?.name;
    expect([name('1111111122'), name('2222222233')]).toEqual(['hooks_11111111', 'hooks_22222222']);
  });
});
