import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Document, parseDocument, stringify } from 'yaml';
import { RunningClock } from '../../sandbox/clock.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { farmDocument, GROUP } from '../../testkit/farm.ts';
import { atLeastOne, portNumber } from '../shared/arguments.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { UserError } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';

/** What a pipeline of the project consists of: long enough to be seen running, short enough to be waited for. */
const JOBS = [{ name: 'image', stage: 'build', tags: ['bitbake'], durationMs: 30_000 }];

/** No function is deployed here, so the file names none; machines leave 3 s after their last job, because a person watches. */
const DOCUMENT = { functions: undefined, runner: { docker: { image: 'ubuntu:20.04' }, maximum_timeout: '2h' } };
const POOL = { name: 'bitbake', tags: ['bitbake'], limit: 3, idle_time: 0 };

export interface SandboxCommand {
  readonly port: number;
  /** From the order of a machine to its first question for a job. */
  readonly bootMs: number;
  /** Machines never leave by their wait timeout. */
  readonly workersStay?: boolean;
  readonly writeConfig?: string;
  /** Of the deployment into it; goes with `writeConfig`. */
  readonly writeServerless?: string;
}

/** A sandbox to play with: prints what a shell needs to use it, and stays until it is stopped. */
export async function sandbox(
  { port, bootMs, workersStay = false, writeConfig, writeServerless }: SandboxCommand,
  output: Output,
  stopped: () => Promise<void>,
): Promise<number> {
  const deployment = writeServerless ? readDeployment(writeConfig) : undefined;
  const world = await startSandbox({
    clock: new RunningClock(),
    port,
    // Requests are not held, so that another idle_time in the file is kept to within seconds.
    gitlab: { longPollMs: 0 },
    // Divided as in real life: a third is the cloud's, the rest the machine's own.
    times: { acceptMs: Math.round(bootMs * 0.02), buildMs: Math.round(bootMs * 0.3) },
    worker: { bootMs: Math.round(bootMs * 0.68), stay: workersStay },
  });
  world.gitlab.createGroup(GROUP);
  const project = world.gitlab.createProject(`${GROUP}/widgets`);
  project.ciJobs = JOBS;
  const token = world.gitlab.createToken({ scopes: ['api'], admin: true });
  const { urls, credentials } = world;
  if (writeConfig) {
    writeFileSync(writeConfig, stringify(farmDocument(world, { pools: [POOL], document: DOCUMENT })));
    output.say(`${writeConfig} is configured for this sandbox.`);
    if (writeServerless && deployment) {
      writeFileSync(writeServerless, deploymentInto(world, deployment, path.relative(path.dirname(writeServerless), writeConfig)));
      output.say(`${writeServerless} deploys it here: npx osls deploy --config ${writeServerless}`);
    }
  }
  output.say(`GitLab ${urls.gitlab}   OTC ${urls.otc}   OBS ${urls.obs}   gateway ${urls.gateway}`);
  output.say(`The group ${GROUP} has the project ${project.path}. For a shell:\n`);
  output.data(
    [
      `export GITLAB_TOKEN=${token.value}`,
      `export OTC_ACCESS_KEY=${credentials.accessKey}`,
      `export OTC_SECRET_KEY=${credentials.secretKey}`,
      `export GITLAB_URL=${urls.gitlab}`,
      'export HOOK_TOKENS=sandbox-hook-token',
      `export OTC_PROJECT_ID=${world.projectId}`,
      `export OTC_GATEWAY_ID=${world.gatewayId}`,
    ].join('\n'),
  );
  output.say(`\nA pipeline with one job: POST ${urls.gitlab}/api/v4/projects/${project.id}/pipeline?ref=main. Ctrl-C stops the sandbox.`);
  await stopped();
  await world.close();
  return 0;
}

/** Before anything is started. */
function readDeployment(config: string | undefined): Document {
  if (config === undefined) throw new UserError('--write-serverless needs --write-config: the deployment uses that configuration.');
  try {
    return parseDocument(readFileSync('serverless.yml', 'utf8'));
  } catch {
    throw new UserError('serverless.yml cannot be read: use --write-serverless in the folder of this repository.');
  }
}

/** The same deployment with a farm, a stage and secrets of its own, at the addresses of the sandbox: it touches nothing of the real one. */
function deploymentInto({ urls: { otc, obs } }: Sandbox, deployment: Document, config: string): string {
  deployment.setIn(['provider', 'stage'], 'sandbox');
  deployment.setIn(['provider', 'config'], config);
  deployment.setIn(['provider', 'secrets'], 'sandbox.secrets.env');
  deployment.setIn(['provider', 'endpoints'], deployment.createNode({ functiongraph: otc, apig: otc, iam: otc, lts: otc, obs }));
  return deployment.toString({ lineWidth: 0 });
}

export function register(program: Program, context: CommandContext): void {
  program
    .command('sandbox')
    .description('start a simulated GitLab and OTC on loopback, to try out a configuration')
    .option('-p, --port <number>', 'first of four ports; 0 takes free ones', portNumber(4), 7400)
    .option('--write-config <file>', 'write a scaler.yml for this sandbox')
    .option('--write-serverless <file>', 'write a serverless.yml that deploys this scaler.yml into the sandbox')
    .option('--boot <seconds>', 'time from the order of a machine to its first request for a job', atLeastOne, 132)
    .option('--workers-stay', 'machines never power off while idle: the scaler has to drain them')
    .action(({ port, boot, ...rest }) =>
      context.run(false, (output) => sandbox({ port, bootMs: boot * 1000, ...rest }, output, context.stopSignal)),
    );
}
