import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import type { DeployInputs } from '../../deploy/inputs/deployment.ts';
import type { Bundles } from '../../deploy/inputs/package.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts';
import { farmDocument, GROUP } from '../../testkit/farm.ts';

/** serverless.yml of the repository: what is deployed here is what people deploy. */
const SERVERLESS = z
  .object({
    service: z.string(),
    provider: z.record(z.string(), z.unknown()),
    functions: z.record(z.string(), z.record(z.string(), z.unknown())),
  })
  .parse(parse(readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8')));

type Part = Readonly<Record<string, unknown>>;

export interface BenchOptions {
  readonly sandbox?: Partial<SandboxOptions>;
  /** More of serverless.yml's provider. */
  readonly provider?: Part | ((sandbox: Sandbox) => Part);
  readonly functions?: Readonly<Record<string, Part>>;
  /** More of scaler.yml. */
  readonly document?: Part | ((sandbox: Sandbox) => Part);
  readonly pools?: readonly Part[];
  readonly bundles?: Bundles;
}

/** A sandbox with a group of GitLab, and a folder from which to deploy into it. */
export interface DeployBench {
  readonly sandbox: Sandbox;
  readonly dir: string;
  readonly env: Record<string, string>;
  /** What was said and printed so far, by the commands that ran in this process. */
  readonly said: string[];
  readonly data: string[];
  readonly provider: Record<string, unknown>;
  readonly functions: Record<string, Record<string, unknown>>;
  inputs(more?: Partial<DeployInputs>): DeployInputs;
  /** Writes serverless.yml for a process of its own; gives its path. */
  writeServerless(): string;
}

export async function deployBench(options: BenchOptions = {}): Promise<DeployBench> {
  const sandbox = await startSandbox({ clock: new RunningClock(), buckets: [], ...options.sandbox });
  onTestFinished(() => sandbox.close());
  const dir = mkdtempSync(join(tmpdir(), 'scaler-deploy-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const { functions: _, ...document } = farmDocument(sandbox, {
    ...(options.pools && { pools: options.pools }),
    ...(options.document && { document: options.document }),
  });
  writeFileSync(join(dir, 'scaler.yml'), JSON.stringify(document, undefined, 2));
  sandbox.gitlab.createGroup(GROUP);
  const token = sandbox.gitlab.createToken({ scopes: ['api'], admin: true }).value;
  const { otc, obs } = sandbox.urls;
  const given = typeof options.provider === 'function' ? options.provider(sandbox) : options.provider;
  const provider = { ...SERVERLESS.provider, endpoints: { functiongraph: otc, apig: otc, iam: otc, lts: otc, obs }, ...given };
  const functions = Object.fromEntries(
    Object.entries(SERVERLESS.functions).map(([key, own]) => [key, { ...own, ...options.functions?.[key] }]),
  );
  const said: string[] = [];
  const data: string[] = [];
  const { accessKey, secretKey } = sandbox.credentials;
  const env = { OTC_ACCESS_KEY: accessKey, OTC_SECRET_KEY: secretKey, GITLAB_TOKEN: token };
  return {
    sandbox,
    dir,
    env,
    said,
    data,
    provider,
    functions,
    inputs: (more = {}) => ({
      service: SERVERLESS.service,
      provider,
      functions,
      stage: 'prod',
      dir,
      env,
      output: { json: false, say: (text) => said.push(text), data: (text) => data.push(text) },
      patience: { deadlineMs: 5000, backoffMs: 1 },
      ...(options.bundles && { bundles: options.bundles }),
      ...more,
    }),
    writeServerless: () => {
      const plugin = './deploy/plugin.cjs';
      const file = join(dir, 'serverless.yml');
      writeFileSync(file, JSON.stringify({ service: SERVERLESS.service, plugins: [plugin], provider, functions }));
      return file;
    },
  };
}

/** All that a deployment makes, without ids and times: two deployments that end the same are the same here. */
export function deployedState({ deployed, agencies, lts, apig, obs, bucket }: Sandbox) {
  const policies = new Map([...agencies.roles.values()].map((role) => [role.id, role.display_name]));
  const named = (ids: ReadonlySet<string>) => [...ids].map((id) => policies.get(id)).toSorted();
  const groups = [...apig.instances.values()].flatMap((instance) => [...instance.groups.values()]).filter((g) => !g.isDefault);
  return {
    functions: deployed.all().map((f) => ({
      name: f.name,
      digest: f.code.digest,
      timeout: f.config.timeout,
      memory: f.config.memory_size,
      description: f.config.description,
      secrets: Object.keys(f.config.encrypted_user_data),
      agency: f.config.app_xrole,
      instances: f.maxInstances,
      async: f.asyncConfig,
      tags: Object.fromEntries(f.tags),
      logs: f.logs && [lts.groups.get(f.logs.groupId)?.name, lts.stream(f.logs.groupId, f.logs.streamId)?.name],
      triggers: deployed.triggers.of(f).map((t) => [t.type, t.status, t.data.name]),
    })),
    agencies: [...agencies.agencies.values()].map((a) => [a.name, named(a.onProject), named(a.onDomain)]),
    policies: [...policies.values()].toSorted(),
    logs: [...lts.groups.values()].map((g) => [g.name, g.days, [...g.streams.values()].map((s) => s.name).toSorted()]),
    gateways: [...apig.instances.values()].map((g) => [g.name, apig.stateOf(g)]),
    groups: groups.map((g) => [g.name, [...g.domains.values()].map((d) => [d.name, d.certificate?.name])]),
    lifecycle: obs.find(bucket)?.documents.get('lifecycle'),
  };
}
