import type { Clock, Log } from '../../app/ports/index.ts';
import type { Config } from '../../config/load/parse.ts';
import { systemClock } from '../clock.ts';
import { createLog, logCalls } from '../log.ts';
import { configPaths, configSource } from './config-source.ts';
import { type Environment, environmentValue, type ReadSecret, secretReader } from './secret-source.ts';

/** What every deployed function has in common. With `SCALER_LOG=debug` its calls are logged. `directory` is the bundle's own, where its configuration lies. */
export function functionParts(
  name: string,
  directory: string,
  env: Environment,
): { readonly clock: Clock; readonly log: Log; readonly loadConfig: () => Config; readonly readSecret: ReadSecret } {
  const log = createLog({ clock: systemClock, fields: { function: name } });
  if (environmentValue(env, 'SCALER_LOG') === 'debug') logCalls(log);
  return {
    clock: systemClock,
    log,
    loadConfig: configSource(configPaths(env, directory)),
    readSecret: secretReader(env),
  };
}
