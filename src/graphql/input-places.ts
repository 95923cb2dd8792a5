import {
  isNonNullType, Kind, parse, separateOperations, TypeInfo, visit, visitWithTypeInfo, type ASTNode, type DocumentNode, type GraphQLError, type GraphQLSchema, type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';

/** Where a value stands in the arguments of a field: names of arguments and fields, indexes of lists. */
export type Place = readonly (string | number)[];

/** `input` is the argument of every mutation: the paths of the contract begin below it. */
export function pathOf(place: Place): string {
  return (place[0] === 'input' && place.length > 1 ? place.slice(1) : place).join('.');
}

/** Where each variable of an operation is first used. */
export function variablePlaces(operation: ASTNode): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  eachValue(operation, (value, place) => {
    if (value.kind === Kind.VARIABLE && !places.has(value.name.value)) places.set(value.name.value, place);
  });
  return places;
}

/**
 * The variables that may be null by their own type and are used where null is not taken, each with where it is first used: a default, of
 * the variable or of the place, lets them be left out (GraphQL, "All Variable Usages Are Allowed").
 */
export function variablesNeverNull(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): ReadonlyMap<string, Place> {
  const nullable = (operation.variableDefinitions ?? []).filter(({ type }) => type.kind !== Kind.NON_NULL_TYPE).map(({ variable }) => variable.name.value);
  if (nullable.length === 0) return new Map();
  const own = separateOperations(document)[operation.name?.value ?? ''] ?? document;
  const [types, found] = [new TypeInfo(schema), new Set<string>()];
  visit(own, visitWithTypeInfo(types, { Variable: ({ name }) => void (isNonNullType(types.getInputType()) && found.add(name.value)) }));
  const places = variablePlaces(own);
  return new Map(nullable.filter((name) => found.has(name)).map((name) => [name, places.get(name) ?? [name]]));
}

/** Where the literal, or the field of one, stands that an error of validation is about; null when it is about none. */
export function literalPlace(error: GraphQLError): Place | null {
  const start = error.positions?.[0];
  if (error.source === undefined || start === undefined) return null;
  let found: Place | null = null;
  // The error knows the place in the text alone, so the text is read again: only ever for a refusal.
  eachValue(parse(error.source.body), (value, place) => {
    if (value.loc?.start === start) found = place;
    if (value.kind !== Kind.OBJECT) return;
    for (const field of value.fields) if (field.loc?.start === start) found = [...place, field.name.value];
  });
  return found;
}

function eachValue(root: ASTNode, see: (value: ValueNode, place: Place) => void): void {
  visit(root, {
    Argument: ({ name, value }) => {
      walk(value, [name.value], see);
      return false;
    },
  });
}

function walk(value: ValueNode, place: Place, see: (value: ValueNode, place: Place) => void): void {
  see(value, place);
  if (value.kind === Kind.LIST) value.values.forEach((item, index) => walk(item, [...place, index], see));
  if (value.kind === Kind.OBJECT) value.fields.forEach((field) => walk(field.value, [...place, field.name.value], see));
}
