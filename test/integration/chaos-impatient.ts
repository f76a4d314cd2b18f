import type { Services } from '../../lib/app/services.ts';
import { needSecret } from '../../lib/config/secrets.ts';
import { GitLab } from '../../lib/gitlab/client.ts';
import { Ecs } from '../../lib/otc/ecs/client.ts';
import { otcCloud } from '../../lib/otc/ecs/cloud.ts';
import { Ims } from '../../lib/otc/ecs/ims.ts';
import { OtcHttp } from '../../lib/otc/http.ts';
import { Obs } from '../../lib/otc/obs/client.ts';
import { composeServices, type ServicesInputs } from '../../lib/runtime/compose.ts';

/** What adapters wait in real time: far more than the sandbox ever takes to answer, far less than a test has. */
const TRY_MS = 600;
const BACKOFF_MS = 5;

/** The deployed services, except that it neither waits ten real seconds for an answer that never comes nor pauses before a repetition. */
export function impatientServices(inputs: ServicesInputs): Services {
  const { config, secrets, credentials, clock, signal } = inputs;
  const { settings, otc, bucket } = config;
  const { projectId, endpoints } = otc;
  const patience = { deadlineMs: TRY_MS, backoffMs: BACKOFF_MS };
  const http = new OtcHttp({ credentials, projectId, clock, ...patience });
  const ecs = new Ecs({ http, endpoint: endpoints.ecs, projectId, installation: settings.installation });
  const token = needSecret(secrets.gitlabToken, 'GITLAB_TOKEN').reveal();
  const limits = { deadlineMs: 2 * TRY_MS, tryTimeoutMs: TRY_MS, ...(signal && { signal }) };
  return {
    ...composeServices(inputs),
    forge: new GitLab({ url: settings.gitlabUrl, token, clock, ...limits }),
    cloud: otcCloud(ecs, new Ims({ http, endpoint: endpoints.ims })),
    store: new Obs({ endpoint: endpoints.obs, bucket: bucket.name, credentials, clock, ...patience }),
  };
}
