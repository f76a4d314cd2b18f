import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import type { FunctionContext } from '../../sandbox/functiongraph/functiongraph.ts';
import type { FunctionKind } from '../../testkit/farm.ts';

const Loaded = z.object({ node: z.string(), kind: z.string(), ms: z.number() });
const Reply = z.object({ id: z.number(), reply: z.unknown().optional(), thrown: z.string().optional() });

/** Keys of the user data that a function may ask for. */
const USER_DATA = ['GITLAB_TOKEN', 'HOOK_TOKENS', 'HOOK_SIGNING_TOKENS', 'OTC_ACCESS_KEY', 'OTC_SECRET_KEY', 'OTC_SECURITY_TOKEN'];

const CHILD = fileURLToPath(new URL('./bundle-child.cjs', import.meta.url));

/** One instance of a deployed function: a process of its own that has loaded the built bundle. */
export class BundleProcess {
  /** What the function wrote, line by line. */
  readonly log: string[] = [];
  readonly loaded: Promise<z.infer<typeof Loaded>>;
  readonly #child: ChildProcess;
  readonly #open = new Map<number, (reply: z.infer<typeof Reply>) => void>();
  #next = 1;

  /** `config` is where its scaler.json will be when it is first called. The binary is that of FUNCTION_NODE, else this process's own. */
  constructor(name: FunctionKind, config: string) {
    const bundle = fileURLToPath(new URL(`../../dist/functions/${name}/index.js`, import.meta.url));
    if (!existsSync(bundle)) throw new Error('there are no bundles: npm run build makes them');
    const node = process.env.FUNCTION_NODE ?? process.execPath;
    // Nothing of this machine's settings, as in the function.
    this.#child = spawn(node, [CHILD, bundle], { env: { SCALER_CONFIG: config }, stdio: ['pipe', 'pipe', 'inherit'] });
    let tell: (loaded: z.infer<typeof Loaded>) => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    this.loaded = new Promise((resolve, reject) => {
      tell = resolve;
      fail = reject;
    });
    this.loaded.catch(() => undefined);
    this.#child.once('exit', (code) => fail(new Error(`the process of the bundle ended with ${code}`)));
    const lines = this.#child.stdout && createInterface({ input: this.#child.stdout });
    lines?.on('line', (line) => {
      if (line.startsWith('LOADED ')) tell(Loaded.parse(JSON.parse(line.slice(7))));
      else if (line.startsWith('REPLY ')) this.#settle(Reply.parse(JSON.parse(line.slice(6))));
      else this.log.push(line);
    });
  }

  /** Calls the handler with the context that FunctionGraph gives. Throws what the handler throws. */
  async call(event: unknown, context: FunctionContext): Promise<unknown> {
    const id = this.#next++;
    const userData = Object.fromEntries(USER_DATA.map((key) => [key, context.getUserData(key)]));
    const facts = {
      requestId: context.getRequestID(),
      functionName: context.getFunctionName(),
      remainingMs: context.getRemainingTimeInMilliSeconds(),
      accessKey: context.getSecurityAccessKey(),
      secretKey: context.getSecuritySecretKey(),
      securityToken: context.getSecurityToken(),
    };
    const { reply, thrown } = await new Promise<z.infer<typeof Reply>>((resolve) => {
      this.#open.set(id, resolve);
      this.#child.stdin?.write(`${JSON.stringify({ id, event, facts, userData })}\n`);
    });
    if (thrown !== undefined) throw new Error(thrown);
    return reply;
  }

  close(): void {
    this.#child.kill();
  }

  #settle(reply: z.infer<typeof Reply>): void {
    this.#open.get(reply.id)?.(reply);
    this.#open.delete(reply.id);
  }
}
