/*
 * The provider `otc` for osls: commands, hooks and schema. What they do is TypeScript, loaded when it is needed; osls itself loads no .ts as a plugin.
 * Source of the interface: osls 4.3.1, lib/classes/plugin-manager.js and lib/classes/config-schema-handler.
 */

const string = (usage, shortcut) => ({ usage, type: 'string', ...(shortcut && { shortcut }) });
const boolean = (usage) => ({ usage, type: 'boolean' });
const region = string('Region of the functions, instead of provider.region', 'r');
const json = boolean('For programs');

/** osls shows errors of this name without a stack: they are mistakes of a person, or what OTC said. */
class ServerlessError extends Error {
  constructor(message) {
    super(message);
    this.name = 'ServerlessError';
    this.code = 'OTC';
  }
}

/** As they stand in the file: where the zips are is our own addition. */
function withoutPackages(functions) {
  return Object.fromEntries(Object.entries(functions).map(([key, { package: _, ...own }]) => [key, own]));
}

class OtcProvider {
  static getProviderName() {
    return 'otc';
  }

  constructor(serverless, options) {
    this.provider = 'otc';
    this.serverless = serverless;
    this.options = options;
    serverless.setProvider('otc', this);
    this.commands = {
      deploy: {
        options: { region, json, 'dry-run': boolean('Print what would be done, but change nothing') },
        commands: { function: { options: { region, 'dry-run': boolean('Print what would be done, but change nothing') } } },
      },
      package: { options: { region } },
      remove: {
        options: {
          region,
          drain: boolean('Let all workers finish and leave first'),
          'drain-timeout': string('Maximum time to wait for them; default: 24h'),
          yes: boolean('Do not ask'),
        },
      },
      info: { options: { region, json } },
      logs: { options: { region } },
      invoke: { options: { region }, commands: { local: { options: { region } } } },
    };
    const run =
      (name, options = (given) => given) =>
      () =>
        this.run(name, options(this.options));
    const dryRun = (given) => given['dry-run'];
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.package(),
      'deploy:deploy': run('deploy', (given) => ({ dryRun: dryRun(given), otherPackage: given.package })),
      'deploy:function:deploy': run('deploy', (given) => ({ dryRun: dryRun(given), only: given.function })),
      'remove:remove': run('remove', (given) => ({ ...given, drainTimeout: given['drain-timeout'] })),
      'info:info': run('info'),
      'logs:logs': run('logs'),
      'invoke:invoke': run('invoke'),
      'invoke:local:invoke': run('invokeLocal'),
    };
  }

  /** Before osls checks serverless.yml. */
  async asyncInit() {
    const { oslsSchemas } = await this.load();
    this.serverless.configSchemaHandler.defineProvider('otc', oslsSchemas());
  }

  /** A zip each, where osls expects it: it makes none of its own then. */
  async package() {
    const [command] = this.serverless.processedInput.commands;
    const paths = await this.run('packageAll', { folder: this.options.package, say: command === 'package' });
    const { service } = this.serverless;
    for (const key of service.getAllFunctions()) {
      const artifact = paths[key];
      service.getFunction(key).package = artifact === undefined ? { disable: true } : { artifact };
    }
  }

  async run(name, options) {
    const commands = await this.load();
    const { configurationInput, serviceDir } = this.serverless;
    // osls adds an environment for `invoke local`; one in the file it has refused already.
    const { environment: _, ...provider } = configurationInput.provider;
    const inputs = {
      service: configurationInput.service,
      provider,
      functions: withoutPackages(configurationInput.functions ?? {}),
      stage: this.options.stage ?? provider.stage,
      ...(this.options.region && { region: this.options.region }),
      dir: serviceDir,
      env: process.env,
    };
    // Neither is ever half done for good: what is there is looked at afresh.
    const interrupted = () => {
      process.stderr.write(`\nInterrupted. Finished steps stay; run the same command again to continue.\n`);
      process.exit(130);
    };
    const changes = name === 'deploy' || name === 'remove';
    if (changes) process.once('SIGINT', interrupted);
    try {
      return await commands[name](inputs, options, this.options.json ?? false);
    } catch (error) {
      const text = commands.explain(error);
      throw text === undefined ? error : new ServerlessError(text);
    } finally {
      process.removeListener('SIGINT', interrupted);
    }
  }

  load() {
    this.loaded ??= import('tsx/esm/api').then(({ tsImport }) => tsImport('./commands/index.ts', __filename));
    return this.loaded;
  }
}

module.exports = OtcProvider;
