import * as z from 'zod';
import { header, type SandboxRequest } from '../../http.ts';
import { type AccessToken, type Group, isBelow, type Project, type Role } from '../model.ts';
import type { GitLabState } from '../state.ts';

/** An answer other than the wanted one; the application turns it into the response. */
export class Refused extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`refused with ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export function message(status: number, text: string): Refused {
  return new Refused(status, { message: `${status} ${text}` });
}

export const forbidden = (): Refused => message(403, 'Forbidden');

/** The caller's token, when it has one of the scopes; `api` has them all, and `read_api` suffices only where it is named. */
export function requireToken(c: SandboxRequest, gitlab: GitLabState, scopes: readonly string[]): AccessToken {
  const token = findToken(c, gitlab);
  if (!token) throw message(401, 'Unauthorized');
  const enough = ['api', ...scopes];
  if (!token.scopes.some((scope) => enough.includes(scope))) {
    throw new Refused(403, {
      error: 'insufficient_scope',
      error_description: 'The request requires higher privileges than provided by the access token.',
      scope: enough.join(' '),
    });
  }
  return token;
}

/** `undefined` for a caller without a token. */
export function findToken(c: SandboxRequest, gitlab: GitLabState): AccessToken | undefined {
  const value = header(c, 'private-token') ?? header(c, 'authorization')?.replace(/^Bearer /i, '');
  if (value === undefined) return undefined;
  const token = gitlab.tokens.get(value);
  if (!token) throw message(401, 'Unauthorized');
  if (token.revoked) {
    throw new Refused(401, {
      error: 'invalid_token',
      error_description: 'Token was revoked. You have to re-authorize from the user.',
    });
  }
  return token;
}

/** 0 for a stranger. */
export function roleOn(token: AccessToken | undefined, path: string): Role | 0 {
  if (!token) return 0;
  if (token.admin) return 50;
  let best: Role | 0 = 0;
  for (const [place, role] of token.roles) if (isBelow(path, place) && role > best) best = role;
  return best;
}

/** A project that the caller may not even see does not exist for it. */
export function projectFor(gitlab: GitLabState, token: AccessToken, key: string, least: Role): Project {
  const project = gitlab.findProject(key);
  const role = project ? roleOn(token, project.path) : 0;
  if (!project || role === 0) throw message(404, 'Project Not Found');
  if (role < least) throw forbidden();
  return project;
}

export function groupFor(gitlab: GitLabState, token: AccessToken, key: string, least: Role): Group {
  const group = gitlab.findGroup(key);
  const role = group ? roleOn(token, group.path) : 0;
  if (!group || role === 0) throw message(404, 'Group Not Found');
  if (role < least) throw forbidden();
  return group;
}

export type Params = Readonly<Record<string, unknown>>;

/** Query and body as one, as Grape sees them; the body may be JSON or a form. `name[]` becomes a list under `name`. */
export async function params(c: SandboxRequest): Promise<Params> {
  const out: Record<string, unknown> = {};
  for (const [name, values] of Object.entries(c.req.queries())) Object.assign(out, named(name, values));
  const type = header(c, 'content-type') ?? '';
  if (type.includes('json')) return { ...out, ...(await json(c)) };
  if (!type.includes('form')) return out;
  for (const [name, value] of Object.entries(await c.req.parseBody({ all: true }))) {
    Object.assign(out, named(name, (Array.isArray(value) ? value : [value]).map(String)));
  }
  return out;
}

function named(name: string, values: readonly string[]): Params {
  return name.endsWith('[]') ? { [name.slice(0, -2)]: values } : { [name]: values.at(-1) };
}

async function json(c: SandboxRequest): Promise<Params> {
  const text = await c.req.text();
  if (text === '') return {};
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw new Refused(400, { error: 'Problem while parsing request body' });
  }
}

/** Grape's words for what is wrong with a parameter. */
export function check<T extends z.ZodType>(schema: T, input: Params): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const name = String(result.error.issues[0]?.path[0]);
  throw new Refused(400, { error: input[name] === undefined ? `${name} is missing` : `${name} does not have a valid value` });
}

export const Flag = z.union([z.boolean(), z.enum(['true', '1']).transform(() => true), z.enum(['false', '0']).transform(() => false)]);
export const Whole = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]);
/** A list, or a text with commas. */
export const List = z.union([z.array(z.string()), z.string().transform((text) => text.split(',').filter(Boolean))]);

const Page = z.object({ page: Whole.optional(), per_page: Whole.optional() });

/** Offset pages with their headers; `totals: false` where GitLab does not count. */
export function offsetPage<T>(c: SandboxRequest, input: Params, items: readonly T[], totals = true): readonly T[] {
  const asked = check(Page, input);
  const size = Math.min(100, Math.max(1, asked.per_page ?? 20));
  const page = Math.max(1, asked.page ?? 1);
  const more = items.length > page * size;
  c.header('X-Page', String(page));
  c.header('X-Per-Page', String(size));
  c.header('X-Next-Page', more ? String(page + 1) : '');
  c.header('X-Prev-Page', page > 1 ? String(page - 1) : '');
  if (totals) {
    c.header('X-Total', String(items.length));
    c.header('X-Total-Pages', String(Math.max(1, Math.ceil(items.length / size))));
  }
  if (more) link(c, { page: String(page + 1) });
  return items.slice((page - 1) * size, page * size);
}

/** Keyset pages by descending id: only a link to the next one. */
export function keysetPage<T extends { readonly id: number }>(c: SandboxRequest, input: Params, items: readonly T[]): readonly T[] {
  const asked = check(Page.extend({ cursor: z.string().optional() }), input);
  const size = Math.min(100, Math.max(1, asked.per_page ?? 20));
  const after = asked.cursor === undefined ? Number.POSITIVE_INFINITY : readCursor(asked.cursor);
  if (after === undefined) throw new Refused(400, { error: 'cursor is invalid' });
  const rest = items.filter((item) => item.id < after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  if (last && rest.length > size) link(c, { cursor: cursor(last.id) });
  return page;
}

export function cursor(id: number): string {
  return Buffer.from(JSON.stringify({ id: String(id) })).toString('base64url');
}

const Cursor = z.object({ id: z.string().regex(/^\d+$/).transform(Number) });

/** `undefined` for a cursor that is not ours. */
export function readCursor(text: string): number | undefined {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString())).id;
  } catch {
    return undefined;
  }
}

function link(c: SandboxRequest, change: Readonly<Record<string, string>>): void {
  const url = new URL(c.req.url);
  for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value);
  c.header('Link', `<${url.href}>; rel="next"`);
}
