import { ulid } from 'ulid';
import { renderRunnerConfig, renderWorkerUserData } from '../../cloud-init/worker/worker.ts';
import type { Clock, Log, Notifier, Store } from '../app/ports/index.ts';
import type { Services, WorkerTemplates } from '../app/services.ts';
import type { Config } from '../config/load/parse.ts';
import { needSecret, type Secrets } from '../config/secrets.ts';
import { defined } from '../core/defined.ts';
import { waitTimeoutSeconds } from '../core/pool/wait-timeout.ts';
import { GitLab } from '../gitlab/client.ts';
import type { Agents } from '../http/agents.ts';
import type { Credentials } from '../otc/credentials.ts';
import { Ecs } from '../otc/ecs/client.ts';
import { otcCloud } from '../otc/ecs/cloud.ts';
import { Ims } from '../otc/ecs/ims.ts';
import { OtcHttp } from '../otc/http.ts';
import { Obs } from '../otc/obs/client.ts';
import { SmnTopic } from '../otc/smn.ts';
import { AlarmWebhook } from './alarm-webhook.ts';

export interface ServicesInputs {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly log: Log;
  /** Connections of this call; Node's own when absent. */
  readonly agents?: Agents | undefined;
  /** Ends whatever the call still waits for. */
  readonly signal?: AbortSignal;
}

/**
 * Everything outside, built for one call: the agency's keys come with the call and go stale after it. Nothing is asked yet. Throws `ConfigError`.
 */
export function composeServices(inputs: ServicesInputs): Services {
  const { config, secrets, credentials, clock, log, agents, signal } = inputs;
  const { settings, otc } = config;
  const { projectId, endpoints } = otc;
  const http = new OtcHttp({ credentials, projectId, clock, ...defined({ agents }) });
  const ecs = new Ecs({ http, endpoint: endpoints.ecs, projectId, installation: settings.installation });
  const ims = new Ims({ http, endpoint: endpoints.ims });
  return {
    forge: new GitLab({
      url: settings.gitlabUrl,
      token: needSecret(secrets.gitlabToken, 'GITLAB_TOKEN').reveal(),
      clock,
      agents,
      ...defined({ signal }),
    }),
    cloud: otcCloud(ecs, ims),
    store: composeStore(inputs),
    clock,
    log,
    ulid: (now) => ulid(now),
    worker: workerTemplates(settings.gitlabUrl),
    notifiers: notifiersOf(config, secrets, http, agents),
  };
}

/** The bucket alone, for those who only read what is recorded. */
export function composeStore({
  config: { otc, bucket },
  credentials,
  clock,
  agents,
}: Pick<ServicesInputs, 'config' | 'credentials' | 'clock' | 'agents'>): Store {
  const scheme = bucket.dialect === 's3-v2' ? 'aws' : 'obs';
  return new Obs({ endpoint: otc.endpoints.obs, bucket: bucket.name, credentials, clock, scheme, ...defined({ agents }) });
}

function notifiersOf({ alarmTopic, otc }: Config, { alarmWebhook }: Secrets, http: OtcHttp, agents?: Agents): readonly Notifier[] {
  const { projectId, endpoints } = otc;
  return [
    ...(alarmTopic === undefined ? [] : [new SmnTopic({ http, endpoint: endpoints.smn, projectId, topic: alarmTopic })]),
    ...(alarmWebhook ? [new AlarmWebhook(alarmWebhook.reveal(), agents)] : []),
  ];
}

function workerTemplates(gitlabUrl: string): WorkerTemplates {
  return {
    userData: ({ settings: { pool, cache, runner }, worker, handoffUrl, maxAgeMs }) =>
      renderWorkerUserData({
        workerName: worker,
        handoffUrl,
        maxBuilds: pool.maxBuilds,
        waitTimeoutSeconds: waitTimeoutSeconds(pool),
        maxAgeSeconds: Math.ceil(maxAgeMs / 1000),
        ...defined({ cache }),
        runner,
      }),
    handoff: ({ settings: { runner }, worker, runnerId, token }) =>
      renderRunnerConfig({ workerName: worker, gitlabUrl, token, runnerId, runner }),
  };
}
