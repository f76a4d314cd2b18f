import type { SandboxContext } from '../context.ts';
import { type Agencies, FUNCTION_DOMAIN } from '../otc/iam/agencies.ts';
import { Ids } from '../otc/ids.ts';
import type { Lts } from '../otc/lts/lts.ts';
import type { Obs } from '../otc/obs/obs.ts';
import { found, Refused } from '../otc/refused.ts';
import { loadInstance, type UnpackedCode, unpack } from './code.ts';
import { Destinations } from './destination.ts';
import type { DiscardedEvent, FunctionGraph } from './functiongraph.ts';
import type { AsyncConfig, CodeBody, ConfigBody, CreateBody, FunctionConfig } from './schema.ts';
import type { Triggers } from './triggers/triggers.ts';
import { urnOf } from './urn.ts';

/** Of the zip in a request. */
const MOST_ZIP_BYTES = 50 * 1024 * 1024;

/** A function that came through the API. */
export interface Deployed {
  readonly id: string;
  readonly name: string;
  readonly package: string;
  /** Without the version. */
  readonly urn: string;
  readonly createdAt: number;
  updatedAt: number;
  config: FunctionConfig;
  code: UnpackedCode;
  codeFilename: string;
  maxInstances: number;
  concurrentRequests: number;
  asyncConfig: AsyncConfig | undefined;
  readonly tags: Map<string, string>;
  /** Where its lines are collected. */
  logs: { readonly groupId: string; readonly streamId: string } | undefined;
}

export interface DeployedOptions {
  readonly ctx: SandboxContext;
  readonly functions: FunctionGraph;
  readonly triggers: Triggers;
  readonly agencies: Agencies;
  readonly lts: Lts;
  readonly obs: Obs;
  readonly projectId: string;
  readonly region: string;
}

/** The functions that came through the management API. Each change makes its instances anew, as a deployment does. */
export class DeployedFunctions {
  readonly triggers: Triggers;
  readonly #options: DeployedOptions;
  readonly #destinations: Destinations;
  readonly #ids = new Ids('deployed');
  readonly #functions = new Map<string, Deployed>();
  /** Code that was replaced may still run; its folder goes at the end. */
  readonly #old: UnpackedCode[] = [];

  constructor(options: DeployedOptions) {
    this.#options = options;
    this.triggers = options.triggers;
    this.#destinations = new Destinations(options);
  }

  all(): readonly Deployed[] {
    return [...this.#functions.values()];
  }

  find(name: string): Deployed | undefined {
    return this.#functions.get(name);
  }

  create(body: CreateBody): Deployed {
    const { func_name: name, package: packageName, code_type, code_filename, func_code, depend_version_list, type, ...config } = body;
    const { functions, region, projectId, ctx } = this.#options;
    if (functions.has(name)) throw new Refused(409, 'FSS.1061', `The function ${name} already exists.`);
    this.#check(config);
    const code = unpacked(func_code.file);
    const now = ctx.clock.now();
    const deployed: Deployed = {
      id: this.#ids.hex(32),
      name,
      package: packageName,
      urn: urnOf(region, projectId, packageName, name),
      createdAt: now,
      updatedAt: now,
      config: { func_name: name, ...config },
      code,
      codeFilename: code_filename ?? 'index.zip',
      maxInstances: -1,
      concurrentRequests: 1,
      asyncConfig: undefined,
      tags: new Map(),
      logs: undefined,
    };
    this.#functions.set(name, deployed);
    this.#apply(deployed);
    return deployed;
  }

  /** Which optional members keep their value when they are left out is not documented: here none does. */
  updateConfig(deployed: Deployed, { strategy_config, ...config }: ConfigBody): void {
    if (config.func_name !== deployed.name) throw new Refused(400, 'FSS.0400', 'func_name: the name of a function cannot be changed');
    if (config.runtime !== deployed.config.runtime) throw new Refused(400, 'FSS.1005', 'The runtime of a function cannot be changed.');
    this.#check(config);
    deployed.config = config;
    deployed.maxInstances = strategy_config?.concurrency ?? -1;
    deployed.concurrentRequests = strategy_config?.concurrent_num ?? 1;
    this.#apply(deployed);
  }

  updateCode(deployed: Deployed, { func_code, code_filename }: CodeBody): void {
    const code = unpacked(func_code.file);
    if (code.digest === deployed.code.digest) {
      code.remove();
      throw new Refused(409, 'FSS.0409', 'The code is not changed.');
    }
    this.#old.push(deployed.code);
    deployed.code = code;
    deployed.codeFilename = code_filename ?? deployed.codeFilename;
    this.#apply(deployed);
  }

  limit(deployed: Deployed, maxInstances: number): void {
    deployed.maxInstances = maxInstances;
    this.#apply(deployed);
  }

  configureAsync(deployed: Deployed, config: AsyncConfig | undefined): void {
    if (config) this.#destinations.check(config);
    deployed.asyncConfig = config;
    this.#apply(deployed);
  }

  /** With its triggers. */
  delete(deployed: Deployed): void {
    this.triggers.deleteAll(deployed);
    this.#options.functions.unregister(deployed.name);
    this.#functions.delete(deployed.name);
    this.#old.push(deployed.code);
  }

  close(): void {
    this.triggers.close();
    for (const code of [...this.#old, ...this.all().map((f) => f.code)]) code.remove();
  }

  #check({ xrole, app_xrole, log_config, func_vpc }: Omit<FunctionConfig, 'func_name'>): void {
    const { agencies, lts } = this.#options;
    for (const name of [xrole, app_xrole]) {
      const trusts = agencies.byName(name)?.trustedDomain === FUNCTION_DOMAIN;
      if (name !== '' && !trusts) throw new Refused(400, 'FSS.1303', `FunctionGraph may not act for the agency ${name}.`);
    }
    if (func_vpc && xrole === '') throw new Refused(400, 'FSS.1303', 'A function in a VPC needs an agency.');
    if (log_config && !lts.stream(log_config.group_id, log_config.stream_id)) {
      throw new Refused(400, 'FSS.0400', 'log_config: the log stream does not exist');
    }
  }

  #apply(deployed: Deployed): void {
    const { config, asyncConfig } = deployed;
    deployed.updatedAt = this.#options.ctx.clock.now();
    deployed.logs = this.#logsOf(deployed);
    const agency = config.app_xrole || config.xrole;
    const load = () => this.#load(deployed);
    this.#options.functions.register({
      name: deployed.name,
      // Never called: `load` makes the handler of each instance.
      handler: (event, context) => load()(event, context),
      load,
      timeoutMs: config.timeout * 1000,
      memoryMb: config.memory_size,
      userData: { ...config.user_data, ...config.encrypted_user_data },
      maxInstances: deployed.maxInstances,
      agency: agency === '' ? false : agency,
      asyncRetries: asyncConfig?.max_async_retry_attempts ?? 1,
      asyncMaxAgeMs: (asyncConfig?.max_async_event_age_in_seconds ?? 3600) * 1000,
      onLog: (line) => this.#log(deployed, line),
      onDiscard: (event) => this.#discarded(deployed, event),
    });
  }

  #load(deployed: Deployed) {
    const { config, code } = deployed;
    const { ctx, projectId } = this.#options;
    return loadInstance(code.folder, config.handler, {
      now: () => ctx.clock.now(),
      log: (line) => this.#log(deployed, line),
      // What is encrypted reaches a function by its context only: whether more is so is not documented.
      env: {
        RUNTIME_PROJECT_ID: projectId,
        RUNTIME_FUNC_NAME: deployed.name,
        RUNTIME_FUNC_VERSION: 'latest',
        RUNTIME_PACKAGE: deployed.package,
        RUNTIME_HANDLER: config.handler,
        RUNTIME_TIMEOUT: String(config.timeout),
        RUNTIME_MEMORY: String(config.memory_size),
        RUNTIME_USERDATA: JSON.stringify(config.user_data),
        RUNTIME_CODE_ROOT: code.folder,
      },
    });
  }

  #logsOf({ name, config }: Deployed): Deployed['logs'] {
    const { log_config, enable_lts_log } = config;
    if (log_config) return { groupId: log_config.group_id, streamId: log_config.stream_id };
    if (!enable_lts_log) return undefined;
    const { group, stream } = this.#options.lts.automatic(name);
    return { groupId: group.id, streamId: stream.id };
  }

  #log({ logs }: Deployed, line: string): void {
    if (logs) this.#options.lts.write(logs.groupId, logs.streamId, line);
  }

  #discarded(deployed: Deployed, event: DiscardedEvent): void {
    const to = deployed.asyncConfig?.destination_config.on_failure;
    if (to) this.#destinations.deliver(deployed, to.param, event);
  }
}

function unpacked(zip: Buffer): UnpackedCode {
  if (zip.length > MOST_ZIP_BYTES) throw new Refused(413, 'FSS.1071', 'The code package exceeds 50 MB.');
  return found(unpack(zip), new Refused(400, 'FSS.1011', 'The code package is not a readable zip.'));
}
