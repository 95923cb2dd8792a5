import { createClient, type Client as Socket } from 'graphql-ws';
import { WebSocket } from 'ws';

/** Something that keeps the demo from going on, in a sentence for the person at the terminal. */
export class DemoError extends Error {}

/** An operation that the gateway refused, with its code and its facts. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly extensions: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }

  get code(): string {
    return String(this.extensions['code']);
  }
}

interface Answer {
  data?: unknown;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

/** Where the key came from, for the sentence that says that it is wrong. */
export interface Key {
  secret: string;
  source: string;
}

/** graphql-transport-ws: the server closes a socket whose connection it does not accept with this code. */
const FORBIDDEN_CLOSE = 4403;

/** A partner's client of the gateway: operations over HTTP, subscriptions over WebSocket. */
export class GatewayClient {
  #socket: Socket | null = null;

  constructor(
    readonly url: string,
    private readonly key: Key,
  ) {}

  /** Sends an operation; files among the variables make it a multipart request. Throws Refusal with the first error. */
  async ask<Data>(query: string, variables: Readonly<Record<string, unknown>>): Promise<Data> {
    const { body, headers } = encode(query, variables);
    const response = await this.#reach(() =>
      fetch(`${this.url}/graphql`, { method: 'POST', headers: { authorization: `Bearer ${this.key.secret}`, accept: 'application/json', ...headers }, body }),
    );
    const answer = (await response.json().catch(() => null)) as Answer | null;
    if (answer === null || (answer.data === undefined && answer.errors === undefined)) {
      throw new DemoError(`What answers at ${this.url} is not the gateway: set GATEWAY_URL to where it listens.`);
    }
    const refused = answer.errors?.[0];
    if (!refused) return answer.data as Data;
    const refusal = new Refusal(refused.message, refused.extensions ?? {});
    throw refusal.code === 'UNAUTHENTICATED' ? this.#wrongKey() : refusal;
  }

  /** Subscribes over WebSocket. Once it resolves, nothing that happens is missed. */
  async watch<Data>(query: string, variables: Record<string, unknown>, onData: (data: Data) => void, onEnd: (error: Error) => void): Promise<void> {
    this.#socket ??= createClient({
      url: `${this.url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${this.key.secret}` },
    });
    const socket = this.#socket;
    const ended = (cause: unknown): void => onEnd(this.#explain(cause));
    socket.subscribe<Data>(
      { query, variables },
      {
        next: ({ data, errors }) => (errors?.[0] ? ended(errors) : data && onData(data)),
        error: ended,
        complete: () => undefined,
      },
    );
    // A subscription is not acknowledged; the answer to what is sent after it on the same socket shows that it stands.
    await new Promise<void>((resolve, reject) => {
      socket.subscribe({ query: '{ __typename }' }, { next: () => undefined, error: (cause) => reject(this.#explain(cause)), complete: resolve });
    });
  }

  /** Lets go of the socket. */
  async close(): Promise<void> {
    await this.#socket?.dispose();
    this.#socket = null;
  }

  async #reach(send: () => Promise<Response>): Promise<Response> {
    try {
      return await send();
    } catch {
      throw this.#unreachable();
    }
  }

  #explain(cause: unknown): Error {
    if (Array.isArray(cause)) return new DemoError(`The subscription was refused: ${String((cause[0] as { message?: unknown }).message)}`);
    const isForbidden = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === FORBIDDEN_CLOSE;
    return isForbidden ? this.#wrongKey() : this.#unreachable();
  }

  #wrongKey(): DemoError {
    return new DemoError(`The gateway at ${this.url} does not know the key of ${this.key.source}: set API_KEY to the API key that it printed when it started.`);
  }

  #unreachable(): DemoError {
    return new DemoError(`No gateway answers at ${this.url}: start one with \`npm start\`, or set GATEWAY_URL to where it listens.`);
  }
}

/** An operation as JSON or, with files, by the GraphQL multipart request specification. */
function encode(query: string, variables: Readonly<Record<string, unknown>>): { body: string | FormData; headers: Record<string, string> } {
  const files = Object.entries(variables).filter((entry): entry is [string, Blob] => entry[1] instanceof Blob);
  const operations = JSON.stringify({ query, variables: { ...variables, ...Object.fromEntries(files.map(([name]) => [name, null])) } });
  if (files.length === 0) return { body: operations, headers: { 'content-type': 'application/json' } };
  const form = new FormData();
  form.set('operations', operations);
  form.set('map', JSON.stringify(Object.fromEntries(files.map(([name]) => [name, [`variables.${name}`]]))));
  for (const [name, file] of files) form.set(name, file);
  // Shows that no foreign page's form has sent this.
  return { body: form, headers: { 'apollo-require-preflight': 'true' } };
}
