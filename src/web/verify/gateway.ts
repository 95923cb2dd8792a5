import { Client, fetchExchange, subscriptionExchange, type AnyVariables, type CombinedError, type DocumentInput } from 'urql';
import { createClient, type Client as SocketClient } from 'graphql-ws';
import type { TypedDocumentString } from '../generated/graphql';

export const ENDPOINT = '/graphql';

/** A refusal, as the page needs it. `network`: nobody answered. */
export interface Failure {
  code: string;
  message: string;
  fields: readonly { path: string; code: string; message: string }[];
  retryAfter: number | null;
}

/** A refused or failed operation. */
export class RefusedError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** GraphQL for this page: operations over HTTP, subscriptions over one WebSocket; each with the token of the moment. */
export interface Gateway {
  client: Client;
  socket: SocketClient;
  /** Gets a further token. @returns whether there is one. */
  renew(): Promise<boolean>;
}

export function createGateway(token: () => string | null, renew: () => Promise<boolean>): Gateway {
  const authorization = (): string | undefined => {
    const current = token();
    return current === null ? undefined : `Bearer ${current}`;
  };
  const socket = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}${ENDPOINT}`,
    connectionParams: () => ({ authorization: authorization() }),
    // What was seen last goes along when it connects again, which only the subscriber knows (live.ts).
    retryAttempts: 0,
  });
  const client = new Client({
    url: ENDPOINT,
    preferGetMethod: false,
    fetchOptions: () => {
      const header = authorization();
      return { cache: 'no-store', headers: header === undefined ? {} : { authorization: header } };
    },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? '', variables: variables as Record<string, unknown> }, { ...sink, next: (result) => sink.next(result as Parameters<typeof sink.next>[0]) }) }),
        }),
      }),
    ],
  });
  return { client, socket, renew };
}

/** urql takes operations as text, but its types know of parsed ones alone. */
export function documentOf<Data, Variables>(document: TypedDocumentString<Data, Variables>): DocumentInput<Data, Variables & AnyVariables> {
  return document.toString() as DocumentInput<Data, Variables & AnyVariables>;
}

/** Runs a query or a mutation, with a further token where the one there is has run out. Throws RefusedError. */
export function run<Data, Variables extends object>(gateway: Gateway, document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data> {
  return renewing(gateway, () => runOnce(gateway, document, variables));
}

/** Does something that takes a token; where that has run out, once more with a further one. */
export async function renewing<Result>(gateway: Gateway, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (failureBy(error).code === 'UNAUTHENTICATED' && (await gateway.renew())) return act();
    throw error;
  }
}

/** Runs a query or a mutation with the token of the moment. Throws RefusedError. */
export async function runOnce<Data, Variables extends object>({ client }: Gateway, document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data> {
  const text = document.toString();
  const source = documentOf(document);
  const given = variables as Variables & AnyVariables;
  const result = await (/^\s*mutation/.test(text) ? client.mutation(source, given) : client.query(source, given)).toPromise();
  if (result.error || !result.data) throw new RefusedError(failureOf(result.error));
  return result.data;
}

interface GraphqlFault {
  message: string;
  extensions?: Record<string, unknown> | undefined;
}

function failureOf(error: CombinedError | undefined): Failure {
  return failureOfErrors(error?.graphQLErrors, error?.networkError?.message);
}

/** What an answer's errors say; without any, that nobody answered. */
export function failureOfErrors(errors: readonly GraphqlFault[] | undefined, message = ''): Failure {
  const [first] = errors ?? [];
  if (!first) return { code: 'network', message, fields: [], retryAfter: null };
  const { code, fields, retryAfter } = first.extensions ?? {};
  return {
    code: typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR',
    message: first.message,
    fields: Array.isArray(fields) ? (fields as Failure['fields']) : [],
    retryAfter: typeof retryAfter === 'number' ? retryAfter : null,
  };
}

/** What went wrong, whatever was thrown. */
export function failureBy(thrown: unknown): Failure {
  return thrown instanceof RefusedError ? thrown.failure : { code: 'network', message: String(thrown), fields: [], retryAfter: null };
}
