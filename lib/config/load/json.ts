import { InvalidConfigError, problem } from '../check/problems.ts';
import { type Config, parseConfig } from './parse.ts';

/**
 * Loads the configuration as the functions carry it: scaler.yml compiled to JSON when the bundle is built (see yaml.ts), because the YAML
 * parser alone is larger than the rest of the webhook. Throws `InvalidConfigError`.
 */
export function loadConfigJson(text: string): Config {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text around the error.
    throw new InvalidConfigError([problem([], 'is no valid JSON: build it with the command line tool instead of writing it by hand')]);
  }
  return parseConfig(data);
}
