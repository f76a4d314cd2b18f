import {
  type DocumentNode,
  execute,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  parse,
  type SelectionSetNode,
  validate,
} from 'graphql';
import type { Args, Viewer } from './find.ts';
import { gitlabMessage } from './messages.ts';
import { SCHEMA } from './schema.ts';

export interface Result {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly path?: readonly (string | number)[] }[];
}
/** A query that may be executed, or why it may not. */
type Checked = { readonly document: DocumentNode } | { readonly refused: Result };

const MAX_LENGTH = 10_000;
const MAX_DEPTH = 20;

/** Clients send the same few texts again and again. */
const MOST_CHECKED = 100;
const checked = new Map<string, Checked>();

/** Refusals are `errors`, never exceptions. */
export function runQuery(text: string, variables: Args, viewer: Viewer): Result {
  const query = checked.get(text) ?? check(text);
  if (checked.size >= MOST_CHECKED) checked.clear();
  checked.set(text, query);
  if ('refused' in query) return query.refused;
  const { document } = query;
  const { data, errors } = execute({ schema: SCHEMA, document, contextValue: viewer, variableValues: variables }) as SyncResult;
  const broken = errors?.find(({ originalError }) => originalError !== undefined && !(originalError instanceof GraphQLError));
  if (broken) throw broken.originalError;
  const words = errors?.map((error) => ({ message: gitlabMessage(error, SCHEMA, document), ...(error.path && { path: error.path }) }));
  return { ...(data !== undefined && { data }), ...(words && { errors: words }) };
}

/** No resolver of ours is asynchronous. */
type SyncResult = Exclude<ReturnType<typeof execute>, Promise<unknown>>;

/** In GitLab's order: length, syntax, schema, limits. */
function check(text: string): Checked {
  if (text.length > MAX_LENGTH) return refuse(['Query too large']);
  let document: DocumentNode;
  try {
    document = parse(text);
  } catch (error) {
    if (error instanceof GraphQLError) return refuse([gitlabMessage(error, SCHEMA)]);
    throw error;
  }
  const wrong = validate(SCHEMA, document);
  if (wrong.length > 0) return refuse(wrong.map((error) => gitlabMessage(error, SCHEMA, document)));
  const depth = depthOf(document);
  if (depth > MAX_DEPTH) return refuse([`Query has depth of ${depth}, which exceeds max depth of ${MAX_DEPTH}`]);
  return { document };
}

function refuse(messages: readonly string[]): Checked {
  return { refused: { errors: messages.map((message) => ({ message })) } };
}

/** Of a valid document, whose fragments therefore exist and do not contain themselves. */
function depthOf({ definitions }: DocumentNode): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const one of definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
  const depth = (set: SelectionSetNode | undefined): number =>
    Math.max(
      0,
      ...(set?.selections ?? []).map((one) => {
        if (one.kind === Kind.FIELD) return 1 + depth(one.selectionSet);
        return depth(one.kind === Kind.FRAGMENT_SPREAD ? fragments.get(one.name.value)?.selectionSet : one.selectionSet);
      }),
    );
  return Math.max(0, ...definitions.map((one) => (one.kind === Kind.OPERATION_DEFINITION ? depth(one.selectionSet) : 0)));
}
