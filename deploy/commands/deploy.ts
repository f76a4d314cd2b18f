import { UserError } from '../../cli/shared/environment.ts';
import { renderProblems } from '../../lib/config/check/problems.ts';
import { defined } from '../../lib/core/defined.ts';
import { counted } from '../../lib/core/plural.ts';
import { apply } from '../apply/apply.ts';
import { compareDeployment, type DeployInputs, type Deployment, openDeployment, type Wanted } from '../inputs/deployment.ts';
import { hookUrl } from '../inputs/hook-url.ts';
import { gatewayNotes, orderNotes } from '../plan/gateway.ts';
import { plan } from '../plan/plan.ts';
import type { Step } from '../plan/steps.ts';

export interface DeployOptions {
  readonly dryRun?: boolean;
  /** One function alone, by its key. */
  readonly only?: string;
}

/** Brings what is there to what is wanted. Throws what `cli/shared/environment.ts` explains, and `StepError`. */
export async function deploy(inputs: DeployInputs, { dryRun = false, only }: DeployOptions = {}): Promise<void> {
  const { output } = inputs;
  const deployment = openDeployment(inputs);
  const { warnings } = deployment.config;
  if (warnings.length > 0) output.say(`Warnings:\n${renderProblems(warnings, deployment.configFile)}`);
  const wanted = await compareDeployment(deployment, dryRun);
  const all = plan(wanted.desired, wanted.actual);
  const steps = only === undefined ? all : stepsOf(only, deployment, all);
  if (output.json)
    output.data(
      JSON.stringify({
        name: wanted.desired.name,
        dryRun,
        steps: steps.map(({ what, function: of }) => ({ what, ...(of && { function: of }) })),
      }),
    );
  if (steps.length === 0) {
    output.say(`Nothing to do: ${only ?? wanted.desired.name} already matches serverless.yml and ${deployment.service.provider.config}.`);
    sayNotes(deployment, wanted);
    return;
  }
  if (dryRun) {
    if (!output.json) output.data(steps.map(({ what }, i) => `${i + 1}. ${what}`).join('\n'));
    output.say(`${counted(steps.length, 'step')} would be done; nothing was changed.`);
    return;
  }
  const address = await apply(steps, {
    clients: deployment.clients,
    ...wanted,
    material: materialOf(wanted),
    say: (line) => output.say(line),
    ...defined({ sleep: inputs.sleep }),
  });
  output.say(`${wanted.desired.name} is deployed.`);
  sayNotes(deployment, wanted);
  if (only === undefined) sayNext(deployment, steps, address);
}

function materialOf({ packages, certificate }: Wanted) {
  return {
    zip: ({ key }: { readonly key: keyof typeof packages }) => packages[key]?.zip ?? new Uint8Array(),
    ...defined({ certificate }),
  };
}

/** Those of one function; what several share has to be there. */
function stepsOf(key: string, { outline }: Deployment, all: readonly Step[]): readonly Step[] {
  if (!outline.keys.some((one) => one === key))
    throw new UserError(`this deployment has no function ${key}; it has ${outline.keys.join(', ')}`);
  const shared = all.find((step) => step.function === undefined);
  if (shared) throw new UserError(`a single function cannot be deployed until this is done: ${shared.what}. Run osls deploy.`);
  return all.filter((step) => step.function === `${outline.name}-${key}`);
}

function hookUrlNote(set: string | undefined, url: string, file: string): readonly string[] {
  if (set === url) return [];
  if (set === undefined) return [`  Set gitlab.hook_url in ${file} to this URL and deploy again, so that the reaper watches the hook.`];
  return [`  gitlab.hook_url in ${file} is ${set}: this is right only if that address leads here, for example through a proxy.`];
}

/** What a deployment does not mend. */
function sayNotes({ inputs: { output } }: Deployment, { desired, actual }: Wanted): void {
  const { logs } = desired;
  for (const note of [...gatewayNotes(actual.left, actual.leftUnread), ...orderNotes(desired, actual)]) output.say(note);
  const days = logs && 'days' in logs.group ? logs.group.days : undefined;
  const there = actual.logs?.days;
  if (days !== undefined && there !== undefined && days !== there)
    output.say(`The log group keeps ${counted(there, 'day')}, but serverless.yml says ${days}: change it in the console of LTS.`);
}

function sayNext({ inputs: { output }, service, config }: Deployment, steps: readonly Step[], address: string): void {
  if (steps.some(({ change }) => change.do === 'grant'))
    output.say("The agency's rights can take ten minutes to take effect; until then the functions' calls are refused.");
  const url = hookUrl(service, address);
  if (url === undefined) {
    output.say('Without a gateway, the timer scales up within a minute of a job. To check: npm run scaler -- status');
    return;
  }
  const { gateway } = service.provider;
  const own = gateway !== 'none' && gateway.domain !== undefined;
  output.say(
    [
      `Hooks go to ${url}`,
      ...(own
        ? []
        : [
            "  This is the API group's own address, limited to 1000 calls a day and meant for trials. For production, set provider.gateway.domain.",
          ]),
      ...hookUrlNote(config.settings.hookUrl, url, service.provider.config),
      'Next: npm run scaler -- hook install, then npm run scaler -- doctor',
    ].join('\n'),
  );
}
