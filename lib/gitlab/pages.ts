import { defined } from '../core/defined.ts';
import { UnclearError } from '../core/errors.ts';

export interface Page<T> {
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null | undefined };
  readonly nodes: readonly T[];
}

/** Reads the page after a cursor; the first one for null. */
export type ReadPage<T> = (after: string | null) => Promise<Page<T>>;

/** A list as far as it could be read. */
export interface PartialList<T> {
  readonly nodes: readonly T[];
  /** Why it is not whole, and the cursor of the page that is missing; absent when it is whole. */
  readonly rest?: { readonly failure: unknown; readonly after: string };
}

/**
 * Reads page after page, all of them or none: for lists in which a missing entry would be taken to be gone (runners). Throws what a page throws,
 * and `UnclearError` when the cursor does not move or `maxPages` are not enough.
 */
export async function readAllPages<T>(read: ReadPage<T>, maxPages: number): Promise<readonly T[]> {
  const { nodes, rest } = await readPages(read, maxPages);
  if (rest) throw rest.failure;
  return nodes;
}

/**
 * Reads page after page and keeps what was read when one fails: for lists of which a part is better than nothing (waiting jobs). Where there is
 * more than one page, `resume` may name the cursor at which an earlier reading had to stop: what comes after it is read right after the first
 * page, and what comes before it last, so that everything is reached in turn. Throws only when the first page fails.
 */
export async function readPages<T>(
  read: ReadPage<T>,
  maxPages: number,
  resume: () => Promise<string | undefined> = async () => undefined,
): Promise<PartialList<T>> {
  const { nodes, pageInfo } = await read(null);
  const after = nextCursor(pageInfo, null);
  if (after === undefined) return { nodes };
  const from = await resume();
  if (from === undefined || from === after) return withNodes(nodes, await readStretch(read, { after, most: maxPages - 1 }));

  const later = await readStretch(read, { after: from, most: maxPages - 1 });
  const earlier = await readStretch(read, { after, most: maxPages - 1 - later.pages, until: from });
  const all = [...nodes, ...earlier.nodes, ...later.nodes];
  // To the end of the list: then nothing hangs on the other stretch, nor on a cursor that may have become invalid.
  if (!earlier.rest && !earlier.stopped) return { nodes: all };
  const rest = earlier.rest && (earlier.pages > 0 || !later.rest) ? earlier.rest : later.rest;
  return { nodes: all, ...defined({ rest }) };
}

interface Stretch<T> extends PartialList<T> {
  readonly pages: number;
  /** It ended at the cursor `until`. */
  readonly stopped?: true;
}

/** Reads from `after` on: to the end, to the cursor `until`, for at most `most` pages, or until one fails. */
async function readStretch<T>(
  read: ReadPage<T>,
  { after, most, until }: { readonly after: string; readonly most: number; readonly until?: string },
): Promise<Stretch<T>> {
  const nodes: T[] = [];
  let cursor = after;
  for (let pages = 0; ; pages += 1) {
    try {
      if (pages >= most) throw new UnclearError('too-many-pages', 'GitLab lists more than is read at a time');
      const page = await read(cursor);
      nodes.push(...page.nodes);
      const next = nextCursor(page.pageInfo, cursor);
      if (next === undefined) return { nodes, pages: pages + 1 };
      if (next === until) return { nodes, pages: pages + 1, stopped: true };
      cursor = next;
    } catch (failure) {
      return { nodes, pages, rest: { failure, after: cursor } };
    }
  }
}

function nextCursor({ hasNextPage, endCursor }: Page<unknown>['pageInfo'], cursor: string | null): string | undefined {
  if (!hasNextPage) return undefined;
  if (!endCursor || endCursor === cursor) throw new UnclearError('stuck-cursor', 'GitLab names a next page without a new cursor');
  return endCursor;
}

function withNodes<T>(first: readonly T[], { nodes, rest }: PartialList<T>): PartialList<T> {
  return { nodes: [...first, ...nodes], ...defined({ rest }) };
}
