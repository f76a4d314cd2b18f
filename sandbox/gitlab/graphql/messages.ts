import {
  type ArgumentNode,
  type ASTNode,
  type ASTVisitor,
  type DocumentNode,
  type FieldNode,
  type GraphQLError,
  type GraphQLSchema,
  print,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';

/** What a node stands in, the innermost of each. */
interface Place {
  readonly operation: string;
  readonly field?: FieldNode;
  readonly argument?: ArgumentNode;
  readonly argumentType?: string;
}
type Wording = readonly [pattern: RegExp, message: (groups: readonly string[], place: Place, node: ASTNode | undefined) => string];

/** GitLab runs graphql-ruby, whose wording our client and people's searches match; the checks are graphql-js'. */
const WORDINGS: readonly Wording[] = [
  [/^Cannot query field "(\w+)" on type "(\w+)"/, ([field, type]) => `Field '${field}' doesn't exist on type '${type}'`],
  [/^Unknown argument "(\w+)" on field "\w+\.(\w+)"/, ([argument, field]) => `Field '${field}' doesn't accept argument '${argument}'`],
  [
    /^Field "(\w+)" argument "(\w+)" of .* is required/,
    ([field, argument]) => `Field '${field}' is missing required arguments: ${argument}`,
  ],
  [
    /^Field "(\w+)" of type "(.+)" must have a selection/,
    ([field, type]) =>
      `Field must have selections (field '${field}' returns ${bare(type)} but has no selections. Did you mean '${field} { ... }'?)`,
  ],
  [
    /^Field "(\w+)" must not have a selection since type "(.+)" has no subfields/,
    ([field, type], { field: node }) =>
      `Selections can't be made on scalars (field '${field}' returns ${bare(type)} but has selections [${selected(node)}])`,
  ],
  [/; (.+ does not represent an instance of [\w:]+)$/, ([message = '']) => message],
  [
    /^(?:Expected value of type|Value ".*" does not exist in|Enum "|\w+ cannot represent)/,
    (_, { field, argument, argumentType }) =>
      `Argument '${argument?.name.value}' on Field '${field?.name.value}' has an invalid value (${argument && print(argument.value)}). Expected type '${argumentType}'.`,
  ],
  [/^Variable "\$(\w+)" is not defined/, ([name], { operation }) => `Variable $${name} is used by ${operation} but not declared`],
  [/^Variable "\$(\w+)" is never used/, ([name], { operation }) => `Variable $${name} is declared by ${operation} but not used`],
  [
    /^Variable "\$(\w+)" of type "(.+)" used in position expecting type "(.+)"/,
    ([name, have, want], { argument }) => `Type mismatch on variable $${name} and argument ${argument?.name.value} (${have} / ${want})`,
  ],
  [
    /^Variable "\$(\w+)" (?:of (?:required|non-null) type|got invalid value)/,
    ([name], _, node) => `Variable $${name} of type ${node?.kind === 'VariableDefinition' && print(node.type)} was provided invalid value`,
  ],
  [/^Unknown fragment "(\w+)"/, ([name]) => `Fragment ${name} was used, but not defined`],
  [/^Fragment "(\w+)" is never used/, ([name]) => `Fragment ${name} was defined, but not used`],
  [/^Syntax Error: .*<EOF>/, () => 'Unexpected end of document'],
];

/** `document` is absent where the query could not be parsed. */
export function gitlabMessage({ message, nodes }: GraphQLError, schema: GraphQLSchema, document?: DocumentNode): string {
  for (const [pattern, wording] of WORDINGS) {
    const match = pattern.exec(message);
    // Of two nodes the first is where a variable is declared, the last where it is used.
    if (match) return wording(match.slice(1), placeOf(nodes?.at(-1), schema, document), nodes?.[0]);
  }
  return message;
}

function placeOf(node: ASTNode | undefined, schema: GraphQLSchema, document: DocumentNode | undefined): Place {
  let place: Place = { operation: 'anonymous query' };
  if (!document || !node) return place;
  const within = (outer: ASTNode) => outer.loc && node.loc && outer.loc.start <= node.loc.start && node.loc.end <= outer.loc.end;
  const types = new TypeInfo(schema);
  const visitor: ASTVisitor = {
    OperationDefinition: (one) => {
      if (within(one) && one.name) place = { ...place, operation: one.name.value };
    },
    Field: (field) => {
      if (within(field)) place = { ...place, field };
    },
    Argument: (argument) => {
      if (within(argument)) place = { ...place, argument, argumentType: String(types.getInputType()) };
    },
  };
  visit(document, visitWithTypeInfo(types, visitor));
  return place;
}

function bare(type = ''): string {
  return type.replace(/!$/, '');
}

function selected(field: FieldNode | undefined): string {
  const selections = field?.selectionSet?.selections ?? [];
  return selections.map((one) => JSON.stringify(one.kind === 'Field' ? one.name.value : print(one))).join(', ');
}
