import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Log } from '../../../lib/app/ports/index.ts';
import { compileConfig } from '../../../lib/config/load/yaml.ts';
import type { FunctionContext } from '../../../lib/runtime/functiongraph/context.ts';

export const NOW = Date.parse('2026-11-23T16:05:00Z');
export const PROJECT = '0123456789abcdef0123456789abcdef';
export const HOOK_TOKEN = 'hook-token-of-the-test';
export const GITLAB_TOKEN = 'glpat-of-the-test';

/** A scaler.yml. */
export function document(changes: Readonly<Record<string, unknown>> = {}, endpoint = 'http://127.0.0.1:9') {
  return {
    gitlab: { url: 'http://127.0.0.1:9', scope: { group: 'acme' } },
    otc: {
      region: 'eu-de',
      project_id: PROJECT,
      endpoints: { ecs: endpoint, ims: endpoint, iam: endpoint, vpc: endpoint, obs: endpoint, functiongraph: endpoint },
    },
    bucket: { name: 'acme-ci-scaler', append: false },
    functions: { scaler: 'gl-scaler' },
    pools: [
      {
        name: 'bitbake',
        tags: ['bitbake'],
        limit: 3,
        machine: {
          image: 'Standard_Ubuntu_22.04_latest',
          flavors: ['s3.large.8'],
          zones: ['eu-de-01'],
          vpc_id: '00000000-0000-4000-8000-000000000001',
          subnet_id: '00000000-0000-4000-8000-000000000002',
          security_groups: ['00000000-0000-4000-8000-000000000003'],
          root_volume: { type: 'SSD', size: 100 },
        },
        runner: { executor: 'docker', docker: { image: 'ubuntu:20.04' } },
      },
    ],
    ...changes,
  };
}

/** A FunctionGraph context with an agency's keys. */
export function context(changes: Partial<FunctionContext> = {}, userData: Readonly<Record<string, string>> = {}): FunctionContext {
  const all: Readonly<Record<string, string>> = { HOOK_TOKENS: HOOK_TOKEN, GITLAB_TOKEN, ...userData };
  return {
    getRequestID: () => 'request-1',
    getFunctionName: () => 'gl-test',
    getRemainingTimeInMilliSeconds: () => 10_000,
    getUserData: (key) => all[key],
    getSecurityAccessKey: () => 'TEMPORARYKEY',
    getSecuritySecretKey: () => 'temporary-secret-key',
    getSecurityToken: () => 'temporary-security-token',
    ...changes,
  };
}

export interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function memoryLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: Line['level']) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push({ level, message, fields });
    };
  return { log: { info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'scaler-runtime-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** scaler.json as the build writes it. */
export function compiled(scaler: unknown = document()): string {
  return compileConfig(JSON.stringify(scaler)).json;
}

/** Writes scaler.json into a new folder and returns its path. */
export function configFile(scaler: unknown = document()): string {
  const path = join(folder(), 'scaler.json');
  writeFileSync(path, compiled(scaler));
  return path;
}

/** An HTTP server that is gone after the test; gives its base URL. */
export async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}
