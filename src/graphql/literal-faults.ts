import { getOperationAST, GraphQLError, Kind, parse, parseType, TypeInfo, visit, visitWithTypeInfo, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode, type ValueNode, type VariableDefinitionNode } from 'graphql';
import type { RequestContext } from '../core/context.js';
import { badInput, type FieldFault } from '../core/errors.js';
import { faultCodeOf, faultMessageOf, inputFaults, MOST_FAULTS, unknownField, type Variables } from './input-faults.js';
import { literalPlace, pathOf } from './input-places.js';

/** What graphql-js says of a literal that does not fit: it repeats the literal, which may be personal data. */
const QUOTES_A_VALUE = /^(?:Expected value of type "(?<expected>[^"]+)", found|Enum "(?<enum>\w+)" cannot represent|Value .* does not exist in "(?<words>\w+)" enum|(?<scalar>\w+) cannot represent)/s;
/** What it says of a literal object: a field too many, or one too few. */
const NAMES_A_FIELD = /^Field "(?:\w+\.)?(?<field>\w+)" (?:is not defined by type|of required type)/;

/** What a caller asked to run, beside the document. */
export interface Request {
  operationName: string | null | undefined;
  variables: Variables;
}

/** The fault of a literal in the document, in the words of the contract and without the literal; null for other errors. */
export function literalFault(error: unknown): FieldFault | null {
  if (!(error instanceof GraphQLError) || error.path) return null;
  const quoted = QUOTES_A_VALUE.exec(error.message);
  const named = NAMES_A_FIELD.exec(error.message);
  // A scalar's own fault comes without fields: it does not know where it stands.
  const isScalarFault = error.extensions['code'] === 'BAD_USER_INPUT' && error.extensions['fields'] === undefined;
  if (!quoted && !named && !isScalarFault) return null;
  const place = literalPlace(error);
  const { expected, enum: word, words, scalar } = quoted?.groups ?? {};
  const code = faultCodeOf(error);
  const missing = code === 'required' && named ? [named.groups!['field']!] : [];
  const type = expected ?? word ?? words ?? scalar;
  const message = type && code === 'invalid' ? `Expected a value of type ${type}.` : faultMessageOf(error);
  return { path: place === null ? 'document' : pathOf([...place, ...missing]), code, message };
}

/** The faults of the literals that a document was refused for; null when it was refused for anything else too. */
export function literalFaults(errors: readonly unknown[]): FieldFault[] | null {
  const faults = errors.map((error) => literalFault(error) ?? literalFault((error as GraphQLError | null)?.originalError));
  return faults.length > 0 && faults.every((fault) => fault !== null) ? faults.slice(0, MOST_FAULTS) : null;
}

/**
 * The one refusal of a document that was refused for its literals alone: with the faults of its variables and those of
 * the domain beside them, as of input that comes by variables. Null when the document itself does not fit the schema.
 */
export async function literalRefusal(schema: GraphQLSchema, errors: readonly GraphQLError[], request: Request, context: RequestContext): Promise<GraphQLError | null> {
  const known = literalFaults(errors);
  const source = errors[0]?.source ?? (errors[0]?.originalError as GraphQLError | undefined)?.source;
  if (!known || !source) return null;
  // Only ever for a refusal, so the text is read again here and nowhere kept.
  const document = parse(source.body);
  const operation = getOperationAST(document, request.operationName);
  const found = operation ? await faultsBeside(schema, document, operation, errors, request.variables, context) : [];
  const added = found.filter(({ path }) => !known.some((fault) => fault.path === path));
  return badInput([...known, ...added].slice(0, MOST_FAULTS));
}

/** What else is wrong: the document's arguments are taken for variables, without the literals at fault. */
async function faultsBeside(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, errors: readonly GraphQLError[], variables: Variables, context: RequestContext): Promise<FieldFault[]> {
  const left = new Set(errors.filter((error) => faultCodeOf(error) !== 'required' || unknownField(error).length > 0).map((error) => error.positions?.[0] ?? (error.originalError as GraphQLError | undefined)?.positions?.[0]));
  const hoisted = hoist(schema, document, operation, variables, left);
  return inputFaults(schema, hoisted.document, hoisted.operation, hoisted.variables, context);
}

/** The document with every argument as a variable of its own. What begins at one of the positions `left` is left out. */
function hoist(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Variables, left: ReadonlySet<number | undefined>) {
  const definitions: VariableDefinitionNode[] = [];
  const values: Record<string, unknown> = {};
  const withDefaults = { ...defaultsOf(operation), ...variables };
  const types = new TypeInfo(schema);
  const rewritten = visit(
    { ...document, definitions: document.definitions.filter((definition) => definition.kind !== Kind.OPERATION_DEFINITION || definition === operation) },
    visitWithTypeInfo(types, {
      Argument: (argument) => {
        const type = types.getArgument()?.type;
        if (!type) return undefined;
        const name = `argument${definitions.length}`;
        const variable = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } } as const;
        definitions.push({ kind: Kind.VARIABLE_DEFINITION, variable, type: parseType(String(type)) });
        const value = valueOf(argument.value, withDefaults, left);
        if (value !== undefined) values[name] = value;
        return { ...argument, value: variable };
      },
    }),
  );
  const named = rewritten.definitions.map((definition) => (definition.kind === Kind.OPERATION_DEFINITION ? { ...definition, variableDefinitions: definitions } : definition));
  return { document: { ...rewritten, definitions: named }, operation: named.find((definition) => definition.kind === Kind.OPERATION_DEFINITION)!, variables: values };
}

function defaultsOf(operation: OperationDefinitionNode): Record<string, unknown> {
  const given = (operation.variableDefinitions ?? []).filter(({ defaultValue }) => defaultValue !== undefined);
  return Object.fromEntries(given.map(({ variable, defaultValue }) => [variable.name.value, valueOf(defaultValue!, {}, new Set())]));
}

/** A literal as JSON has it; undefined for what is left out, and for a variable without a value. */
function valueOf(node: ValueNode, variables: Variables, left: ReadonlySet<number | undefined>): unknown {
  if (left.has(node.loc?.start)) return undefined;
  switch (node.kind) {
    case Kind.VARIABLE:
      return variables[node.name.value];
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((value) => valueOf(value, variables, left) ?? null);
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.filter((field) => !left.has(field.loc?.start)).map((field) => [field.name.value, valueOf(field.value, variables, left)]).filter(([, value]) => value !== undefined));
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    default:
      return node.value;
  }
}
