import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

const root = new URL('../../../', import.meta.url);
const NOT_OURS = /(?:^|\/)(?:node_modules|dist|reports|coverage|\.[a-z][^/]*)(?:\/|$)/;

export interface Page {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: string;
  /** The text without what is between code fences. */
  readonly prose: string;
}

/** Every page of the repository. */
export function pages(): readonly Page[] {
  return files('.md').map((file) => {
    const text = readFileSync(new URL(file, root), 'utf8');
    return { file, text, prose: text.replaceAll(/^( *)(```+|~~~+)[\s\S]*?^\1\2/gm, '') };
  });
}

function files(ending: string, folder = ''): string[] {
  return readdirSync(new URL(folder, root), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}${entry.name}`;
      if (NOT_OURS.test(path)) return [];
      if (entry.isDirectory()) return files(ending, `${path}/`);
      return path.endsWith(ending) ? [path] : [];
    })
    .sort();
}

/** Targets of links and pictures, as they are written. */
export function linksIn({ prose }: Pick<Page, 'prose'>): readonly string[] {
  return [...prose.replaceAll(/`[^`\n]*`/g, '').matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)].map((match) => match[1] ?? '');
}

/** What GitHub and GitLab make of the headings: lower case, no punctuation, hyphens for spaces; the second of a name gets `-1`. */
export function anchorsOf({ prose }: Pick<Page, 'prose'>): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...prose.matchAll(/^#{1,6} +(.+?) *#* *$/gm)].map((match) => {
    const slug = plain(match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
  return new Set([...anchors, ...[...prose.matchAll(/<a (?:id|name)="([^"]+)"/g)].map((match) => match[1] ?? '')]);
}

function plain(heading: string): string {
  return heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '');
}

/** Path from the root of the repository, and the anchor, that a relative link leads to. */
export function resolveLink(from: string, link: string): { readonly path: string; readonly anchor: string } {
  const [path = '', anchor = ''] = link.split('#', 2);
  const file = path === '' ? from : posix.normalize(posix.join(posix.dirname(from), decodeURIComponent(path)));
  return { path: file, anchor: decodeURIComponent(anchor) };
}
