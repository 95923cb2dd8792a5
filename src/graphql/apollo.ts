import { HeaderMap, type ApolloServerPlugin, type GraphQLRequestContextResponseForOperation, type GraphQLRequestContextWillSendResponse, type GraphQLResponse } from '@apollo/server';
import { buildSchema, parse, type DocumentNode, type GraphQLError } from 'graphql';
import type { RequestContext } from '../core/context.js';
import type { Log } from '../core/log.js';
import { formatError } from './errors.js';
import { canonicalRequest, IDEMPOTENCY_REPLAYED, keyFault } from './idempotency.js';
import { inputRefusal } from './input-faults.js';
import { literalRefusal } from './literal-faults.js';
import { httpStatusOf, type Prepared } from './operations.js';
import { currentRequestId, type Transports } from './server.js';

/** What Apollo is handed in the place of every document, so that it parses and validates none itself. */
const PLACEHOLDER: DocumentNode = parse('{ __typename }');
/** And in the place of the schema, of which it asks nothing then: to print and hash the real one would take each start a twentieth of a second. */
export const placeholderSchema = buildSchema('type Query { placeholder: Boolean }');

const BAD_REQUEST = 400;
const METHOD_NOT_ALLOWED = 405;

/** Apollo's cache of parsed documents: it always has the placeholder. */
export const placeholderStore = {
  get: () => Promise.resolve(PLACEHOLDER),
  set: () => Promise.resolve(),
  delete: () => Promise.resolve(),
};

/**
 * Puts the operation into the place of the placeholder once it has passed the checks that all transports share; or answers
 * why it did not, and of input that the schema does not take, what the domain says of the rest.
 */
export function operationsChecked({ schema, operations, executor, log }: Pick<Transports, 'schema' | 'operations' | 'executor' | 'log'>): ApolloServerPlugin<RequestContext> {
  const responseForOperation = async (requested: GraphQLRequestContextResponseForOperation<RequestContext>): Promise<GraphQLResponse | null> => {
    const { request, source, contextValue } = requested;
    const variables = request.variables ?? {};
    const prepared = operations.prepare({ query: source, operationName: request.operationName ?? null, variables, extensions: null }, request.http?.method === 'GET' ? 'GET' : 'POST');
    const accept = request.http?.headers.get('accept');
    if (!isPrepared(prepared)) {
      const gathered = await literalRefusal(schema, prepared, { operationName: request.operationName, variables }, contextValue);
      return refused(gathered ? [gathered] : prepared, accept, log);
    }
    const { document, operation } = prepared;
    const keyed = operation.operation === 'mutation' ? contextValue.caller.idempotency : undefined;
    const fault = keyed && keyFault(keyed, document, operation);
    if (fault) return refused([fault], accept, log);
    contextValue.lookAhead = operations.lookAhead(prepared);
    if (keyed) keyed.request = canonicalRequest(document, operation, variables);
    const { data, errors } = await executor.execute(prepared, variables, contextValue);
    // Nothing has run: the schema does not take the variables.
    const unfit = data === undefined ? await inputRefusal(schema, document, operation, variables, contextValue) : null;
    if (unfit) return refused([unfit], accept, log);
    const shown = errors ? { errors: errors.map((error) => formatError(error, currentRequestId(), log)) } : {};
    return { http: { ...(data === undefined ? { status: BAD_REQUEST } : {}), headers: new HeaderMap() }, body: { kind: 'single', singleResult: { ...shown, ...(data === undefined ? {} : { data }) } } };
  };
  const willSendResponse = async ({ response, contextValue }: GraphQLRequestContextWillSendResponse<RequestContext>): Promise<void> => {
    if (contextValue.caller.idempotency?.replayed) response.http.headers.set(IDEMPOTENCY_REPLAYED, 'true');
  };
  return { requestDidStart: () => Promise.resolve({ responseForOperation, willSendResponse }) };
}

function isPrepared(prepared: Prepared | readonly GraphQLError[]): prepared is Prepared {
  return 'document' in prepared;
}

/**
 * Who asks for application/json by name, and not for application/graphql-response+json, is answered 200 whatever became
 * of its operation (GraphQL over HTTP, 6.4.1): its errors say what did. A GET that is no query was no such operation.
 */
function refused(errors: readonly GraphQLError[], accept: string | undefined, log: Log): GraphQLResponse {
  const isLegacy = accept !== undefined && /application\/json/i.test(accept) && !/application\/graphql-response\+json/i.test(accept);
  const isWrongMethod = httpStatusOf(errors) === METHOD_NOT_ALLOWED;
  const status = isLegacy && !isWrongMethod ? 200 : httpStatusOf(errors);
  const headers = new HeaderMap(isWrongMethod ? [['allow', 'POST']] : []);
  return { http: { status, headers }, body: { kind: 'single', singleResult: { errors: errors.map((error) => formatError(error, currentRequestId(), log)) } } };
}
