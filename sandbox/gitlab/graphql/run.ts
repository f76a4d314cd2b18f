import { type Field, GraphqlError, parseQuery, type Query, type Selection, type Value } from './parse.ts';

/** `undefined` as `type` is a scalar. Arguments by name with their GraphQL type. `resolve` is a method so that fields of all sources fit. */
export interface FieldDef<S, C> {
  readonly type?: string;
  readonly args?: Readonly<Record<string, string>>;
  /** How many objects of one request may be asked for it. */
  readonly callLimit?: number;
  resolve(source: S, args: Args, context: C): unknown;
}
export type TypeDef<S, C> = Readonly<Record<string, FieldDef<S, C>>>;
export interface Schema<C> {
  readonly types: Readonly<Record<string, TypeDef<never, C>>>;
  readonly enums: Readonly<Record<string, readonly string[]>>;
}
export type Args = Readonly<Record<string, unknown>>;
export interface Result {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly path?: readonly (string | number)[] }[];
}

const MAX_LENGTH = 10_000;
const MAX_DEPTH = 20;

/** Checks the whole query against the schema first, as GraphQL does, then answers it. Refusals are `errors`, never exceptions. */
export function runQuery<C>(schema: Schema<C>, text: string, variables: Args, context: C): Result {
  try {
    if (text.length > MAX_LENGTH) throw new GraphqlError('Query too large');
    const query = parseQuery(text);
    const run = new Run(schema, query, variables, context);
    run.check('Query', query.selections, 1);
    const data = run.answer('Query', query.selections, {}, []);
    return run.errors.length > 0 ? { data, errors: run.errors } : { data };
  } catch (error) {
    if (error instanceof GraphqlError) return { errors: [{ message: error.message }] };
    throw error;
  }
}

class Run<C> {
  readonly errors: { message: string; path: readonly (string | number)[] }[] = [];
  readonly #schema: Schema<C>;
  readonly #query: Query;
  readonly #given: Args;
  readonly #context: C;
  readonly #calls = new Map<object, number>();

  constructor(schema: Schema<C>, query: Query, given: Args, context: C) {
    this.#schema = schema;
    this.#query = query;
    this.#given = given;
    this.#context = context;
  }

  check(typeName: string, selections: readonly Selection[], depth: number): void {
    if (depth > MAX_DEPTH) throw new GraphqlError(`Query has depth of ${depth}, which exceeds max depth of ${MAX_DEPTH}`);
    for (const field of this.#fields(selections)) {
      if (field.name === '__typename') continue;
      const def = this.#def(typeName, field.name);
      if (!def) throw new GraphqlError(`Field '${field.name}' doesn't exist on type '${typeName}'`);
      this.#args(def, field);
      if (def.type === undefined) {
        if (field.selections) throw new GraphqlError(`Selections can't be made on scalars (field '${field.name}')`);
      } else {
        if (!field.selections)
          throw new GraphqlError(`Field must have selections (field '${field.name}' returns ${def.type} but has no selections)`);
        this.check(def.type, field.selections, depth + 1);
      }
    }
  }

  answer(typeName: string, selections: readonly Selection[], source: object, path: readonly (string | number)[]): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    for (const field of this.#fields(selections)) {
      const def = this.#def(typeName, field.name);
      const here = [...path, field.alias];
      out[field.alias] = def ? this.#resolve(def, typeName, field, source, here) : typeName;
    }
    return out;
  }

  #resolve(def: FieldDef<unknown, C>, typeName: string, field: Field, source: object, path: readonly (string | number)[]): unknown {
    try {
      this.#countCall(def, typeName, field);
      return this.#complete(def.type, field, def.resolve(source, this.#args(def, field), this.#context), path);
    } catch (error) {
      if (!(error instanceof GraphqlError)) throw error;
      this.errors.push({ message: error.message, path });
      return null;
    }
  }

  /** lib/gitlab/graphql/limit/field_call_count.rb. */
  #countCall(def: FieldDef<unknown, C>, typeName: string, field: Field): void {
    if (def.callLimit === undefined) return;
    const calls = (this.#calls.get(def) ?? 0) + 1;
    this.#calls.set(def, calls);
    if (calls > def.callLimit) {
      throw new GraphqlError(`"${field.name}" field can be requested only for ${def.callLimit} ${typeName}(s) at a time.`);
    }
  }

  #complete(type: string | undefined, field: Field, value: unknown, path: readonly (string | number)[]): unknown {
    if (value === undefined || value === null) return null;
    if (type === undefined) return value;
    if (Array.isArray(value)) return value.map((item, i) => this.#complete(type, field, item, [...path, i]));
    return this.answer(type, field.selections ?? [], Object(value), path);
  }

  #def(typeName: string, name: string): FieldDef<unknown, C> | undefined {
    const type: Readonly<Record<string, FieldDef<never, C>>> = this.#schema.types[typeName] ?? {};
    return Object.hasOwn(type, name) ? type[name] : undefined;
  }

  /** Fragments are unfolded; their types are not looked at, since the sandbox has neither interfaces nor unions. */
  #fields(selections: readonly Selection[]): readonly Field[] {
    return selections.flatMap((selection): readonly Field[] => {
      if (selection.kind === 'field') return [selection];
      if (selection.kind === 'inline') return this.#fields(selection.selections);
      const fragment = this.#query.fragments.get(selection.name);
      if (!fragment) throw new GraphqlError(`Fragment ${selection.name} was used, but not defined`);
      return this.#fields(fragment);
    });
  }

  #args(def: FieldDef<unknown, C>, field: Field): Args {
    const types = def.args ?? {};
    const out: Record<string, unknown> = {};
    for (const [name, value] of field.args) {
      const type = Object.hasOwn(types, name) ? types[name] : undefined;
      if (type === undefined) throw new GraphqlError(`Field '${field.name}' doesn't accept argument '${name}'`);
      const known = this.#value(value, type, name);
      if (known !== undefined && known !== null) out[name] = known;
    }
    for (const [name, type] of Object.entries(types)) {
      if (type.endsWith('!') && out[name] === undefined)
        throw new GraphqlError(`Field '${field.name}' is missing required arguments: ${name}`);
    }
    return out;
  }

  #value(value: Value, type: string, arg: string): unknown {
    if (value.kind === 'variable') return this.#variable(value.name, type, arg);
    return this.#literal(value, type, arg);
  }

  #variable(name: string, type: string, arg: string): unknown {
    const variable = this.#query.variables.find((v) => v.name === name);
    if (!variable) throw new GraphqlError(`Variable $${name} is used by query but not declared`);
    if (!fits(variable.type, type, variable.fallback !== undefined)) {
      throw new GraphqlError(`Type mismatch on variable $${name} and argument ${arg} (${variable.type} / ${type})`);
    }
    const given = this.#given[name];
    if (given === undefined && variable.fallback) return this.#literal(variable.fallback, variable.type, arg);
    if (given === undefined || given === null) {
      if (variable.type.endsWith('!')) throw invalid(name, variable.type);
      return undefined;
    }
    if (!this.#isA(given, bare(type))) throw invalid(name, variable.type);
    return given;
  }

  #literal(value: Value, type: string, arg: string): unknown {
    const wanted = bare(type);
    if (value.kind === 'list' && wanted.startsWith('[')) return value.items.map((item) => this.#value(item, wanted.slice(1, -1), arg));
    const plain = value.kind === 'enum' ? value.name : value.kind === 'literal' ? value.value : undefined;
    if (plain === null) return null;
    const element = wanted.startsWith('[') ? bare(wanted.slice(1, -1)) : wanted;
    // A name stands for a value of an enumeration, and nothing else does.
    if (plain === undefined || (value.kind === 'enum') !== Object.hasOwn(this.#schema.enums, element) || !this.#isA(plain, element)) {
      throw new GraphqlError(`Argument '${arg}' has an invalid value. Expected type '${type}'.`);
    }
    return wanted.startsWith('[') ? [plain] : plain;
  }

  #isA(value: unknown, type: string): boolean {
    if (type.startsWith('[')) return Array.isArray(value) && value.every((item) => this.#isA(item, bare(type.slice(1, -1))));
    if (type === 'Int') return Number.isInteger(value);
    if (type === 'Boolean') return typeof value === 'boolean';
    if (typeof value !== 'string') return type === 'ID' && Number.isInteger(value);
    return this.#schema.enums[type]?.includes(value) ?? true;
  }
}

function invalid(name: string, type: string): GraphqlError {
  return new GraphqlError(`Variable $${name} of type ${type} was provided invalid value`);
}

function bare(type: string): string {
  return type.endsWith('!') ? type.slice(0, -1) : type;
}

/** May a variable of type `have` stand where `want` is expected? */
function fits(have: string, want: string, hasDefault: boolean): boolean {
  if (want.endsWith('!') && !have.endsWith('!') && !hasDefault) return false;
  const [inner, outer] = [bare(have), bare(want)];
  if (inner.startsWith('[') && outer.startsWith('[')) return fits(inner.slice(1, -1), outer.slice(1, -1), false);
  return inner === outer;
}
