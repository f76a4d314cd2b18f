import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type YAMLError, type Document as YamlDocument } from 'yaml';
import * as z from 'zod';
import { defined } from '../../core/defined.ts';
import { parseJson } from '../../core/json.ts';
import { plainMessage } from '../check/messages.ts';
import { type ConfigProblem, findingsOf, InvalidConfigError, type Locate, problem, sortedProblems } from '../check/problems.ts';
import { compiledText, isCompiled, readCompiled } from '../compiled.ts';
import { managerWarnings, resolveManager } from '../manager.ts';
import { ManagerPart } from '../schema/manager.ts';
import { zoneFindings } from '../zones/zones.ts';
import { type Config, parseConfig } from './parse.ts';

/**
 * Loads scaler.yml, the same as JSON, or the compiled form. `now` (milliseconds): from when on time zones are looked at. Throws
 * `InvalidConfigError`, for YAML with line and column of each problem.
 */
export function loadConfigText(text: string, format: 'yaml' | 'json', now = Date.now()): Config {
  if (format === 'yaml') return loadConfigYaml(text, now);
  const data = readJson(text);
  return isCompiled(data) ? readCompiled(text) : parseWhole(data, undefined, now);
}

export function loadConfigYaml(text: string, now = Date.now()): Config {
  const { data, locate } = readYaml(text);
  return parseWhole(data, locate, now);
}

/**
 * Checks scaler.yml and returns it as the JSON that the functions carry, with the configuration as `loadConfigYaml` returns it. `scaler` replaces what the file says of
 * the function that the webhook wakes: its name, or `false` for none.
 */
export function compileConfig(text: string, scaler?: string | false, now = Date.now()): { readonly json: string; readonly config: Config } {
  const { data, locate } = readYaml(text);
  const config = parseWhole(data, locate, now);
  const { scalerFunction: written, ...others } = config;
  const scalerFunction = scaler === undefined ? written : scaler === false ? undefined : scaler;
  return { json: compiledText({ ...others, ...defined({ scalerFunction }) }), config };
}

/** The document and its section `manager`, with everything that is wrong in either at once. */
function parseWhole(data: unknown, locate: Locate | undefined, now: number): Config {
  const zones = zonesOf(data, now, locate);
  const problems: ConfigProblem[] = [...zones.errors];
  const collect = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof InvalidConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const part = collect(() => managerOf(data, locate));
  const config = collect(() => parseConfig(data, locate));
  if (config === undefined || problems.length > 0) throw new InvalidConfigError(sortedProblems(problems));
  return warned(addManager(config, part, locate), zones.warnings);
}

function readJson(text: string): unknown {
  const data = parseJson(text);
  // The parser's own message would quote the text around the error.
  if (data === undefined)
    throw new InvalidConfigError([problem([], 'is no valid JSON: write it as YAML, or have npm run build compile it')]);
  return data;
}

function zonesOf(data: unknown, now: number, locate?: Locate) {
  const findings = zoneFindings(data, now);
  const of = (level: 'error' | 'warning') => findings.filter((f) => f.level === level).map((f) => problem(f.path, f.message, locate));
  return { errors: of('error'), warnings: of('warning') };
}

function warned(config: Config, more: readonly ConfigProblem[]): Config {
  return more.length === 0 ? config : { ...config, warnings: sortedProblems([...config.warnings, ...more]) };
}

function addManager(config: Config, part: ManagerPart | undefined, locate: Locate | undefined): Config {
  if (part === undefined) return config;
  const more = managerWarnings(part, config).map(({ path, message }) => problem(path, message, locate));
  return warned({ ...config, manager: resolveManager(part, config) }, more);
}

function managerOf(data: unknown, locate?: Locate): ManagerPart | undefined {
  const { manager } = z.object({ manager: z.unknown() }).catch({ manager: undefined }).parse(data);
  if (manager === undefined) return undefined;
  const parsed = ManagerPart.safeParse(manager, { error: plainMessage });
  if (parsed.success) return parsed.data;
  throw new InvalidConfigError(findingsOf(parsed.error.issues, ['manager']).map(({ path, message }) => problem(path, message, locate)));
}

function readYaml(text: string): { readonly data: unknown; readonly locate: Locate } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  // Warnings are errors here: an unknown tag would silently lose its meaning. Messages of the parser may quote the text, so only
  // their first sentence is kept, and what they quote is left out.
  const wrong = telling([...document.errors, ...document.warnings]).map((e): ConfigProblem => {
    const why = isTab(e, text) ? 'a tab stands where YAML takes only spaces: indent with spaces' : withoutQuotes(e.message);
    return { path: '', ...place(e.pos[0]), message: `is no valid YAML: ${why}` };
  });
  if (wrong.length > 0) throw new InvalidConfigError(sortedProblems(wrong));
  if (document.contents === null) throw new InvalidConfigError([problem([], 'the file is empty')]);
  try {
    return { data: document.toJS(), locate: (path) => locateIn(document, path, place) };
  } catch {
    throw new InvalidConfigError([problem([], 'has aliases that cannot be resolved, or too many of them')]);
  }
}

/** What stands in the wrong place makes the parser complain of all that follows it: of such errors only the first says something. */
function telling(errors: readonly YAMLError[]): readonly YAMLError[] {
  const inOrder = [...errors].sort((a, b) => a.pos[0] - b.pos[0]);
  const alone = (e: YAMLError) => e.code === 'DUPLICATE_KEY' || e.name === 'YAMLWarning';
  const first = inOrder.find((e) => !alone(e));
  return inOrder.filter((e) => e === first || (alone(e) && (first === undefined || e.pos[0] < first.pos[0])));
}

/** The line at which it stumbled is indented with one. */
function isTab({ code, pos }: YAMLError, text: string): boolean {
  const start = text.lastIndexOf('\n', Math.max(0, pos[0] - 1)) + 1;
  return code === 'TAB_AS_INDENT' || /^ *\t/.test(text.slice(start));
}

function withoutQuotes(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/"[^"]*"|`[^`]*`/g, '…');
}

/** The key of the last part that exists, or the entry of a list; what is missing is reported at what it is missing from. */
function locateIn(document: YamlDocument.Parsed, path: readonly (string | number)[], place: (offset: number) => ReturnType<Locate>) {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const part of path) {
    const step = stepInto(isAlias(node) ? node.resolve(document) : node, part);
    if (!step) break;
    node = step.value;
    offset = startOf(step.shown) ?? offset;
  }
  return offset === undefined ? undefined : place(offset);
}

/** The value under a key or index, and the node that stands for it in a message. */
function stepInto(node: unknown, part: string | number): { readonly value: unknown; readonly shown: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
    return pair && { value: pair.value, shown: pair.key };
  }
  if (!isSeq(node) || typeof part !== 'number' || part >= node.items.length) return undefined;
  return { value: node.items[part], shown: node.items[part] };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
