import { describe, expect, it } from 'vitest';
import type { ServicesInputs } from '../../lib/runtime/compose.ts';
import type { Fault } from '../../sandbox/faults.ts';
import { FAST_MACHINES, impatientServices, MINUTE, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

/** Everything that must not be read where it does not belong, by what it is. */
interface Secrets {
  readonly fixed: ReadonlyMap<string, string>;
  readonly runnerTokens: ReadonlySet<string>;
  /** Secret keys and security tokens of the function's agency. */
  readonly keys: ReadonlySet<string>;
  readonly signatures: ReadonlySet<string>;
}

/** What was said, and where. */
type Said = readonly { readonly where: string; readonly text: string }[];

function found(said: Said, secrets: Iterable<string>): readonly string[] {
  const all = [...secrets].filter((secret) => secret.length > 0);
  return said.flatMap(({ where, text }) =>
    all.filter((secret) => text.includes(secret)).map((secret) => `${where}: ${secret.slice(0, 12)}…`),
  );
}

/** The presigned URLs in user data, and their signatures as they stand there and decoded. */
const PRESIGNED = /https?:\/\/[^\s'"]+[?&]Signature=[^\s'"]+/g;
function signaturesIn(userData: string): readonly string[] {
  return [...userData.matchAll(PRESIGNED)].flatMap(([url]) => {
    const encoded = /Signature=([^&]+)/.exec(url)?.[1] ?? '';
    return [encoded, decodeURIComponent(encoded)];
  });
}

/** Answers of services that quote what they were sent. */
function echoes(p: TestFarm, secrets: Secrets): readonly Omit<Fault, 'times'>[] {
  const token = p.farm.secrets.GITLAB_TOKEN;
  const runner = [...secrets.runnerTokens].at(-1);
  const keys = [...secrets.keys].join(' ');
  const url = `https://bucket.obs.example.com/handoff/v1/x.toml?AccessKeyId=A&Signature=${[...secrets.signatures].at(-1)}`;
  const gitlab = JSON.stringify({ message: `PRIVATE-TOKEN: ${token} may not, nor ${runner}` });
  const ecs = JSON.stringify({ error: { code: 'Ecs.0005', message: `header X-Security-Token: ${keys} in ${url}` } });
  const obs = `<Error><Code>SlowDown</Code><Message>${url} with ${keys}</Message><StringToSign>${keys}</StringToSign></Error>`;
  return [
    { operation: 'gitlab.runner-create', status: 422, body: gitlab },
    { operation: 'gitlab.graphql', status: 403, body: gitlab },
    { operation: 'gitlab.graphql', status: 200, body: JSON.stringify({ errors: [{ message: `Invalid token ${token}` }] }) },
    { operation: 'gitlab.runner-delete', status: 500, body: gitlab },
    { operation: 'ecs.create', status: 400, body: ecs },
    { operation: 'ecs.list', status: 400, body: ecs },
    { operation: 'ecs.delete', status: 403, body: ecs },
    { operation: 'obs.put', status: 503, body: obs },
    { operation: 'obs.append', status: 400, body: obs },
    { operation: 'fgs.invoke-async', status: 500, body: ecs },
  ];
}

const BROKEN: readonly Omit<Fault, 'times'>[] = [
  { operation: 'ecs.create', kind: 'lost' },
  { operation: 'gitlab.runner-create', kind: 'lost' },
  { operation: 'obs.put', kind: 'reset' },
  { operation: 'gitlab.graphql', status: 502, body: '<html>' },
  { operation: 'ecs.list', kind: 'half' },
  { operation: 'ecs.create', status: 401, code: 'APIG.0301' },
];

describe('a day on which much goes wrong and services quote what they were sent', () => {
  it('shows no secret where it does not belong', async () => {
    const runnerTokens = new Set<string>();
    const keys = new Set<string>();
    const signatures = new Set<string>();
    const userData: { where: string; text: string }[] = [];
    const objects = new Map<string, { where: string; text: string }>();
    const compose = impatientServices();
    const p = await startTestFarm({
      ...FAST_MACHINES,
      pools: [{ limit: 6, idle_count: 1, idle_time: 20, max_builds: 1, boot_timeout: 60 }],
      worker: {
        ...FAST_MACHINES.worker,
        mode: (vm) => {
          userData.push({ where: `user data of ${vm.name}`, text: vm.userData });
          for (const signature of signaturesIn(vm.userData)) signatures.add(signature);
          return 'normal';
        },
      },
      composeServices: (inputs: ServicesInputs) => {
        keys.add(inputs.credentials.secretKey);
        if (inputs.credentials.securityToken) keys.add(inputs.credentials.securityToken);
        return compose(inputs);
      },
    });
    const { GITLAB_TOKEN = '', HOOK_TOKENS = '', HOOK_SIGNING_TOKENS = '' } = p.farm.secrets;
    const fixed = new Map(Object.entries({ GITLAB_TOKEN, HOOK_TOKENS, HOOK_SIGNING_TOKENS, signingKey: HOOK_SIGNING_TOKENS.slice(6) }));
    const secrets: Secrets = { fixed, runnerTokens, keys, signatures };
    const look = () => {
      for (const runner of p.gitlab.runners.values()) runnerTokens.add(runner.token);
      for (const key of p.keys('')) objects.set(`${key} ${p.clock.now()}`, { where: key, text: p.text(key) });
    };
    let n = 0;
    for (let at = 0; at < 150 * MINUTE; at += 90 * SECOND) {
      p.clock.after(at, () => void p.push([{ durationMs: 40 * SECOND }]));
      p.clock.after(at + 31 * SECOND, look);
      p.clock.after(at + 45 * SECOND, () => {
        p.faults.clear();
        const faults = [...echoes(p, secrets), ...BROKEN];
        const fault = faults[n++ % faults.length];
        if (fault && n > 3) p.faults.inject({ ...fault, times: 3 });
      });
    }
    p.clock.after(150 * MINUTE, () => p.faults.clear());
    await p.advance(165 * MINUTE);
    look();

    // The day was eventful: secrets were there to be shown, and there was much to complain of.
    expect([runnerTokens.size > 20, keys.size > 2, signatures.size > 20, userData.length > 20]).toEqual([true, true, true, true]);
    const warned = p.logs.filter((line) => /"level":"(warn|error)"/.test(line));
    expect(warned.length).toBeGreaterThan(30);
    expect(warned.filter((line) => line.includes('[token]')).length).toBeGreaterThan(0);

    const all = [...fixed.values(), ...runnerTokens, ...keys, ...signatures];
    const logs = p.logs.map((text) => ({ where: 'log', text }));
    expect(found(logs, all)).toEqual([]);
    expect(p.logs.filter((line) => /[?&](Signature|AccessKeyId|Expires)=/.test(line))).toEqual([]);

    const stored = [...objects.values()];
    const handoffs = stored.filter(({ where }) => where.startsWith('handoff/'));
    const records = stored.filter(({ where }) => !where.startsWith('handoff/'));
    expect([...new Set(records.map(({ where }) => where.split('/')[0]))].toSorted()).toEqual(['counts', 'ledger', 'state']);
    expect(found(records, all)).toEqual([]);
    // A handoff holds its runner's token and nothing else.
    expect(found(handoffs, runnerTokens).length).toBe(handoffs.length);
    expect(found(handoffs, [...fixed.values(), ...keys, ...signatures])).toEqual([]);

    // User data holds the presigned URL and nothing else.
    expect(found(userData, signatures).length).toBeGreaterThanOrEqual(userData.length);
    const without = userData.map(({ where, text }) => ({ where, text: text.replace(PRESIGNED, '') }));
    expect(found(without, all)).toEqual([]);

    const shown = [
      ...[...p.gitlab.hooks.values()].flatMap((hook) =>
        hook.log.map((e) => JSON.stringify([e.responseStatus, e.responseBody, e.responseHeaders])),
      ),
      ...p.events.map((event) => JSON.stringify(event)),
      ...p.sandbox.functions.discarded.map((event) => event.body),
      ...p.sandbox.functions.logs,
    ].map((text) => ({ where: 'outside', text }));
    expect(found(shown, all)).toEqual([]);
  });
});
