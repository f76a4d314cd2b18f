import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { deploy } from '../../deploy/commands/deploy.ts';
import { info } from '../../deploy/commands/info.ts';
import { remove as removeNow } from '../../deploy/commands/remove.ts';
import type { DeployInputs } from '../../deploy/inputs/deployment.ts';
import type { Bundles } from '../../deploy/inputs/package.ts';
import { NEW_GATEWAY } from '../unit/deploy/builders.ts';
import { type DeployBench, deployBench, deployedState } from './deploy-bench.ts';

const code = Buffer.from(`exports.handler = async () => ({ statusCode: 200, headers: {}, body: 'served', isBase64Encoded: false });`);
const BUNDLES: Bundles = { webhook: code, scaler: code, reaper: code };
const NAME = 'gl-scaler-prod';
const DOMAIN = 'hooks.example.com';

/** A farm with a gateway to be made, which takes a moment only. */
async function started(): Promise<DeployBench & { readonly waits: number[] }> {
  const waits: number[] = [];
  const bench = await deployBench({ bundles: BUNDLES, provider: { gateway: { create: NEW_GATEWAY } } });
  bench.sandbox.apig.buildMs = 300;
  bench.sandbox.apig.deleteMs = 60;
  const sleep = async (ms: number) => {
    waits.push(ms);
    await wait(40);
  };
  return { ...bench, waits, inputs: (more) => bench.inputs({ sleep, ...more }) };
}

const remove = (inputs: DeployInputs) => removeNow(inputs, { sleep: async (ms) => void (ms === 15_000 && (await wait(20))) });
const own = ({ sandbox }: DeployBench) => [...sandbox.apig.instances.values()].find(({ name }) => name === NAME);
const others = { gateways: [['gateway', 'Running']], groups: [], functions: [] };

describe('a gateway that the deployment makes', () => {
  it('is waited for, serves the webhook, is found again, and goes with everything else', async () => {
    const bench = await started();
    await deploy(bench.inputs());
    const said = bench.said.join('\n');
    expect(said).toMatch(
      /wait until the gateway gl-scaler-prod runs.*\n {2}30 %\n {2}80 %\n {2}the gateway runs, its address is 80\.158\.255\.1/,
    );
    expect(bench.waits.every((ms) => ms === 15_000)).toBe(true);
    const made = own(bench);
    expect(made).toMatchObject({ spec: 'BASIC', isPublic: true, vpcId: NEW_GATEWAY.vpcId, securityGroupId: NEW_GATEWAY.securityGroupId });
    const group = [...(made?.groups.values() ?? [])].find(({ isDefault }) => !isDefault);
    const answer = await fetch(`${bench.sandbox.urls.gateway}/gitlab`, {
      method: 'POST',
      headers: { host: group?.subDomain ?? '' },
      body: '{}',
    });
    expect([answer.status, await answer.text()]).toEqual([200, 'served']);
    bench.said.length = 0;
    await deploy(bench.inputs());
    expect(bench.said.some((line) => line.startsWith('Nothing to do'))).toBe(true);
    bench.data.length = 0;
    await info(bench.inputs());
    expect(bench.data.join('')).toContain(`gateway     ${NAME} (${made?.id}), Running at 80.158.255.1, made by this deployment`);
    await remove(bench.inputs());
    expect(deployedState(bench.sandbox)).toMatchObject(others);
  });

  it('that is broken off while it is made is waited for by the next deployment', async () => {
    const bench = await started();
    // Longer than the next deployment takes to look, on a busy machine, too.
    bench.sandbox.apig.buildMs = 3_000;
    const broken = new Error('broken off');
    await expect(deploy(bench.inputs({ sleep: () => Promise.reject(broken) }))).rejects.toBe(broken);
    bench.said.length = 0;
    await deploy(bench.inputs());
    expect(bench.said.filter((line) => /gateway/.test(line))[0]).toMatch(/^\[1\/\d+\] wait until the gateway/);
    expect(deployedState(bench.sandbox).gateways).toEqual([...others.gateways, [NAME, 'Running']]);
  });

  it('that comes to nothing says why, and the next deployment makes it anew', async () => {
    const bench = await started();
    bench.sandbox.apig.breakNext();
    await expect(deploy(bench.inputs())).rejects.toThrow(/wait until the gateway .*\n.*could not be created: APIC\.9219 create failed/);
    expect(deployedState(bench.sandbox).gateways).toContainEqual([NAME, 'CreateFail']);
    await deploy(bench.inputs());
    expect(deployedState(bench.sandbox).gateways).toEqual([...others.gateways, [NAME, 'Running']]);
  });

  it.each([
    ['none', () => 'none', []],
    ["somebody's", ({ sandbox }: DeployBench) => ({ id: sandbox.gatewayId, domain: DOMAIN }), [['gl_scaler_prod', [[DOMAIN, undefined]]]]],
  ])('goes when serverless.yml names %s instead: nobody would think of it, and somebody would pay', async (_, gateway, groups) => {
    const bench = await started();
    Object.assign(bench.provider, { gateway: { create: NEW_GATEWAY, domain: DOMAIN } });
    await deploy(bench.inputs());
    Object.assign(bench.provider, { gateway: gateway(bench) });
    await deploy(bench.inputs());
    expect(deployedState(bench.sandbox)).toMatchObject({ gateways: others.gateways, groups });
  });

  it("takes the domain over from somebody's gateway, and leaves nothing there", async () => {
    const bench = await started();
    const { provider, sandbox } = bench;
    Object.assign(provider, { gateway: { id: sandbox.gatewayId, domain: DOMAIN } });
    await deploy(bench.inputs());
    Object.assign(provider, { gateway: { create: NEW_GATEWAY, domain: DOMAIN } });
    await deploy(bench.inputs());
    expect(sandbox.apig.instances.get(sandbox.gatewayId)?.groups.size).toBe(0);
    expect(deployedState(sandbox).groups).toEqual([['gl_scaler_prod', [[DOMAIN, undefined]]]]);
    bench.said.length = 0;
    await deploy(bench.inputs());
    expect(bench.said.some((line) => line.startsWith('Nothing to do'))).toBe(true);
  });

  it('stays while others use it, which is said at each deployment and removal', async () => {
    const bench = await started();
    await deploy(bench.inputs());
    const made = own(bench);
    if (!made) throw new Error('no gateway');
    bench.sandbox.apig.createGroup(made, 'theirs', '');
    Object.assign(bench.provider, { gateway: 'none' });
    const stays = `The gateway ${NAME} (${made.id}) stays, because others use it: the API groups theirs. It costs money as long as it exists.`;
    for (const run of [deploy, deploy, remove]) {
      bench.said.length = 0;
      await run(bench.inputs());
      expect(bench.said).toContain(stays);
    }
    expect(own(bench)).toBe(made);
  });

  it.each(['Updating', 'UpdateFailed'] as const)('that others use stays, also while it is %s', async (state) => {
    const bench = await started();
    await deploy(bench.inputs());
    const made = own(bench);
    if (!made) throw new Error('no gateway');
    bench.sandbox.apig.createGroup(made, 'theirs', '');
    made.state = state;
    await expect(deploy(bench.inputs())).rejects.toThrow(`is ${state}, not Running: try again later`);
    await remove(bench.inputs());
    expect(own(bench)?.groups.size).toBeGreaterThan(1);
  });

  it('that serverless.yml refers to by its id from then on stays with the removal, and that is said', async () => {
    const bench = await started();
    await deploy(bench.inputs());
    Object.assign(bench.provider, { gateway: { id: own(bench)?.id } });
    bench.said.length = 0;
    await deploy(bench.inputs());
    expect(bench.said.some((line) => line.startsWith('Nothing to do'))).toBe(true);
    await remove(bench.inputs());
    expect(bench.said.join('\n')).toContain('because serverless.yml refers to it by its id. It costs money as long as it exists.');
    expect(own(bench)).toBeDefined();
  });

  it("leaves somebody's API group with our name alone", async () => {
    const bench = await started();
    const { apig, gatewayId } = bench.sandbox;
    const gateway = apig.instances.get(gatewayId);
    if (!gateway) throw new Error('no gateway');
    apig.createGroup(gateway, 'gl_scaler_prod', 'mine');
    const theirs = [...gateway.groups.values()].find(({ name }) => name === 'gl_scaler_prod');
    if (theirs) apig.bindDomain(theirs, 'www.example.com');
    for (const provider of [{ gateway: { create: NEW_GATEWAY } }, { gateway: { id: gatewayId, domain: DOMAIN } }]) {
      Object.assign(bench.provider, provider);
      await deploy(bench.inputs());
      await remove(bench.inputs());
      const left = [...gateway.groups.values()].map(({ name, domains }) => [name, [...domains.values()].map((d) => d.name)]);
      expect(left).toEqual([['gl_scaler_prod', ['www.example.com']]]);
    }
  });

  it('is ours whatever it is called now, and is never made a second time', async () => {
    const bench = await started();
    await deploy(bench.inputs());
    const made = own(bench);
    if (!made) throw new Error('no gateway');
    Object.assign(made, { name: 'renamed' });
    bench.said.length = 0;
    await deploy(bench.inputs());
    expect(bench.said.some((line) => line.startsWith('Nothing to do'))).toBe(true);
    await remove(bench.inputs());
    expect(deployedState(bench.sandbox)).toMatchObject(others);
  });

  it('is not made a second time while one that could be it cannot be read', async () => {
    const bench = await started();
    await deploy(bench.inputs());
    Object.assign(own(bench) ?? {}, { name: 'renamed' });
    bench.sandbox.ctx.faults.inject({ operation: 'apig.instance', times: 20, status: 500 });
    await expect(deploy(bench.inputs())).rejects.toThrow();
    expect(bench.sandbox.apig.instances.size).toBe(2);
  });

  it('whose API group serverless.yml names by its id from then on keeps group and domain', async () => {
    const bench = await started();
    const { sandbox, provider } = bench;
    Object.assign(provider, { gateway: { id: sandbox.gatewayId, domain: DOMAIN } });
    await deploy(bench.inputs());
    const [group] = sandbox.apig.instances.get(sandbox.gatewayId)?.groups.values() ?? [];
    Object.assign(provider, { gateway: { id: sandbox.gatewayId, group: { id: group?.id }, domain: DOMAIN } });
    bench.said.length = 0;
    await deploy(bench.inputs());
    expect(bench.said.some((line) => line.startsWith('Nothing to do'))).toBe(true);
    await remove(bench.inputs());
    expect(deployedState(sandbox).groups).toEqual([['gl_scaler_prod', []]]);
  });

  it('goes before its domain is needed elsewhere when it does not run any more', async () => {
    const bench = await started();
    Object.assign(bench.provider, { gateway: { create: NEW_GATEWAY, domain: DOMAIN } });
    await deploy(bench.inputs());
    const made = own(bench);
    if (made) made.state = 'Updating';
    Object.assign(bench.provider, { gateway: { id: bench.sandbox.gatewayId, domain: DOMAIN } });
    await deploy(bench.inputs());
    expect(deployedState(bench.sandbox)).toMatchObject({ gateways: others.gateways, groups: [['gl_scaler_prod', [[DOMAIN, undefined]]]] });
  });

  it('is waited for by the next removal when one was broken off while it went', async () => {
    const bench = await started();
    await deploy(bench.inputs());
    const broken = new Error('broken off');
    await expect(removeNow(bench.inputs(), { sleep: async (ms) => void (ms === 15_000 && (await Promise.reject(broken))) })).rejects.toBe(
      broken,
    );
    expect(deployedState(bench.sandbox).gateways).toContainEqual([NAME, 'Deleting']);
    await remove(bench.inputs());
    expect(deployedState(bench.sandbox)).toMatchObject(others);
  });

  it("nothing is removed while somebody's gateway that holds a part of it does not run", async () => {
    const bench = await started();
    const { sandbox, provider } = bench;
    Object.assign(provider, { gateway: { id: sandbox.gatewayId, domain: DOMAIN } });
    await deploy(bench.inputs());
    const gateway = sandbox.apig.instances.get(sandbox.gatewayId);
    if (gateway) gateway.state = 'Updating';
    await expect(remove(bench.inputs())).rejects.toThrow('is Updating, not Running');
    expect(deployedState(sandbox).functions).toHaveLength(3);
  });

  it('is not looked for by who may not, which is said and hinders nobody without one', async () => {
    const bench = await started();
    Object.assign(bench.provider, { gateway: 'none' });
    const refuse = () => bench.sandbox.ctx.faults.inject({ operation: 'apig.instances', times: 1, status: 403 });
    refuse();
    await deploy(bench.inputs());
    expect(bench.said.join('\n')).toMatch(/is deployed\.\nNot all gateways could be read \(.+\): .* with gateway.create/);
    Object.assign(bench.provider, { gateway: { id: bench.sandbox.gatewayId } });
    refuse();
    bench.said.length = 0;
    await deploy(bench.inputs());
    expect(bench.said.join('\n')).toContain('Not all gateways could be read');
  });

  it("with a name that somebody's has already is refused before anything is changed", async () => {
    const bench = await started();
    const { apig } = bench.sandbox;
    apig.createInstance({ name: NAME, description: 'mine', spec: 'BASIC', vpcId: '', subnetId: '', securityGroupId: '', isPublic: true });
    await expect(deploy(bench.inputs())).rejects.toThrow('that this deployment did not create');
    await remove(bench.inputs());
    expect(own(bench)).toBeDefined();
  });
});
