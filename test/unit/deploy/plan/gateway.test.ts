import { describe, expect, it } from 'vitest';
import { gatewayNotes, orderNotes } from '../../../../deploy/plan/gateway.ts';
import { plan } from '../../../../deploy/plan/plan.ts';
import { planRemoval } from '../../../../deploy/plan/remove.ts';
import type { Actual } from '../../../../deploy/state/types.ts';
import { deployed, desiredOf, gatewayThere, NEW_GATEWAY, NOTHING, service } from '../builders.ts';

const wanted = desiredOf();
const there = deployed(wanted);
const doing = (...args: Parameters<typeof plan>) => plan(...args).map(({ change }) => change.do);

describe('a gateway of its own', () => {
  const own = desiredOf({ service: service({ gateway: { create: NEW_GATEWAY } }) });
  const { gateway: _, ...nothing } = NOTHING;
  const making = (more: Parameters<typeof gatewayThere>[1]) => ({ ...nothing, gateway: gatewayThere(true, more) });
  const first = (actual: Actual) => doing(own, actual).slice(8 + 3);
  const left = (more: Parameters<typeof gatewayThere>[1] = {}) => ({ ...there, left: [gatewayThere(true, { id: 'left', ...more })] });

  it.each<[name: string, actual: Actual, steps: readonly string[]]>([
    ['is made and waited for before its group', nothing, ['create-gateway', 'await-gateway', 'create-api-group']],
    ['that is being made is waited for', making({ status: 'Creating' }), ['await-gateway', 'create-api-group']],
    [
      'that could not be made is made anew',
      making({ status: 'CreateFail' }),
      ['remove-gateway', 'create-gateway', 'await-gateway', 'create-api-group'],
    ],
    [
      'that was not ready in time is made anew',
      making({ status: 'InitTimeout' }),
      ['remove-gateway', 'create-gateway', 'await-gateway', 'create-api-group'],
    ],
    ['that runs is left as it is', making({}), ['create-api-group']],
  ])('%s', (_, actual, steps) => {
    expect(first(actual).slice(0, steps.length)).toEqual(steps);
    expect(first(actual)[steps.length]).toBe('create-function');
  });

  it('says what it costs', () => {
    expect(plan(own, nothing).find(({ change }) => change.do === 'create-gateway')?.what).toBe(
      'create the gateway gl-scaler-prod (BASIC, public address with 5 Mbit/s), which costs money from now on for as long as it exists',
    );
  });

  it.each(['UpdateFailed', 'Updating', 'RollbackFailed', 'RestartFail', 'Unhealthy', 'Frozen', 'Deleting', 'DeleteFailed'])(
    'that ran and is %s now is neither awaited nor made anew',
    (status) => {
      expect(() => plan(own, making({ status }))).toThrow(`the gateway gl-scaler-prod is ${status}, not Running: try again later`);
    },
  );

  it('that is another than serverless.yml says is told', () => {
    const having = (made: object) => ({ ...nothing, gateway: gatewayThere(true, { made }) });
    expect(orderNotes(own, having({ spec: 'BASIC', vpcId: NEW_GATEWAY.vpcId }))).toEqual([]);
    expect(orderNotes(own, having({ spec: 'PLATINUM' }))).toEqual([
      expect.stringMatching(/^The gateway gl-scaler-prod has spec PLATINUM, but serverless.yml says BASIC:/),
    ]);
    expect(orderNotes(wanted, having({ spec: 'PLATINUM' }))).toEqual([]);
  });

  it("never is somebody else's with the same name", () => {
    expect(() => plan(own, { ...nothing, gateway: gatewayThere(false) })).toThrow('refer to it with provider.gateway.id gateway-1');
  });

  it('goes at the end of a deployment that does not want it any more, and of a removal', () => {
    expect(doing(wanted, left())).toEqual(['remove-gateway']);
    const { rest } = planRemoval(own, deployed(own));
    expect(rest.map(({ change }) => change.do).filter((kind) => /gateway|api-group/.test(kind))).toEqual([
      'remove-api-group',
      'remove-gateway',
    ]);
    expect(planRemoval(wanted, left()).rest.map(({ change }) => change.do)).toContain('remove-gateway');
  });

  it('gives its domain to the one that serverless.yml names instead, before that takes it, and takes our group along where it stays', () => {
    const domains = [{ id: 'd', name: 'hooks.example.com', certificate: { id: 'c', name: 'hooks' } }];
    const group = {
      id: 'old',
      name: 'gl_scaler_prod',
      address: 'a',
      remark: 'otc-gitlab-scaler, deployment gl-scaler-prod, removed by osls remove',
      domains,
    };
    const other = desiredOf({ service: service({ gateway: { id: 'gateway-1', domain: 'hooks.example.com' } }) });
    const at = { instanceId: 'left', groupId: 'old' };
    expect(plan(other, { ...there, left: [gatewayThere(true, { id: 'left', group })] }).map(({ change }) => change)).toMatchObject([
      { do: 'unbind-certificate', at },
      { do: 'unbind-domain', at },
      { do: 'bind-domain', domain: 'hooks.example.com' },
      { do: 'remove-gateway', id: 'left' },
    ]);
    for (const gateway of [gatewayThere(false, { id: 'left', group }), gatewayThere(true, { id: 'left', group, foreign: ['theirs'] })])
      expect(plan(other, { ...there, left: [gateway] }).at(-1)?.change).toEqual({ do: 'remove-api-group', id: 'old', at });
  });

  it('stays where others use it, and that is said; one that is only referred to always stays', () => {
    const used = left({ foreign: ['their_apis'] });
    expect(doing(wanted, used)).toEqual([]);
    expect(gatewayNotes(used.left)).toEqual([
      'The gateway gl-scaler-prod (left) stays, because others use it: the API groups their_apis. It costs money as long as it exists.',
    ]);
    expect(doing(wanted, left({ foreign: 'unread' }))).toEqual([]);
    expect(gatewayNotes(left({ foreign: 'unread' }).left)[0]).toContain('because its users could not be read');
    expect(gatewayNotes([gatewayThere(false, { adopted: true })])[0]).toContain('because serverless.yml refers to it by its id');
    expect(gatewayNotes([], 'PERMISSION')[0]).toContain('Not all gateways could be read (PERMISSION)');
    expect(gatewayNotes([gatewayThere()])).toEqual([]);
    expect(planRemoval(wanted, there).rest.map(({ change }) => change.do)).not.toContain('remove-gateway');
  });
});
