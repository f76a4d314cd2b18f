import { ulid } from 'ulid';
import type { Dialect, DoctorServices, Subject } from '../../lib/app/doctor/types.ts';
import type { Clock } from '../../lib/app/ports/index.ts';
import { renderProblem } from '../../lib/config/check/problems.ts';
import type { Config } from '../../lib/config/load/parse.ts';
import type { Secrets } from '../../lib/config/secrets.ts';
import { defined } from '../../lib/core/defined.ts';
import { GitLab } from '../../lib/gitlab/client.ts';
import { GitLabSurvey } from '../../lib/gitlab/doctor.ts';
import { SecretCredentials } from '../../lib/otc/credentials.ts';
import { ObsSurvey } from '../../lib/otc/doctor/obs-survey.ts';
import { serverTime } from '../../lib/otc/doctor/server-time.ts';
import { OtcSurvey } from '../../lib/otc/doctor/survey.ts';
import { Ecs } from '../../lib/otc/ecs/client.ts';
import { OtcHttp } from '../../lib/otc/http.ts';
import { Obs } from '../../lib/otc/obs/client.ts';

export interface DoctorInputs {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** Longest for one call with its repetitions, in real milliseconds. */
  readonly deadlineMs?: number;
}

/** `file` is where the configuration was read from. */
export function subjectOf(config: Config, { file, probe }: { readonly file: string; readonly probe: boolean }): Subject {
  const { settings, otc, bucket, scalerFunction, manager, warnings } = config;
  return {
    settings,
    region: otc.region,
    projectId: otc.projectId,
    bucket,
    ...defined({ scalerFunction }),
    ...(manager && { manager: { name: manager.name, healthPublished: manager.health !== undefined, clients: manager.clients } }),
    file,
    warnings: warnings.map((one) => renderProblem(one, file)),
    probe,
  };
}

/** The world as doctor sees it: the adapters of the farm where these suffice, and read-only ones that the functions do not carry. */
export function doctorServices({ config, secrets, clock, deadlineMs = 10_000 }: DoctorInputs): DoctorServices {
  const now = () => clock.now();
  const { otc, settings } = config;
  const patience = { deadlineMs, backoffMs: Math.min(500, deadlineMs / 10) };
  return {
    ...cloudPart(config, secrets, clock, patience),
    ...(secrets.gitlabToken && { forge: forgePart(settings.gitlabUrl, secrets.gitlabToken.reveal(), clock, deadlineMs) }),
    // Without a key: the refusal of a stranger has the date as well, and counts as no wrong signature.
    gitlabTime: ({ signal }) => serverTime('gitlab', `${settings.gitlabUrl}/api/v4/version`, now, { deadlineMs, ...defined({ signal }) }),
    otcTime: ({ signal }) => serverTime('otc', `${otc.endpoints.iam}/v3`, now, { deadlineMs, ...defined({ signal }) }),
    missingSecrets: [...(secrets.gitlabToken ? [] : ['GITLAB_TOKEN']), ...(secrets.otcKeys ? [] : ['OTC_ACCESS_KEY', 'OTC_SECRET_KEY'])],
    clock,
    nonce: () => ulid(clock.now()).toLowerCase(),
  };
}

interface Patience {
  readonly deadlineMs: number;
  readonly backoffMs: number;
}

function cloudPart(
  { otc, settings, bucket }: Config,
  { otcKeys }: Secrets,
  clock: Clock,
  patience: Patience,
): Pick<DoctorServices, 'cloud' | 'bucket'> {
  if (!otcKeys) return {};
  const { accessKey, secretKey, securityToken } = otcKeys;
  const credentials = new SecretCredentials(accessKey.reveal(), secretKey.reveal(), securityToken?.reveal());
  const { projectId, endpoints } = otc;
  const http = new OtcHttp({ credentials, projectId, clock, ...patience });
  const ecs = new Ecs({ http, endpoint: endpoints.ecs, projectId, installation: settings.installation });
  const survey = new OtcSurvey({ http, projectId, endpoints });
  const options = (dialect: Dialect) => {
    const scheme = dialect === 's3-v2' ? 'aws' : 'obs';
    return { endpoint: endpoints.obs, bucket: bucket.name, credentials, clock, scheme, ...patience } as const;
  };
  const settingsOf = new ObsSurvey(options(bucket.dialect));
  return {
    cloud: {
      quotas: (o) => ecs.quotas(o),
      flavors: (zone, o) => ecs.flavors(zone, o),
      servers: (prefix, o) => ecs.servers(prefix, o),
      projects: (o) => survey.projects(o),
      allFlavors: (o) => survey.allFlavors(o),
      zones: (o) => survey.zones(o),
      images: (which, o) => survey.images(which, o),
      keyPairs: (o) => survey.keyPairs(o),
      vpcs: (o) => survey.vpcs(o),
      subnets: (o) => survey.subnets(o),
      securityGroups: (o) => survey.securityGroups(o),
      addresses: (subnetId, o) => survey.addresses(subnetId, o),
      publicAddresses: (o) => survey.publicAddresses(o),
      serverAt: (address, o) => survey.serverAt(address, o),
      function: (name, o) => survey.function(name, o),
    },
    bucket: {
      store: (dialect) => new Obs(options(dialect)),
      anonymousStatus: (key, o) => settingsOf.anonymousStatus(key, o),
      versioning: (o) => settingsOf.versioning(o),
    },
  };
}

function forgePart(url: string, token: string, clock: Clock, deadlineMs: number): NonNullable<DoctorServices['forge']> {
  const gitlab = new GitLab({ url, token, clock, deadlineMs: 2 * deadlineMs, tryTimeoutMs: deadlineMs });
  const survey = new GitLabSurvey({ url, token, clock, deadlineMs });
  return {
    runners: (scope, o) => gitlab.runners(scope, o),
    pendingJobs: (scope, o) => gitlab.pendingJobs(scope, o),
    hooks: (scope, o) => gitlab.hooks(scope, o),
    token: (o) => survey.token(o),
    place: (scope, o) => survey.place(scope, o),
    role: (scope, userId, o) => survey.role(scope, userId, o),
    isAdministrator: (o) => survey.isAdministrator(o),
    runnersFor: (scope, tags, o) => survey.runnersFor(scope, tags, o),
  };
}
