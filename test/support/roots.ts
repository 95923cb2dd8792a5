import { readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isInputObjectType, isInterfaceType, isLeafType, isListType, isNonNullType, isObjectType, type GraphQLArgument, type GraphQLField, type GraphQLInputField, type GraphQLInputType, type GraphQLInterfaceType, type GraphQLNamedType } from 'graphql';

// Every root field of the schema and every value that it takes, so that a suite can try them all and none is forgotten.

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));

export type Operation = 'query' | 'mutation' | 'subscription';

/** A root field of the schema. */
export interface Root {
  operation: Operation;
  name: string;
  field: GraphQLField<unknown, unknown>;
}

/** One value in the arguments of a root field; `path` begins with the argument, and `[]` stands for an item of a list. */
export interface Leaf {
  root: Root;
  path: readonly string[];
  type: GraphQLNamedType;
}

const TYPES = { query: schema.getQueryType()!, mutation: schema.getMutationType()!, subscription: schema.getSubscriptionType()! };

export const ROOTS: readonly Root[] = (Object.keys(TYPES) as Operation[]).flatMap((operation) =>
  Object.values(TYPES[operation].getFields()).map((field) => ({ operation, name: field.name, field })),
);

export const LEAVES: readonly Leaf[] = ROOTS.flatMap((root) => root.field.args.flatMap((argument) => leavesOf(root, argument, [])));

function leavesOf(root: Root, input: GraphQLArgument | GraphQLInputField, above: readonly string[]): Leaf[] {
  const path = [...above, input.name, ...(isList(input.type) ? ['[]'] : [])];
  const type = getNamedType(input.type);
  if (!isInputObjectType(type)) return [{ root, path, type }];
  return Object.values(type.getFields()).flatMap((field) => leavesOf(root, field, path));
}

function isList(type: GraphQLInputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

/** The document that asks a root field with each of its arguments as a variable of the same name. */
export function documentOf({ operation, name, field }: Root, selection = isLeafType(getNamedType(field.type)) ? '' : ' { __typename }'): string {
  if (field.args.length === 0) return `${operation} { ${name}${selection} }`;
  const declared = field.args.map((argument) => `$${argument.name}: ${String(argument.type)}${argument.defaultValue === undefined ? '' : ` = ${JSON.stringify(argument.defaultValue)}`}`).join(', ');
  const passed = field.args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
  return `${operation} (${declared}) { ${name}(${passed})${selection} }`;
}

/** Values for what a root field requires, by the name of the input field; `*` is for all others. */
export type Defaults = Readonly<Record<string, unknown>>;

/** The least that a root field takes. */
export function leastVariables(root: Root, defaults: Defaults): Record<string, unknown> {
  return Object.fromEntries(root.field.args.flatMap((argument) => valueOf(argument, defaults)));
}

function valueOf(input: GraphQLArgument | GraphQLInputField, defaults: Defaults): [string, unknown][] {
  if (!isNonNullType(input.type) || input.defaultValue !== undefined) return [];
  if (input.name in defaults) return [[input.name, defaults[input.name]]];
  const type = getNamedType(input.type);
  if (!isInputObjectType(type) && '*' in defaults) return [[input.name, defaults['*']]];
  if (!isInputObjectType(type)) throw new Error(`No default for ${input.name}`);
  const value = Object.fromEntries(Object.values(type.getFields()).flatMap((field) => valueOf(field, defaults)));
  return [[input.name, isList(input.type) ? [value] : value]];
}

/** The variables with one value set. */
export function withValue(variables: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (key === '[]') return [withValue(Array.isArray(variables) ? variables[0] : undefined, rest, value)];
  const inner = (variables as Record<string, unknown> | undefined)?.[key];
  return { ...(variables as object | undefined), [key]: withValue(inner, rest, value) };
}

/** How a leaf is called in tables and in the names of tests. */
export function nameOf({ root, path }: Leaf): string {
  return `${root.name}(${path.join('.').replaceAll('.[]', '[]')})`;
}

/** Levels of objects that a full selection shows. */
const SHOWN_LEVELS = 3;

/** Everything of a type that takes no argument, as deep as SHOWN_LEVELS. */
function everythingOf(type: GraphQLNamedType, levels: number = SHOWN_LEVELS): string {
  if (isLeafType(type)) return '';
  const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
  const shown = fields
    // An edge shows its node once more.
    .filter((field) => field.name !== 'edges' && field.args.every(({ defaultValue, type: taken }) => !isNonNullType(taken) || defaultValue !== undefined))
    .filter((field) => isLeafType(getNamedType(field.type)) || levels > 0)
    .map((field) => `${field.name}${everythingOf(getNamedType(field.type), levels - 1)}`);
  return ` { ${['__typename', ...shown].join(' ')} }`;
}

/** As `documentOf`, with everything that the field may show. */
export function fullDocumentOf(root: Root): string {
  return documentOf(root, everythingOf(getNamedType(root.field.type)));
}

/** The types that `node` may be. */
export const NODE_TYPES: readonly string[] = schema.getPossibleTypes(schema.getType('Node') as GraphQLInterfaceType).map(({ name }) => name);

/** The document that asks for everything of a node of this type. */
export function nodeDocument(typeName: string): string {
  return `query ($id: ID!) { node(id: $id) { id ... on ${typeName}${everythingOf(schema.getType(typeName)!)} } }`;
}
