import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Build } from './build.ts';
import { SIGNING_TOKEN } from './events.ts';

/** Something on the loopback interface that accepts every asynchronous invocation. */
export interface Stub {
  readonly url: string;
  /** Invocations so far. */
  calls(): number;
  close(): void;
}

export async function startStub(): Promise<Stub> {
  let calls = 0;
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/invocations-async')) calls += 1;
    request.resume();
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"request_id":"1167bf8c-87b0-43ab-8f5f-26b16c64f252"}');
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => calls,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What a webhook needs to run against the stub. Returns environment and user data of its process. */
export async function webhookSettings(build: Build, stub: Stub) {
  const path = await build.compile(JSON.stringify(configuration(stub.url)));
  return { path, env: { SCALER_CONFIG: path }, userData: { GITLAB_TOKEN: 'glpat-bench', HOOK_SIGNING_TOKENS: SIGNING_TOKEN } };
}

function configuration(stub: string) {
  return {
    gitlab: { url: 'https://gitlab.example.com', scope: { group: 'acme' } },
    otc: {
      region: 'eu-de',
      project_id: '0123456789abcdef0123456789abcdef',
      endpoints: { ecs: stub, ims: stub, iam: stub, vpc: stub, obs: stub, functiongraph: stub },
    },
    bucket: { name: 'bench-bucket' },
    functions: { scaler: 'scaler' },
    pools: [
      {
        name: 'bitbake',
        tags: ['bitbake'],
        limit: 100,
        machine: {
          image: 'Standard_Debian_12_amd64_latest',
          flavors: ['c4.2xlarge.2'],
          zones: ['eu-de-01'],
          vpc_id: '0dae26c9-9a70-4392-93f3-87d53115d171',
          subnet_id: '157ee789-03ea-45b1-a698-76c92660dd83',
          security_groups: ['507ca48f-814c-4293-8706-300564d54620'],
          root_volume: { type: 'SSD', size: 100 },
        },
        runner: { docker: { image: 'ubuntu:20.04' } },
      },
    ],
  };
}
