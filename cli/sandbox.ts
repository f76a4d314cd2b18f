import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { RunningClock } from '../sandbox/clock.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { farmDocument, GROUP } from './farm.ts';
import type { Output } from './output.ts';

/** A sandbox to play with: prints what a shell needs to use it, and stays until it is stopped. */
export async function sandbox(
  options: { readonly port: number; readonly writeConfig?: string },
  output: Output,
  stopped: () => Promise<void>,
): Promise<number> {
  const world = await startSandbox({ clock: new RunningClock(), port: options.port, publicPrefixes: ['counts/'] });
  world.gitlab.createGroup(GROUP);
  const project = world.gitlab.createProject(`${GROUP}/widgets`);
  const token = world.gitlab.createToken({ scopes: ['api'], admin: true });
  const { urls, credentials } = world;
  if (options.writeConfig) {
    writeFileSync(options.writeConfig, stringify(farmDocument(world, { pools: [{ name: 'bitbake', tags: ['bitbake'] }] })));
    output.say(`${options.writeConfig} fits this sandbox.`);
  }
  output.say(`GitLab ${urls.gitlab}   OTC ${urls.otc}   OBS ${urls.obs}   gateway ${urls.gateway}`);
  output.say(`The group ${GROUP} has the project ${project.path}. For a shell:\n`);
  output.data(
    [
      `export GITLAB_TOKEN=${token.value}`,
      `export OTC_ACCESS_KEY=${credentials.accessKey}`,
      `export OTC_SECRET_KEY=${credentials.secretKey}`,
      'export HOOK_TOKENS=sandbox-hook-token',
      `export OTC_PROJECT_ID=${world.projectId}`,
      `export OTC_GATEWAY_ID=${world.gatewayId}`,
    ].join('\n'),
  );
  output.say('\nCtrl-C ends it.');
  await stopped();
  await world.close();
  return 0;
}
