import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import type { FunctionContext, FunctionHandler } from '../sandbox/functiongraph/functiongraph.ts';

const HOST = fileURLToPath(new URL('host.cjs', import.meta.url));
const Answer = z.object({ id: z.number(), reply: z.unknown().optional(), error: z.string().optional() });

/** A process beside this one in which built functions run, so that what they compute is not done by the process that plays the cloud. */
export interface FunctionHost {
  /** A new instance of the function in this file. */
  instance(file: string): FunctionHandler;
  close(): void;
}

/** `env`: the whole environment of the functions, e.g. where their configuration is. */
export function startFunctionHost(env: Readonly<Record<string, string>>): FunctionHost {
  const child = fork(HOST, { env, execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map<number, { resolve: (reply: unknown) => void; reject: (error: Error) => void }>();
  let calls = 0;
  let instances = 0;
  child.on('message', (message) => {
    const { id, reply, error } = Answer.parse(message);
    const caller = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) caller?.resolve(reply);
    else caller?.reject(new Error(error));
  });
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the functions' process ended with ${code}`));
  });
  return {
    instance: (file) => {
      const instance = instances++;
      return (event, context) =>
        new Promise((resolve, reject) => {
          const id = calls++;
          waiting.set(id, { resolve, reject });
          child.send({ id, instance, file, event, context: facts(context) });
        });
    },
    close: () => {
      child.kill();
    },
  };
}

/** What the functions read of their context; user data by name, as a context offers it. */
function facts(context: FunctionContext) {
  const names = ['GITLAB_TOKEN', 'HOOK_TOKENS', 'HOOK_SIGNING_TOKENS'];
  const userData = names.map((name) => [name, context.getUserData(name)] as const).filter(([, value]) => value !== undefined);
  return {
    requestId: context.getRequestID(),
    functionName: context.getFunctionName(),
    remainingMs: context.getRemainingTimeInMilliSeconds(),
    timeoutMs: context.getRunningTimeInSeconds(),
    userData: Object.fromEntries(userData),
    accessKey: context.getSecurityAccessKey(),
    secretKey: context.getSecuritySecretKey(),
    securityToken: context.getSecurityToken(),
  };
}
