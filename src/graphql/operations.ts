import { getOperationAST, GraphQLError, Kind, parse, validate, visit, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode, type OperationTypeNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { badInput, isRefusal, refusal } from '../core/errors.js';
import type { LookAhead } from '../core/look-ahead.js';
import { costOf } from './cost.js';
import { lookAheadOf } from './look-ahead.js';
import { literalFaults } from './literal-faults.js';
import { checkVariables, refuseNulls } from './input-faults.js';
import { variablesNeverNull, type Place } from './input-places.js';
import type { Limits } from './limits.js';
import { checkShape, checkTokens, checkVariableShape, tooComplex } from './measure.js';
import { hashOf, type TrustedDocuments } from './trusted-documents.js';

/** Characters of documents that are kept parsed and validated; as syntax trees they take some hundred times as many bytes. */
const CACHED_CHARACTERS = 500_000;
const INTROSPECTION: ReadonlySet<string> = new Set(['__schema', '__type']);

/** How an operation comes. */
export type Transport = 'POST' | 'GET' | 'WebSocket' | 'SSE';

/** What each transport runs, and what it says of the rest. */
const RUNS: Readonly<Record<Transport, readonly string[]>> = {
  POST: ['query', 'mutation'],
  GET: ['query'],
  WebSocket: ['query', 'subscription'],
  SSE: ['query', 'subscription'],
};

/** What a caller asks to run, as it came: nothing of it has been checked. */
export interface Asked {
  query: unknown;
  operationName: string | null;
  variables: Readonly<Record<string, unknown>> | null;
  extensions: unknown;
}

/** An operation that may run. What came by HTTP has variables that have not been compared with the schema: whatever executes it does. */
export interface Prepared {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** What it may cost at most (graphql/cost.ts). */
  cost: number;
  /** How many values its variables have. */
  values: number;
}

/** What operations are checked against, beside the schema. */
export interface OperationRules {
  limits: Limits;
  /** Whether the schema may be asked for. */
  introspection: boolean;
  /** Null: any operation may run. */
  trusted: TrustedDocuments | null;
}

/** The document has no operation of the name that was given, or several and no name was. */
function noOperation(): GraphQLError {
  return refusal('BAD_REQUEST', 'Name one operation of the document with operationName.');
}

/**
 * The one check of what HTTP, WebSocket and SSE are asked to run: trusted documents, limits, syntax, validation and cost,
 * with the same errors on each. The caller has been authenticated.
 */
export class Operations {
  readonly #documents = new LRUCache<string, DocumentNode>({ maxSize: CACHED_CHARACTERS, sizeCalculation: (_document, text) => text.length });
  readonly #lookAheads = new WeakMap<OperationDefinitionNode, LookAhead | null>();
  readonly #neverNull = new WeakMap<OperationDefinitionNode, ReadonlyMap<string, Place>>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly rules: OperationRules,
  ) {}

  /** @returns what to run, or why not. */
  prepare(asked: Asked, transport: Transport): Prepared | readonly GraphQLError[] {
    try {
      const { document, errors } = this.#documentOf(this.#textOf(asked));
      const literals = literalFaults(errors);
      // What fails for its literals alone is rehearsed, so it is looked at further.
      if (errors.length > 0 && !literals) return errors;
      const operation = getOperationAST(document, asked.operationName);
      if (!operation) throw noOperation();
      if (!RUNS[transport].includes(operation.operation)) throw notHere(operation.operation, transport);
      const values = checkVariableShape(asked.variables ?? {}, this.rules.limits);
      const cost = this.#checkedCost(document, operation, asked.variables ?? {});
      const isStream = transport === 'WebSocket' || transport === 'SSE';
      if (literals) return isStream ? [badInput(literals)] : errors;
      refuseNulls(this.#neverNullOf(document, operation), asked.variables ?? {});
      if (isStream) checkVariables(this.schema, operation, asked.variables ?? {});
      return { document, operation, cost, values };
    } catch (error) {
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
  }

  /** What a query will ask below what it begins with; null of anything else. Found once a document. */
  lookAhead({ document, operation }: Prepared): LookAhead | null {
    let known = this.#lookAheads.get(operation);
    if (known === undefined) this.#lookAheads.set(operation, (known = lookAheadOf(this.schema, document, operation)));
    return known;
  }

  /** The text of the document: as it was sent, or the trusted one of the hash that was. */
  #textOf({ query, extensions }: Asked): string {
    const text = typeof query === 'string' && query !== '' ? query : null;
    const hash = persistedHash(extensions);
    if (hash === null) {
      if (text === null) throw refusal('BAD_REQUEST', 'The request has no query.');
      return text;
    }
    if (!this.rules.trusted) throw refusal('PERSISTED_QUERY_NOT_SUPPORTED', 'Persisted queries are not accepted here: send the document.');
    const known = this.rules.trusted.get(hash);
    if (known === undefined) throw refusal('PERSISTED_QUERY_NOT_FOUND', 'No operation of this hash is in the list of trusted documents.');
    if (text !== null && text !== known) throw refusal('BAD_REQUEST', 'The document is not the one of its hash.');
    return known;
  }

  /** A document, and what of it does not fit the schema. */
  #documentOf(text: string): { document: DocumentNode; errors: readonly GraphQLError[] } {
    const known = this.#documents.get(text);
    if (known) return { document: known, errors: [] };
    if (this.rules.trusted && !this.rules.trusted.has(hashOf(text))) {
      throw refusal('OPERATION_NOT_ALLOWED', 'This operation is not in the list of trusted documents, and only these run here.');
    }
    const document = this.#parse(text);
    checkShape(document, this.rules.limits);
    if (!this.rules.introspection) refuseIntrospection(document);
    const errors = validate(this.schema, document, undefined, { hideSuggestions: !this.rules.introspection });
    if (errors.length === 0) this.#documents.set(text, document);
    return { document, errors: errors.map((error) => (isRefusal(error) ? error : withCode(error, 'GRAPHQL_VALIDATION_FAILED'))) };
  }

  #parse(text: string): DocumentNode {
    checkTokens(text, this.rules.limits);
    try {
      return parse(text);
    } catch (error) {
      throw error instanceof GraphQLError ? withCode(error, 'GRAPHQL_PARSE_FAILED') : error;
    }
  }

  #neverNullOf(document: DocumentNode, operation: OperationDefinitionNode): ReadonlyMap<string, Place> {
    let known = this.#neverNull.get(operation);
    if (!known) this.#neverNull.set(operation, (known = variablesNeverNull(this.schema, document, operation)));
    return known;
  }

  #checkedCost(document: DocumentNode, operation: OperationDefinitionNode, variables: Readonly<Record<string, unknown>>): number {
    const { limits } = this.rules;
    const cost = costOf(this.schema, document, operation, variables);
    if (cost > limits.cost) throw tooComplex('cost', limits, `The operation costs ${cost}`);
    return cost;
  }
}

/** The hash of Apollo's persisted queries; null where none came. */
function persistedHash(extensions: unknown): string | null {
  const persisted = (extensions as { persistedQuery?: { sha256Hash?: unknown } | null } | null | undefined)?.persistedQuery;
  if (persisted == null) return null;
  if (typeof persisted.sha256Hash !== 'string') throw refusal('BAD_REQUEST', 'extensions.persistedQuery has no sha256Hash.');
  return persisted.sha256Hash;
}

function refuseIntrospection(document: DocumentNode): void {
  visit(document, {
    Field: ({ name }) => {
      if (INTROSPECTION.has(name.value)) throw refusal('OPERATION_NOT_ALLOWED', 'Introspection is off here. The schema is in schema.graphql of the gateway; INTROSPECTION=true switches introspection on.');
    },
    // No field of the schema stands within arguments or directives.
    [Kind.ARGUMENT]: () => false,
  });
}

function withCode(error: GraphQLError, code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED'): GraphQLError {
  return new GraphQLError(error.message, { nodes: error.nodes ?? null, source: error.source ?? null, positions: error.positions ?? null, originalError: error.originalError ?? null, extensions: { code } });
}

function notHere(operation: OperationTypeNode | `${OperationTypeNode}`, transport: Transport): GraphQLError {
  if (operation === 'subscription') {
    return refusal('OPERATION_NOT_ALLOWED', 'Subscriptions run over WebSocket (graphql-transport-ws) at /graphql, or over Server-Sent Events at /graphql/stream.');
  }
  if (transport === 'GET') return withHttpStatus(refusal('BAD_REQUEST', 'GET runs queries only: POST mutations.'), 405);
  return refusal('OPERATION_NOT_ALLOWED', 'Mutations run over HTTP only: POST them to /graphql.');
}

/** Gives an error another status of HTTP than its code has. */
function withHttpStatus(error: GraphQLError, status: number): GraphQLError {
  error.extensions['http'] = { status };
  return error;
}

/** The status of HTTP of a request that is refused before it runs. */
export function httpStatusOf(errors: readonly GraphQLError[]): number {
  const { http, statusCode } = (errors[0]?.extensions ?? {}) as { http?: { status?: number }; statusCode?: number };
  return http?.status ?? statusCode ?? 400;
}
