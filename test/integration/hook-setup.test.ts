import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rotateHookSecrets } from '../../cli/commands/hook.ts';
import { readHookSecrets } from '../../cli/shared/hook-secrets.ts';
import { hook } from '../../cli/shared/hooks.ts';
import { HookAdmin } from '../../lib/gitlab/hooks/admin.ts';
import type { Hook } from '../../sandbox/gitlab/model.ts';
import { HOOK_PATH } from '../../testkit/farm.ts';
import { MINUTE, PROJECT, startTestFarm, type TestFarm, type TestFarmOptions } from '../../testkit/test-farm.ts';

const POLICY = { jobEvents: true, pushEvents: false };

/** A farm without hooks, and the command against it, with a file of secrets of its own. */
async function bare(options: TestFarmOptions = {}, scopes: readonly string[] = ['api'], given?: string) {
  const dir = mkdtempSync(path.join(tmpdir(), 'hook-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'secrets.env');
  const p = await startTestFarm({ hooks: false, timer: false, ...options });
  const token = given ?? p.gitlab.createToken({ scopes: [...scopes], admin: true }).value;
  const forge = new HookAdmin({ url: p.sandbox.urls.gitlab, token, clock: p.clock });
  const url = `${p.sandbox.urls.gateway}${HOOK_PATH}`;
  const ask = async (verb: Parameters<typeof hook>[0], more: Record<string, unknown> = {}) => {
    const data: string[] = [];
    const output = { json: false, data: (text: string) => void data.push(text), say: () => undefined };
    const done = hook(verb, { url, secrets: file, ...more }, p.farm.config, forge, output);
    const code = await p.clock.track(done);
    return { code, text: data.join('\n') };
  };
  return { p, file, url, ask };
}

const hooks = (p: TestFarm): readonly Hook[] => [...p.gitlab.hooks.values()];

describe('scaler hook', () => {
  it('installs one hook for job events with secrets that it makes, twice as well as once', async () => {
    const { p, file, url, ask } = await bare();
    expect(await ask('status')).toMatchObject({ code: 1, text: expect.stringMatching(/^group acme: absent\n {2}no hook/) });
    expect(await ask('install')).toMatchObject({ code: 0, text: expect.stringMatching(/^group acme: created \(hook \d+\)$/) });
    const secrets = readHookSecrets({}, file)?.secrets;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(hooks(p)).toMatchObject([{ url, ...POLICY, token: secrets?.HOOK_TOKENS[0], signingToken: secrets?.HOOK_SIGNING_TOKENS[0] }]);
    expect(await ask('install')).toMatchObject({ code: 0, text: expect.stringContaining('in order') });
    expect(hooks(p)).toHaveLength(1);
    expect(readHookSecrets({}, file)?.secrets).toEqual(secrets);
  });

  it('says when it is the token that GitLab does not take', async () => {
    const { ask } = await bare({}, undefined, 'glpat-nobody');
    expect(await ask('status')).toEqual({ code: 1, text: expect.stringMatching(/HTTP 401.*does not take GITLAB_TOKEN/) });
  });

  it('leaves hooks of others alone, also when it removes its own', async () => {
    const { p, ask } = await bare();
    const group = p.gitlab.createGroup('acme');
    const other = p.gitlab.createHook(group, 'https://chat.example/hook', { jobEvents: true, pushEvents: true });
    await ask('install');
    expect(await ask('remove', { dryRun: true })).toMatchObject({ code: 0, text: expect.stringContaining('would be removed') });
    expect(hooks(p)).toHaveLength(2);
    expect(await ask('remove')).toMatchObject({ code: 0, text: expect.stringMatching(/removed/) });
    expect(hooks(p)).toEqual([other]);
    expect(await ask('remove')).toMatchObject({ code: 0, text: 'group acme: absent' });
  });

  it('mends what somebody changed by hand, and says what it was', async () => {
    const { p, ask } = await bare();
    await ask('install');
    Object.assign(hooks(p)[0] ?? {}, { jobEvents: false, pushEvents: true, signingToken: undefined });
    const { code, text } = await ask('status');
    expect([code, text]).toEqual([
      1,
      expect.stringMatching(/wrong.*\n {2}it sends no job events\n {2}it sends push events, too\n {2}it has no signing token/),
    ]);
    expect(await ask('install', { dryRun: true })).toMatchObject({
      text: expect.stringContaining('would be mended: it sends no job events'),
    });
    expect(hooks(p)).toMatchObject([{ jobEvents: false }]);
    expect((await ask('install')).text).toMatch(/changed.*\n {2}was: it sends no job events/);
    expect(hooks(p)).toMatchObject([POLICY]);
    expect((await ask('status')).code).toBe(0);
  });

  it('puts a disabled hook back to work by a test delivery', async () => {
    const { p, file, ask } = await bare();
    await ask('install');
    p.push(1);
    await p.advance(MINUTE);
    const [made] = hooks(p);
    Object.assign(made ?? {}, { disabledUntil: Number.POSITIVE_INFINITY });
    expect((await ask('status')).text).toContain('GitLab has disabled it (disabled)');
    // The function does not know the secrets that were made for this test: it refuses, and the hook stays disabled.
    expect(await ask('install')).toMatchObject({ code: 1, text: expect.stringContaining('401') });
    const { HOOK_TOKENS, HOOK_SIGNING_TOKENS } = p.farm.secrets;
    writeFileSync(file, `HOOK_TOKENS=${HOOK_TOKENS}\nHOOK_SIGNING_TOKENS=${HOOK_SIGNING_TOKENS}\n`);
    expect(await ask('install')).toMatchObject({ code: 0, text: expect.stringContaining('was: GitLab has disabled it') });
    expect(await ask('status')).toMatchObject({ code: 0, text: expect.stringMatching(/last delivery answered 200/) });
  });

  it('tests a hook: says what the receiver answered, or that there is no job yet', async () => {
    const { p, file, ask } = await bare();
    expect(await ask('test')).toMatchObject({ code: 1, text: expect.stringContaining('absent') });
    await ask('install');
    expect(await ask('test')).toMatchObject({ code: 1, text: expect.stringContaining('CI jobs') });
    p.push(1);
    expect(await ask('test')).toMatchObject({ code: 1, text: expect.stringContaining('401') });
    writeFileSync(file, `HOOK_SIGNING_TOKENS=${p.farm.secrets.HOOK_SIGNING_TOKENS}\n`);
    await ask('install');
    expect(await ask('test')).toMatchObject({ code: 0, text: expect.stringContaining('delivered and taken') });
  });

  it('GitLab Free: says that groups have no hooks, and installs one at each project instead', async () => {
    const { p, ask } = await bare({ gitlab: { groupHooks: false } });
    p.push(1);
    p.push(1, 'acme/deep/tool');
    expect(await ask('install')).toMatchObject({ code: 1, text: expect.stringMatching(/failed\n.*--all-projects/) });
    expect((await ask('install', { allProjects: true })).code).toBe(0);
    expect(hooks(p).map((h) => h.owner.kind === 'project' && h.owner.project.path)).toEqual([PROJECT, 'acme/deep/tool']);
  });

  it('GitLab before 19.0: says that a signing token is forgotten there', async () => {
    const { p, file, ask } = await bare({ gitlab: { signing: false } });
    expect(await ask('install')).toMatchObject({ code: 1, text: expect.stringContaining('does not know signing tokens') });
    writeFileSync(file, 'HOOK_TOKENS=one-word\n');
    expect((await ask('install')).code).toBe(0);
    expect(hooks(p)).toMatchObject([{ token: 'one-word', signingToken: undefined }]);
  });

  it('a token that may not: says which scope is missing', async () => {
    const { ask } = await bare({}, ['read_api']);
    expect(await ask('install')).toMatchObject({ code: 1, text: expect.stringContaining('scope api') });
  });

  it('a hook whose creation was not answered is found by the next try', async () => {
    const { p, ask } = await bare();
    p.faults.inject({ operation: 'gitlab.hook-create', times: 1, kind: 'lost' });
    expect(await ask('install')).toMatchObject({ code: 1, text: expect.stringContaining('try again') });
    expect((await ask('install')).code).toBe(0);
    expect(hooks(p)).toHaveLength(1);
  });

  it('replaces the secrets step by step, and loses no hook', async () => {
    const { p, file, ask } = await bare();
    await ask('install');
    const say = { json: false, data: () => undefined, say: () => undefined };
    const old = readHookSecrets({}, file)?.secrets;
    const deployed = () => ({ GITLAB_TOKEN: p.farm.secrets.GITLAB_TOKEN ?? '', ...envOf(file) });
    const taken = async () => {
      p.sandbox.functions.configure('webhook', { userData: deployed() });
      return (await ask('test')).code;
    };
    p.push(1);
    expect(await taken()).toBe(0);
    expect(rotateHookSecrets(file, false, say)).toBe(0);
    expect(() => rotateHookSecrets(file, false, say)).toThrow('an old and a new secret');
    expect(await taken()).toBe(0);
    expect((await ask('install')).code).toBe(0);
    expect(await taken()).toBe(0);
    rotateHookSecrets(file, true, say);
    expect(await taken()).toBe(0);
    expect(hooks(p)[0]?.token).not.toBe(old?.HOOK_TOKENS[0]);
    expect(readFileSync(file, 'utf8')).not.toContain(old?.HOOK_SIGNING_TOKENS[0]);
  });
});

function envOf(file: string): Record<string, string> {
  return Object.fromEntries(
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
