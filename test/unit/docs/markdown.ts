import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { anchorOf } from '../../../scripts/reference/markdown.ts';

/** What the repository keeps: all files but those that .gitignore names. Its lines here are names and endings. */
export function repositoryFiles(root: string): readonly string[] {
  const ignored = readFileSync(path.join(root, '.gitignore'), 'utf8').split('\n').filter(Boolean).concat('.git');
  const isIgnored = (name: string) =>
    ignored.some((line) => (line.startsWith('*') ? name.endsWith(line.slice(1)) : line.replaceAll('/', '') === name));
  const walk = (folder: string): readonly string[] =>
    readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      if (isIgnored(entry.name)) return [];
      const inside = path.join(folder, entry.name);
      return entry.isDirectory() ? [inside, ...walk(inside)] : [inside];
    });
  return walk('');
}

/** A block of code; it may be the beginning of an item of a list. */
const FENCE = /^[ \t]*(?:(?:\d+[.)]|[-*+])[ \t]+)?(```+|~~~+)[^\n]*\n([\s\S]*?)^[ \t]*\1[ \t]*$/gm;
const SPAN = /(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g;

/** Without code: what is left is where links and headings are. Code in headings stays, because anchors are made of it. */
function withoutFences(text: string): string {
  return text.replace(FENCE, '');
}

/** Targets of links and images. */
export function linksOf(text: string): readonly string[] {
  const prose = withoutFences(text).replace(SPAN, 'code');
  return [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*(\S+)/gm)].map((match) => match[1] ?? match[2] ?? '');
}

/** Files and folders of the repository that are named in code, as seen from its root. GitLab's own sources (.rb) are somebody else's. */
export function pathsOf(text: string): readonly string[] {
  const spans = [...withoutFences(text).matchAll(SPAN)].map((match) => match[2] ?? '');
  return spans
    .flatMap(
      (span) =>
        /^((?:bench|cli|cloud-init|dashboard|deploy|docs|examples|functions|lib|sandbox|scripts|test|testkit)(?:\/[\w.-]+)+)\/?$/.exec(
          span,
        )?.[1] ?? [],
    )
    .filter((path) => !/\/[A-Z]+(?:\.|$)/.test(path) || path.endsWith('README.md'))
    .filter((path) => !path.endsWith('.rb'));
}

/** GitHub's anchors: of headings, numbered where one comes again, and those set by hand. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const prose = withoutFences(text);
  const anchors = new Set<string>();
  const times = new Map<string, number>();
  for (const [, heading = ''] of prose.matchAll(/^#{1,6}[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$/gm)) {
    const anchor = anchorOf(heading);
    const time = times.get(anchor) ?? 0;
    times.set(anchor, time + 1);
    anchors.add(time === 0 ? anchor : `${anchor}-${time}`);
  }
  for (const [, id = ''] of prose.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/** Calls of the command line in code, each as its words: `npm run scaler -- hook install --dry-run` is `hook install --dry-run`. */
export function callsOf(text: string): readonly (readonly string[])[] {
  const lines = [...text.matchAll(FENCE)].flatMap((match) => (match[2] ?? '').replace(/\\\n/g, ' ').split('\n'));
  // A semicolon in running text is a sentence: a message of the log.
  const spans = [...withoutFences(text).matchAll(SPAN)]
    .map((match) => (match[2] ?? '').replace(/\s+/g, ' '))
    .filter((span) => !/\w; /.test(span));
  const call =
    /(?:^|\$\(|&& |[|;] )\s*(?:\$ )?(?:[A-Z_]+=\S* )*(?:npm run (?:--silent )?scaler --|(?:node )?(?:\S*\/)?scaler(?:\.cjs)?) (.*)/;
  return [...lines, ...spans].flatMap((line) => {
    const [words = ''] = (call.exec(line)?.[1] ?? '').split(/\s(?:#|>|\||&&|;|2>)|\)/);
    return words === '' ? [] : [words.trim().split(/\s+/)];
  });
}
