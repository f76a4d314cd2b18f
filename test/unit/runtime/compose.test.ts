import { expect, it } from 'vitest';
import { parseConfig } from '../../../lib/config/load/parse.ts';
import { readSecrets } from '../../../lib/config/secrets.ts';
import { ConfigError } from '../../../lib/core/errors.ts';
import { SecretCredentials } from '../../../lib/otc/credentials.ts';
import { composeServices } from '../../../lib/runtime/compose.ts';
import { document, GITLAB_TOKEN, memoryLog, NOW } from './parts.ts';

function servicesOf(changes: Readonly<Record<string, unknown>> = {}, secrets: Readonly<Record<string, string>> = { GITLAB_TOKEN }) {
  const config = parseConfig(document(changes));
  const services = composeServices({
    config,
    secrets: readSecrets((key) => secrets[key]),
    credentials: new SecretCredentials('ACCESSKEY', 'secret-key', 'session-token'),
    clock: { now: () => NOW, sleep: async () => undefined },
    log: memoryLog().log,
  });
  const [settings] = config.settings.pools;
  if (!settings) throw new Error('the document has a pool');
  return { services, settings };
}

it('a worker is given what its pool says: bounds in the user data, the token only in the handoff', () => {
  const { services, settings } = servicesOf({ cache: { server: '10.0.0.10', export: '/cache' } });
  const worker = 'bitbake-01jdcz3n4qj9zk5t7v8w9x0y1z';
  const userData = services.worker.userData({
    settings,
    worker,
    handoffUrl: 'https://b.obs.example.com/handoff?Signature=s',
    maxAgeMs: 4_321_000,
  });
  expect(userData).toContain('OnBootSec=4321\n');
  expect(userData).toContain('https://b.obs.example.com/handoff?Signature=s');
  expect(userData).toContain(worker);
  expect(userData).toContain('10.0.0.10');
  expect(userData).not.toContain(GITLAB_TOKEN);
  const handoff = services.worker.handoff({ settings, worker, runnerId: 7, token: 'glrt-of-the-runner' });
  expect(handoff).toContain('glrt-of-the-runner');
  expect(handoff).toContain('http://127.0.0.1:9');
});

it.each([
  { name: "OBS's own", dialect: 'obs', query: 'AccessKeyId=ACCESSKEY' },
  { name: 'S3 version 2', dialect: 's3-v2', query: 'AWSAccessKeyId=ACCESSKEY' },
])('the bucket speaks the dialect that is set: $name', ({ dialect, query }) => {
  const { services } = servicesOf({ bucket: { name: 'acme-ci-scaler', dialect } });
  const url = services.store.presignGet('handoff/v1/w.toml', NOW + 60_000);
  expect(new URL(url).pathname).toBe('/acme-ci-scaler/handoff/v1/w.toml');
  expect(url).toContain(`?${query}&`);
});

it('names sort by time', () => {
  const { services } = servicesOf();
  expect(services.ulid(NOW) < services.ulid(NOW + 1)).toBe(true);
  expect(services.ulid(NOW)).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
});

it('without a GitLab token it says which key to set', () => {
  expect(() => servicesOf({}, {})).toThrow(ConfigError);
  expect(() => servicesOf({}, {})).toThrow(/GITLAB_TOKEN/);
});
