import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print, type GraphQLFormattedError } from 'graphql';
import { createClient, type Client as SocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export type Key = string | null;

/** The facts of a refusal: extensions of the contract. */
export interface RefusalFacts {
  code: string;
  statusCode: number;
  requestId: string;
  fields?: { path: string; code: string; message: string }[];
  customerStatus?: string;
  identityStatus?: string | null;
  allowedStatuses?: string[];
  allowedActions?: string[];
  verifiedAt?: string | null;
  [fact: string]: unknown;
}

export interface Answer<Data> {
  status: number;
  headers: Headers;
  data: Data | null | undefined;
  errors: GraphQLFormattedError[] | undefined;
}

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number;
  headers: Headers;
  text: string;
  json: { data?: Record<string, unknown> | null; errors?: { message: string; extensions: RefusalFacts }[] };
}

/** Reads an answer, which is to be JSON whatever was asked. */
export async function rawAnswer(response: Response): Promise<RawAnswer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as RawAnswer['json'] };
}

/** A caller of the gateway over HTTP and WebSocket. */
export class Client {
  constructor(
    readonly url: string,
    readonly key: Key,
  ) {}

  get headers(): Record<string, string> {
    return this.key === null ? {} : { authorization: `Bearer ${this.key}` };
  }

  /** POSTs an operation; files among the variables make it a multipart request. */
  async send<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables, headers: Record<string, string> = {}): Promise<Answer<Data>> {
    const { body, contentType } = encode(print(document), variables);
    const response = await fetch(`${this.url}/graphql`, { method: 'POST', headers: { ...this.headers, ...contentType, ...headers }, body });
    const answer = (await response.json()) as { data?: Data | null; errors?: GraphQLFormattedError[] };
    return { status: response.status, headers: response.headers, data: answer.data, errors: answer.errors };
  }

  /** The data of an operation that succeeds. */
  async request<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
    const { data, errors } = await this.send(document, variables);
    if (errors || !data) throw new Error(`Refused: ${JSON.stringify(errors)}`);
    return data;
  }

  /** The facts of an operation that is refused. */
  async refusal<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<RefusalFacts> {
    const { data, errors } = await this.send(document, variables);
    if (!errors?.[0]) throw new Error(`Not refused: ${JSON.stringify(data)}`);
    return errors[0].extensions as unknown as RefusalFacts;
  }

  /** POSTs whatever there is to /graphql and returns the answer as text too: for what no typed operation can say. */
  async post(body: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return rawAnswer(await fetch(`${this.url}/graphql`, { method: 'POST', headers: { ...this.headers, 'content-type': 'application/json', ...headers }, body: text }));
  }

  /** A WebSocket connection of this caller. Dispose of it at the end. */
  socket(): SocketClient {
    return createClient({
      url: `${this.url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      lazy: true,
      retryAttempts: 0,
      connectionParams: this.key === null ? {} : { authorization: `Bearer ${this.key}` },
    });
  }

  /** Subscribes over WebSocket. The first event may be awaited once this has resolved. */
  async subscribe<Data, Variables extends Record<string, unknown>>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Subscription<Data>> {
    const subscription = new Subscription<Data>(this.socket(), print(document), variables);
    await subscription.established;
    return subscription;
  }
}

/** The events of a subscription, in their order. */
export class Subscription<Data> {
  readonly received: Data[] = [];
  readonly established: Promise<void>;
  #waiting: (() => void)[] = [];
  #failure: unknown;

  constructor(
    private readonly socket: SocketClient,
    query: string,
    variables: Record<string, unknown>,
  ) {
    socket.subscribe<Data>(
      { query, variables },
      {
        next: ({ data, errors }) => {
          if (errors) this.#failure = errors;
          else if (data) this.received.push(data);
          this.#wake();
        },
        error: (error) => {
          this.#failure = error;
          this.#wake();
        },
        complete: () => this.#wake(),
      },
    );
    // The server acknowledges no subscription; what it answers to a query sent after it, on the same socket, comes after.
    this.established = new Promise((resolve, reject) => {
      socket.subscribe({ query: '{ __typename }' }, { next: () => undefined, error: reject, complete: resolve });
    });
  }

  /** Waits until so many events have come. */
  async take(count: number): Promise<Data[]> {
    while (this.received.length < count) {
      if (this.#failure) throw new Error(`Subscription failed: ${JSON.stringify(this.#failure)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.received.slice(0, count);
  }

  /** Waits for the failure of the subscription. */
  async failure(): Promise<unknown> {
    while (!this.#failure) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#failure;
  }

  async close(): Promise<void> {
    await this.socket.dispose();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Encodes an operation as JSON or, with files among the variables, by the GraphQL multipart request specification. */
function encode(query: string, variables: unknown): { body: string | FormData; contentType: Record<string, string> } {
  const files: { path: string; file: Blob }[] = [];
  const withoutFiles = extract(variables, 'variables', files);
  const operations = JSON.stringify({ query, variables: withoutFiles });
  if (files.length === 0) return { body: operations, contentType: { 'content-type': 'application/json' } };
  const form = new FormData();
  form.set('operations', operations);
  form.set('map', JSON.stringify(Object.fromEntries(files.map(({ path }, index) => [index, [path]]))));
  for (const [index, { file }] of files.entries()) form.set(String(index), file);
  return { body: form, contentType: { 'apollo-require-preflight': 'true' } };
}

function extract(value: unknown, path: string, files: { path: string; file: Blob }[]): unknown {
  if (value instanceof Blob) {
    files.push({ path, file: value });
    return null;
  }
  if (Array.isArray(value)) return value.map((item, index) => extract(item, `${path}.${index}`, files));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, extract(item, `${path}.${key}`, files)]));
}
