import { execute, getNamedType, GraphQLError, isAbstractType, Kind, TypeInfo, valueFromASTUntyped, visit, visitWithTypeInfo, type DocumentNode, type ExecutionResult, type FragmentDefinitionNode, type GraphQLSchema, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import type { CompiledQueries } from '../core/config.js';
import { whenLoaded, type RequestContext } from '../core/context.js';
import { fragmentsOf } from './measure.js';
import type { Prepared } from './operations.js';

/** Compiling costs as much as running some tens of times: what is asked once, as by hand, is interpreted. */
const RUNS_BEFORE: Readonly<Record<CompiledQueries, number>> = { often: 5, always: 0, never: Infinity };
/** Fields in all, fragments written out: what is longer would take too long to compile. */
const MOST_FIELDS = 1_000;
/** graphql-jit makes an error of every value that the schema does not take; graphql-js stops at some tens. */
const MOST_VALUES = 500;

type Variables = Readonly<Record<string, unknown>>;

/** How often a query has run and, once that was often enough, its compiled form; null where it is not to be compiled. */
interface Known {
  runs: number;
  compiled: CompiledQuery['query'] | null | undefined;
}

/**
 * Runs operations. Where the configuration says so, a query that is asked again and again is compiled into a function
 * (graphql-jit); everything else is interpreted by graphql-js. What is compiled lives as long as its document is kept, so it is bounded as documents are.
 */
export class Executor {
  readonly #known = new WeakMap<OperationDefinitionNode, Known>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly compiled: CompiledQueries,
  ) {}

  execute({ document, operation, values }: Prepared, variables: Variables, contextValue: RequestContext): Promise<ExecutionResult> | ExecutionResult {
    const compiled = values > MOST_VALUES ? null : this.#compiledOf(document, operation);
    if (compiled) return whenLoaded(compiled(undefined, contextValue, withDefaults(operation, variables)), withOwnErrors);
    return execute({ schema: this.schema, document, operationName: operation.name?.value ?? null, variableValues: variables, contextValue });
  }

  #compiledOf(document: DocumentNode, operation: OperationDefinitionNode): CompiledQuery['query'] | null {
    // Mutations run one after the other and rarely: nothing is gained.
    if (this.compiled === 'never' || operation.operation !== 'query') return null;
    let known = this.#known.get(operation);
    if (!known) this.#known.set(operation, (known = { runs: 0, compiled: undefined }));
    known.runs += 1;
    if (known.compiled === undefined && known.runs > RUNS_BEFORE[this.compiled]) known.compiled = this.#compile(document, operation);
    return known.compiled ?? null;
  }

  #compile(document: DocumentNode, operation: OperationDefinitionNode): CompiledQuery['query'] | null {
    if (fieldsOf(operation.selectionSet, fragmentsOf(document), new Map()) > MOST_FIELDS || isBeyondCompiling(this.schema, document, operation)) return null;
    const compiled = compileQuery(this.schema, document, operation.name?.value ?? '');
    return isCompiledQuery(compiled) ? compiled.query : null;
  }
}

/** Errors as graphql-js makes them: those of graphql-jit lack extensions where what a resolver threw has none. */
function withOwnErrors(result: ExecutionResult): ExecutionResult {
  if (!result.errors) return result;
  const errors = result.errors.map(({ message, locations, path, originalError }) => {
    const error = new GraphQLError(message, { path: path ?? null, originalError: originalError ?? null });
    return locations ? Object.assign(error, { locations }) : error;
  });
  return { ...result, errors };
}

/**
 * Whether graphql-jit would answer otherwise than graphql-js: it does not tell objects of an interface or a union apart as that
 * does, writes a field of this alias as an object's prototype, and has null for a field of an input whose variable is not given.
 */
function isBeyondCompiling(schema: GraphQLSchema, document: DocumentNode, { variableDefinitions = [] }: OperationDefinitionNode): boolean {
  const types = new TypeInfo(schema);
  const mayBeAbsent = new Set(variableDefinitions.filter(({ type, defaultValue }) => type.kind !== Kind.NON_NULL_TYPE && !defaultValue).map(({ variable }) => variable.name.value));
  let found = false;
  visit(document, visitWithTypeInfo(types, {
    Field: ({ alias }) => void (found ||= alias?.value === '__proto__' || isAbstractType(getNamedType(types.getType()))),
    ObjectField: ({ value }) => void (found ||= value.kind === Kind.VARIABLE && mayBeAbsent.has(value.name.value)),
  }));
  return found;
}

/** What graphql-jit does not do where a variable with a default is not null: the default stands for what is not given. */
function withDefaults({ variableDefinitions = [] }: OperationDefinitionNode, variables: Variables): Variables {
  const absent = variableDefinitions.filter(({ variable, defaultValue }) => defaultValue && variables[variable.name.value] === undefined);
  if (absent.length === 0) return variables;
  return { ...variables, ...Object.fromEntries(absent.map(({ variable, defaultValue }) => [variable.name.value, valueFromASTUntyped(defaultValue!)])) };
}

/** How many fields a selection has, fragments written out; each fragment is counted once, however often it is spread. */
function fieldsOf(selectionSet: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>, known: Map<string, number>): number {
  let fields = 0;
  for (const selection of selectionSet.selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const name = selection.name.value;
      const fragment = fragments.get(name);
      if (fragment && !known.has(name)) known.set(name, fieldsOf(fragment.selectionSet, fragments, known));
      fields += known.get(name) ?? 0;
    } else {
      fields += selection.kind === Kind.FIELD ? 1 : 0;
      if (selection.selectionSet) fields += fieldsOf(selection.selectionSet, fragments, known);
    }
  }
  return fields;
}
