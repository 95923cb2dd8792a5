import {
  coerceInputValue, getOperationAST, GraphQLError, isInputType, Kind, parse, typeFromAST, validate,
  type DocumentNode, type GraphQLSchema, type OperationDefinitionNode,
} from 'graphql';
import { badInput, ERROR_CODES, isRefusal, refusal, type FieldFault } from '../core/errors.js';

/** More tokens than any honest document has; parsing stops there. */
export const LARGEST_DOCUMENT_TOKENS = 5_000;
/** Documents of sockets and event streams that are kept parsed and validated. */
const CACHED_DOCUMENTS = 500;
/** Faults of one request that are named; a hostile one has no end of them. */
const MOST_FAULTS = 50;

/**
 * Checks the variables against the operation before it runs. Throws BAD_USER_INPUT with every fault at once, by its path
 * in the input and without the value: graphql-js itself would stop there with messages that repeat it.
 */
export function checkVariables(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Readonly<Record<string, unknown>>): void {
  const faults: FieldFault[] = [];
  for (const definition of operation.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    if (!isInputType(type)) continue;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined && (definition.defaultValue || definition.type.kind !== Kind.NON_NULL_TYPE)) continue;
    coerceInputValue(value, type, (path, _invalid, error) => {
      if (faults.length < MOST_FAULTS) faults.push({ path: inputPath(name, path), code: codeOf(error), message: messageOf(error) });
    });
  }
  if (faults.length > 0) throw atRequest(badInput(faults));
}

/** `input` is the name that every mutation's argument has: paths of the contract begin below it. */
function inputPath(variable: string, path: readonly (string | number)[]): string {
  return (variable === 'input' && path.length > 0 ? path : [variable, ...path]).join('.');
}

function codeOf(error: GraphQLError): string {
  if (/was not provided|non-nullable/.test(error.message)) return 'required';
  return /is not defined by type/.test(error.message) ? 'unknown_field' : 'invalid';
}

function messageOf(error: GraphQLError): string {
  if (isRefusal(error.originalError)) return error.originalError.message;
  if (isRefusal(error)) return error.message;
  const code = codeOf(error);
  if (code === 'required') return 'A value is required here.';
  if (code === 'unknown_field') return 'The input has no field of this name.';
  const kind = /(?:Expected type|in) "([A-Za-z]+)/.exec(error.message)?.[1] ?? /^([A-Z][A-Za-z]+) cannot represent/.exec(error.message)?.[1];
  return kind ? `Expected a value of type ${kind}.` : 'The value does not fit the schema.';
}

/** A request that is refused before it runs has the status of its refusal (GraphQL over HTTP). */
function atRequest(error: GraphQLError): GraphQLError {
  error.extensions['http'] = { status: ERROR_CODES.BAD_USER_INPUT.statusCode };
  return error;
}

/** An operation of a socket or an event stream, ready to run. */
export interface Prepared {
  document: DocumentNode;
  operation: OperationDefinitionNode;
}

/** Parses and validates what comes by socket or event stream, with the same rules and errors as over HTTP. */
export class Operations {
  #documents = new Map<string, DocumentNode | readonly GraphQLError[]>();

  constructor(private readonly schema: GraphQLSchema) {}

  /** @returns what to run, or why not. Mutations run over HTTP only. */
  prepare(query: unknown, operationName: string | null | undefined, variables: Readonly<Record<string, unknown>> | null | undefined): Prepared | readonly GraphQLError[] {
    if (typeof query !== 'string') return [refusal('BAD_REQUEST', 'The request has no query.')];
    const document = this.#document(query);
    if (Array.isArray(document)) return document as readonly GraphQLError[];
    const operation = getOperationAST(document as DocumentNode, operationName);
    if (!operation) return [refusal('BAD_REQUEST', 'Name one operation of the document with operationName.')];
    if (operation.operation === 'mutation') return [refusal('OPERATION_NOT_ALLOWED', 'Mutations run over HTTP only: POST them to /graphql.')];
    try {
      checkVariables(this.schema, operation, variables ?? {});
    } catch (error) {
      return [error as GraphQLError];
    }
    return { document: document as DocumentNode, operation };
  }

  #document(query: string): DocumentNode | readonly GraphQLError[] {
    const known = this.#documents.get(query);
    if (known) return known;
    const document = this.#parse(query);
    const oldest = this.#documents.keys().next();
    if (this.#documents.size >= CACHED_DOCUMENTS && !oldest.done) this.#documents.delete(oldest.value);
    this.#documents.set(query, document);
    return document;
  }

  #parse(query: string): DocumentNode | readonly GraphQLError[] {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: LARGEST_DOCUMENT_TOKENS });
    } catch (error) {
      return [new GraphQLError((error as GraphQLError).message, { extensions: { code: 'GRAPHQL_PARSE_FAILED' } })];
    }
    const errors = validate(this.schema, document);
    if (errors.length === 0) return document;
    return errors.map((error) => (isRefusal(error) ? error : new GraphQLError(error.message, { nodes: error.nodes ?? null, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } })));
  }
}
