import { RunningClock } from '../sandbox/clock.ts';
import { Faults } from '../sandbox/faults.ts';
import { jobHookBody } from '../sandbox/gitlab/hooks/body.ts';
import { signHook } from '../sandbox/gitlab/hooks/hooks.ts';
import type { Job } from '../sandbox/gitlab/model.ts';
import { GitLabState } from '../sandbox/gitlab/state.ts';

export const SIGNING_TOKEN = `whsec_${Buffer.from('a key of the benchmark, 32 bytes').toString('base64')}`;

/** One delivery of a Job Hook, signed as GitLab signs it. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function delivery(job: Job, signingToken: string, gitlabUrl: string, now = Date.now()): Delivery {
  const body = JSON.stringify(jobHookBody(job, gitlabUrl, now));
  const id = crypto.randomUUID();
  const timestamp = String(Math.floor(now / 1000));
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitLab/19.4.0',
      'idempotency-key': id,
      'x-gitlab-event': 'Job Hook',
      'x-gitlab-webhook-uuid': crypto.randomUUID(),
      'x-gitlab-event-uuid': crypto.randomUUID(),
      'x-gitlab-instance': gitlabUrl,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signHook(signingToken, id, timestamp, body),
    },
  };
}

/** The event that API Gateway makes of a delivery; the body in base64 is its default. */
function gatewayEvent({ headers, body }: Delivery): Readonly<Record<string, unknown>> {
  return {
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
    httpMethod: 'POST',
    path: '/gitlab',
    headers: { ...headers, 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' },
    queryStringParameters: {},
    pathParameters: {},
    requestContext: { apiId: 'bench', requestId: 'bench', stage: 'RELEASE' },
  };
}

/** So many different pending jobs, each as a signed event. */
export function pendingEvents(count: number): readonly Readonly<Record<string, unknown>>[] {
  const gitlab = new GitLabState({ clock: new RunningClock(), faults: new Faults(), latencyMs: 0, emit: () => undefined });
  try {
    const specs = Array.from({ length: count }, (_, i) => ({ name: `image-${i}`, tags: ['bitbake'] }));
    const { jobs } = gitlab.createPipeline('acme/widgets', specs.slice(0, 1));
    const [job] = jobs;
    if (!job) throw new Error('the sandbox made no job');
    return specs.map(({ name }, i) =>
      gatewayEvent(delivery({ ...job, id: job.id + i, name }, SIGNING_TOKEN, 'https://gitlab.example.com')),
    );
  } finally {
    gitlab.close();
  }
}
