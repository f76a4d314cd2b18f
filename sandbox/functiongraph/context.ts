import { format } from 'node:util';

type Level = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
const LEVELS: readonly Level[] = ['DEBUG', 'INFO', 'WARN', 'ERROR'];

export type FunctionContext = ReturnType<typeof functionContext>;

export interface AgencyKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly securityToken: string;
  readonly authToken: string;
}

export interface ContextFacts {
  readonly requestId: string;
  readonly functionName: string;
  readonly projectId: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly userData: Readonly<Record<string, string>>;
  readonly keys: AgencyKeys | undefined;
  /** Time of the log lines. */
  readonly now: () => number;
  readonly log: (line: string) => void;
}

/**
 * `context` as FunctionGraph hands it to a Node.js function (FunctionGraph Node.js runtime, "Context"). The remaining time runs in real time,
 * whatever the sandbox's clock does.
 */
export function functionContext(facts: ContextFacts) {
  const started = performance.now();
  const logger = functionLogger(facts);
  return {
    getRequestID: () => facts.requestId,
    getRemainingTimeInMilliSeconds: () => Math.max(0, Math.floor(facts.timeoutMs - (performance.now() - started))),
    // Milliseconds in spite of its name: so does the real one.
    getRunningTimeInSeconds: () => facts.timeoutMs,
    getUserData: (key: string): string | undefined => facts.userData[key],
    getFunctionName: () => facts.functionName,
    getPackage: () => 'default',
    getProjectID: () => facts.projectId,
    getVersion: () => 'latest',
    getAlias: () => '',
    getMemorySize: () => String(facts.memoryMb),
    // Millicores grow with the memory: 128 MB have 300.
    getCPUNumber: () => String((facts.memoryMb / 128) * 100 + 200),
    getLogger: () => logger,
    // Temporary keys and token; empty without an agency.
    getSecurityAccessKey: () => facts.keys?.accessKey ?? '',
    getSecuritySecretKey: () => facts.keys?.secretKey ?? '',
    getSecurityToken: () => facts.keys?.securityToken ?? '',
    getToken: () => facts.keys?.authToken ?? '',
    getAccessKey: () => '',
    getSecretKey: () => '',
    getWorkflowID: () => '',
    getWorkflowRunID: () => '',
    getWorkflowStateID: () => '',
  };
}

function functionLogger(facts: ContextFacts) {
  let lowest = LEVELS.indexOf('INFO');
  const write =
    (level: Level) =>
    (...args: unknown[]) => {
      if (LEVELS.indexOf(level) < lowest) return;
      facts.log(`${new Date(facts.now()).toISOString()} ${facts.requestId} [] ${level} ${format(...args)}`);
    };
  return {
    debug: write('DEBUG'),
    info: write('INFO'),
    warn: write('WARN'),
    error: write('ERROR'),
    setLevel: (level: Level) => {
      lowest = LEVELS.indexOf(level);
    },
  };
}
