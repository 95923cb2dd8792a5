import { getOperationAST, GraphQLError, parse, validate, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import { badInput, isRefusal, refusal } from '../core/errors.js';
import { literalFaults } from './literal-faults.js';
import { checkVariables } from './input-faults.js';

/** More tokens than any honest document has; parsing stops there. */
export const LARGEST_DOCUMENT_TOKENS = 5_000;
/** Documents of sockets and event streams that are kept parsed and validated. */
const CACHED_DOCUMENTS = 500;

/** The document has no operation of the name that was given, or several and no name was. */
export function noOperation(): GraphQLError {
  return refusal('BAD_REQUEST', 'Name one operation of the document with operationName.');
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
    if (!operation) return [noOperation()];
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
    const faults = literalFaults(errors);
    if (faults) return [badInput(faults)];
    return errors.map((error) => (isRefusal(error) ? error : new GraphQLError(error.message, { nodes: error.nodes ?? null, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } })));
  }
}
