/** A small reader of GraphQL queries (October 2021 edition, sections 2.1 to 2.12), without type definitions and subscriptions. */

export class GraphqlError extends Error {}

export type Value =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'enum'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'list'; readonly items: readonly Value[] };

export interface Field {
  readonly kind: 'field';
  readonly name: string;
  readonly alias: string;
  readonly args: ReadonlyMap<string, Value>;
  readonly selections: readonly Selection[] | undefined;
}

/** A named fragment, or one written in place. */
export type Selection =
  | Field
  | { readonly kind: 'spread'; readonly name: string }
  | { readonly kind: 'inline'; readonly on: string | undefined; readonly selections: readonly Selection[] };

export interface Variable {
  readonly name: string;
  /** As written, without spaces: `[CiJobStatus!]`. */
  readonly type: string;
  readonly fallback: Value | undefined;
}

export interface Query {
  readonly variables: readonly Variable[];
  readonly selections: readonly Selection[];
  readonly fragments: ReadonlyMap<string, readonly Selection[]>;
}

const TOKEN =
  /[\s,\uFEFF]+|#[^\n]*|("""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|\.\.\.|[!$&():=@[\]{}|])/y;

function tokens(text: string): readonly string[] {
  const out: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new GraphqlError(`Expected a token, actual: (none) ("${text[at]}") at [1, ${at + 1}]`);
    if (match[1] !== undefined) out.push(match[1]);
  }
  return out;
}

export function parseQuery(text: string): Query {
  return new Reader(tokens(text)).document();
}

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(list: readonly string[]) {
    this.#tokens = list;
  }

  document(): Query {
    let operation: Pick<Query, 'variables' | 'selections'> | undefined;
    const fragments = new Map<string, readonly Selection[]>();
    while (this.#at < this.#tokens.length) {
      if (this.#take('fragment')) {
        const name = this.#name();
        this.#expect('on');
        this.#name();
        fragments.set(name, this.#selections());
      } else {
        if (operation) throw new GraphqlError('An operation name is required');
        operation = this.#operation();
      }
    }
    if (!operation) throw new GraphqlError('Unexpected end of document');
    return { ...operation, fragments };
  }

  #operation(): Pick<Query, 'variables' | 'selections'> {
    const variables: Variable[] = [];
    if (this.#peek() !== '{') {
      this.#expect('query');
      if (isName(this.#peek())) this.#name();
      if (this.#take('(')) while (!this.#take(')')) variables.push(this.#variable());
    }
    return { variables, selections: this.#selections() };
  }

  #variable(): Variable {
    this.#expect('$');
    const name = this.#name();
    this.#expect(':');
    const type = this.#type();
    return { name, type, fallback: this.#take('=') ? this.#value() : undefined };
  }

  #type(): string {
    let type: string;
    if (this.#take('[')) {
      type = `[${this.#type()}]`;
      this.#expect(']');
    } else {
      type = this.#name();
    }
    return this.#take('!') ? `${type}!` : type;
  }

  #selections(): readonly Selection[] {
    this.#expect('{');
    const out: Selection[] = [];
    while (!this.#take('}')) out.push(this.#take('...') ? this.#fragment() : this.#field());
    if (out.length === 0) throw new GraphqlError('Expected a name, actual: RCURLY ("}")');
    return out;
  }

  #fragment(): Selection {
    if (this.#peek() === '{') return { kind: 'inline', on: undefined, selections: this.#selections() };
    if (this.#take('on')) return { kind: 'inline', on: this.#name(), selections: this.#selections() };
    return { kind: 'spread', name: this.#name() };
  }

  #field(): Field {
    const first = this.#name();
    const name = this.#take(':') ? this.#name() : first;
    const args = new Map<string, Value>();
    if (this.#take('(')) {
      while (!this.#take(')')) {
        const arg = this.#name();
        this.#expect(':');
        args.set(arg, this.#value());
      }
    }
    return { kind: 'field', name, alias: first, args, selections: this.#peek() === '{' ? this.#selections() : undefined };
  }

  #value(): Value {
    const token = this.#next();
    if (token === '$') return { kind: 'variable', name: this.#name() };
    if (token === '[') {
      const items: Value[] = [];
      while (!this.#take(']')) items.push(this.#value());
      return { kind: 'list', items };
    }
    if (token.startsWith('"')) return { kind: 'literal', value: unquote(token) };
    if (/^[-\d]/.test(token)) return { kind: 'literal', value: Number(token) };
    if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' };
    if (token === 'null') return { kind: 'literal', value: null };
    if (isName(token)) return { kind: 'enum', name: token };
    throw unexpected(token);
  }

  #name(): string {
    const token = this.#next();
    if (!isName(token)) throw unexpected(token);
    return token;
  }

  #expect(token: string): void {
    const found = this.#next();
    if (found !== token) throw unexpected(found);
  }

  #take(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at += 1;
    return true;
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new GraphqlError('Unexpected end of document');
    return token;
  }
}

function isName(token: string): boolean {
  return /^[A-Za-z_]/.test(token);
}

function unquote(token: string): string {
  if (token.startsWith('"""')) return token.slice(3, -3);
  try {
    return String(JSON.parse(token));
  } catch {
    throw unexpected(token);
  }
}

function unexpected(token: string): GraphqlError {
  return new GraphqlError(`Parse error on "${token}"`);
}
