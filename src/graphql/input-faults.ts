import { coerceInputValue, execute, isInputType, Kind, typeFromAST, type DocumentNode, type GraphQLError, type GraphQLInputType, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import type { RequestContext } from '../core/context.js';
import { badInput, ERROR_CODES, isRefusal, type FieldFault } from '../core/errors.js';
import { pathOf, variablePlaces, type Place } from './input-places.js';

/** Faults of one request that are named; a hostile one has no end of them. */
export const MOST_FAULTS = 50;

const NOT_NULL = 'Null is not taken here: leave it out, or give a value.';

export type Variables = Readonly<Record<string, unknown>>;

/** A value that the schema does not take, and where it stands in the variables. */
interface SchemaFault {
  place: Place;
  fault: FieldFault;
}

/**
 * What of the variables the schema does not take: every fault at once, by its path in the input and without the value.
 * graphql-js itself would stop there with messages that repeat it.
 */
export function schemaFaults(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Variables, document: DocumentNode | null = null): SchemaFault[] {
  const faults: SchemaFault[] = [];
  // Fragments use an operation's variables too. Nearly always there is no fault, and nobody asks.
  let known: ReadonlyMap<string, Place> | undefined;
  const placesOf = (name: string): Place | undefined => (known ??= new Map([...(document ? variablePlaces(document) : []), ...variablePlaces(operation)])).get(name);
  for (const definition of operation.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    if (!isInputType(type)) continue;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined && (definition.defaultValue || definition.type.kind !== Kind.NON_NULL_TYPE)) continue;
    for (const { path, error } of faultsOf(value, type, MOST_FAULTS - faults.length)) {
      const place = [name, ...path, ...namedField(error)];
      faults.push({ place, fault: { path: pathOf([...(placesOf(name) ?? [name]), ...place.slice(1)]), code: faultCodeOf(error), message: faultMessageOf(error) } });
    }
  }
  return faults;
}

/** Made once: the stack of each would cost more than looking for faults. */
const ENOUGH = new Error('enough');

/** The first so many faults of a value. graphql-js goes through the whole of it: what is enough is thrown out of it. */
function faultsOf(value: unknown, type: GraphQLInputType, most: number): { path: Place; error: GraphQLError }[] {
  const found: { path: Place; error: GraphQLError }[] = [];
  try {
    coerceInputValue(value, type, (path, _value, error) => {
      if (found.length >= most) throw ENOUGH;
      found.push({ path, error });
    });
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  return found;
}

/** Refuses variables that the schema does not take, before anything runs. Throws BAD_USER_INPUT. */
export function checkVariables(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Variables): void {
  const faults = schemaFaults(schema, operation, variables);
  if (faults.length > 0) throw beforeExecution(badInput(faults.map(({ fault }) => fault)));
}

/** Refuses null for a variable that is used where null is not taken: graphql-js would find that only where it runs. Throws BAD_USER_INPUT. */
export function refuseNulls(neverNull: ReadonlyMap<string, Place>, variables: Variables): void {
  const nulls = [...neverNull].filter(([name]) => Object.hasOwn(variables, name) && variables[name] === null);
  if (nulls.length > 0) throw beforeExecution(badInput(nulls.map(([, place]) => ({ path: pathOf(place), code: 'required', message: NOT_NULL }))));
}

/**
 * Why an operation did not run whose variables the schema does not take; null where they are not why. Beside the schema's
 * faults it has the domain's: the operation is rehearsed without the values that the schema does not take, so that a caller
 * hears of everything at once, whichever layer finds it.
 */
export async function inputRefusal(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Variables, context: RequestContext): Promise<GraphQLError | null> {
  if (schemaFaults(schema, operation, variables).length === 0) return null;
  return beforeExecution(badInput(await inputFaults(schema, document, operation, variables, context)));
}

/** The faults that the schema finds in the variables, and those that the domain finds in the rest. */
export async function inputFaults(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Variables, context: RequestContext): Promise<FieldFault[]> {
  const faults = schemaFaults(schema, operation, variables, document);
  const known = faults.map(({ fault }) => fault);
  const found = operation.operation === 'subscription' ? [] : await rehearse(schema, document, operation, without(variables, faults), context);
  const added = found.filter(({ path }) => !known.some((fault) => fault.path === path));
  return [...known, ...added].slice(0, MOST_FAULTS);
}

/** The faults that the domain finds in what the schema does take. Nothing of a rehearsal is kept. */
async function rehearse(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Variables, context: RequestContext): Promise<FieldFault[]> {
  if (schemaFaults(schema, operation, variables).length > 0) return [];
  const result = await execute({ schema, document, operationName: operation.name?.value ?? null, variableValues: variables, contextValue: context.rehearsal() });
  return (result.errors ?? []).flatMap(({ originalError }) => {
    const fields = isRefusal(originalError) ? originalError.extensions['fields'] : undefined;
    return Array.isArray(fields) ? (fields as FieldFault[]) : [];
  });
}

/** The variables without the values at fault. What is read of a value is copied; the values themselves are shared. */
function without(variables: Variables, faults: readonly SchemaFault[]): Variables {
  let result: unknown = variables;
  for (const { place } of faults) result = remove(result, place);
  return result as Variables;
}

function remove(value: unknown, [key, ...rest]: Place): unknown {
  if (typeof value !== 'object' || value === null || key === undefined) return value;
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === key ? (rest.length > 0 ? remove(item, rest) : null) : item));
  const { [key]: inner, ...others } = value as Record<string | number, unknown>;
  return rest.length > 0 ? { ...others, [key]: remove(inner, rest) } : others;
}

/** A field that the type does not have is reported at its object. */
export function unknownField(error: GraphQLError): string[] {
  const name = /^Field "([_A-Za-z][_0-9A-Za-z]*)" is not defined by type/.exec(error.message)?.[1];
  return name === undefined ? [] : [name];
}

/** So is one that it has to have and that is not there. */
function namedField(error: GraphQLError): string[] {
  const missing = /^Field "([_A-Za-z][_0-9A-Za-z]*)" of required type/.exec(error.message)?.[1];
  return missing === undefined ? unknownField(error) : [missing];
}

/** The code of a fault that graphql-js finds. */
export function faultCodeOf(error: GraphQLError): string {
  if (/was not provided|to be not null|non-nullable|, found null\.$/i.test(error.message)) return 'required';
  return unknownField(error).length > 0 ? 'unknown_field' : 'invalid';
}

/** What is said of a fault that graphql-js finds: never the value. */
export function faultMessageOf(error: GraphQLError): string {
  if (isRefusal(error.originalError)) return error.originalError.message;
  // A document's refusal has a code too; its words are graphql-js's.
  if (isRefusal(error) && error.extensions.code === 'BAD_USER_INPUT') return error.message;
  const code = faultCodeOf(error);
  if (code === 'required') return 'A value is required here.';
  if (code === 'unknown_field') return 'The input has no field of this name.';
  const type = /(?:Expected type|in) "([A-Za-z]+)/.exec(error.message)?.[1] ?? /^([A-Z][A-Za-z]+) cannot represent/.exec(error.message)?.[1];
  return type ? `Expected a value of type ${type}.` : 'The value does not fit the schema.';
}

/** A request that is refused before it runs has the status of its refusal (GraphQL over HTTP). */
function beforeExecution(error: GraphQLError): GraphQLError {
  error.extensions['http'] = { status: ERROR_CODES.BAD_USER_INPUT.statusCode };
  return error;
}
