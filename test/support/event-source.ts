import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import type { Client } from './client.js';

/** One event of a stream, as the wire has it. */
export interface StreamedEvent<Data> {
  event: string;
  id: string | null;
  data: { data?: Data | null; errors?: { message: string; extensions: Record<string, unknown> }[] } | null;
}

/** A stream of Server-Sent Events, read line by line as a browser would. */
export class EventSource<Data> {
  #events: AsyncGenerator<StreamedEvent<Data>, void>;

  private constructor(
    readonly response: Response,
    private readonly abort: AbortController,
  ) {
    this.#events = parse<Data>(response);
  }

  /** Resolves when the server has answered: the subscription is then acknowledged. */
  static async open<Data, Variables>(client: Client, document: TypedDocumentNode<Data, Variables>, variables: Variables, headers: Record<string, string> = {}): Promise<EventSource<Data>> {
    const abort = new AbortController();
    const response = await fetch(`${client.url}/graphql/stream`, {
      method: 'POST',
      headers: { ...client.headers, accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: print(document), variables }),
      signal: abort.signal,
    });
    return new EventSource<Data>(response, abort);
  }

  /** The next event; null when the stream has ended. */
  async next(): Promise<StreamedEvent<Data> | null> {
    const { done, value } = await this.#events.next();
    return done ? null : value;
  }

  async take(count: number): Promise<StreamedEvent<Data>[]> {
    const taken: StreamedEvent<Data>[] = [];
    while (taken.length < count) {
      const event = await this.next();
      if (!event) throw new Error(`The stream ended after ${taken.length} of ${count} events`);
      taken.push(event);
    }
    return taken;
  }

  /** Cuts the connection. */
  close(): void {
    this.abort.abort();
  }
}

async function* parse<Data>(response: Response): AsyncGenerator<StreamedEvent<Data>, void> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string): string | null => lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1).trim() ?? null;
      const event = field('event');
      if (event !== null) yield { event, id: field('id'), data: field('data') ? JSON.parse(field('data')!) : null };
    }
  }
}
