import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { WebSocket } from 'ws';
import type { Client } from './client.js';

/** What a stream of Server-Sent Events brings, in its order; read by hand, as a client without our library would. */
export class EventStream<Data> {
  readonly received: Data[] = [];
  #text = '';
  #done = false;

  private constructor(
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly abort: AbortController,
  ) {}

  static async open<Data, Variables>(client: Client, document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<EventStream<Data>> {
    const abort = new AbortController();
    const response = await fetch(`${client.url}/graphql/stream`, {
      method: 'POST',
      headers: { ...client.headers, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: print(document), variables }),
      signal: abort.signal,
    });
    if (response.status !== 200 || !response.body) throw new Error(`Refused: ${response.status} ${await response.text()}`);
    return new EventStream<Data>(response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>, abort);
  }

  /** Waits until so many events have come. */
  async take(count: number): Promise<Data[]> {
    const decoder = new TextDecoder();
    while (this.received.length < count && !this.#done) {
      const { value, done } = await this.reader.read();
      this.#done = done;
      this.#text += decoder.decode(value, { stream: true });
      this.#parse();
    }
    return this.received.slice(0, count);
  }

  close(): void {
    this.abort.abort();
  }

  #parse(): void {
    const messages = this.#text.split('\n\n');
    this.#text = messages.pop() ?? '';
    for (const message of messages) {
      const data = /^event: next$/m.test(message) ? /^data: (.*)$/m.exec(message)?.[1] : undefined;
      if (data !== undefined) this.received.push((JSON.parse(data) as { data: Data }).data);
    }
  }
}

/** A WebSocket whose frames are written and read by hand. */
export class RawSocket {
  readonly frames: { type: string; id?: string; payload?: unknown }[] = [];
  #waiting: (() => void)[] = [];
  #closed: { code: number; reason: string } | null = null;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as RawSocket['frames'][number]);
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString() };
      this.#wake();
    });
    socket.on('error', () => undefined);
  }

  static async open(client: Client, protocol = 'graphql-transport-ws'): Promise<RawSocket> {
    const socket = new WebSocket(`${client.url.replace(/^http/, 'ws')}/graphql`, protocol);
    const raw = new RawSocket(socket);
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return raw;
  }

  /** Says who is asking, and waits for the answer. */
  async init(client: Client): Promise<void> {
    this.send({ type: 'connection_init', payload: client.headers });
    await this.frame('connection_ack');
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** Waits for a frame of this type. */
  async frame(type: string): Promise<RawSocket['frames'][number]> {
    for (;;) {
      const found = this.frames.find((frame) => frame.type === type);
      if (found) return found;
      if (this.#closed) throw new Error(`Closed: ${this.#closed.code} ${this.#closed.reason}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Waits for whatever comes next. */
  async next(): Promise<void> {
    if (this.#closed) throw new Error(`Closed: ${this.#closed.code} ${this.#closed.reason}`);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Waits for the other side to close it. */
  async closed(): Promise<{ code: number; reason: string }> {
    while (!this.#closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#closed;
  }

  close(): void {
    this.socket.close();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
