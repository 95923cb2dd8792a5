import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Client } from './client.js';

/** A WebSocket whose frames a test writes itself. */
export class RawSocket {
  readonly messages: { type: string; id?: string; payload?: unknown }[] = [];
  /** With which code it was closed. */
  readonly closed: Promise<number>;
  #waiting: (() => void)[] = [];

  private constructor(readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)));
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  static async open(client: Client, protocol = 'graphql-transport-ws'): Promise<RawSocket> {
    const raw = new RawSocket(new WebSocket(`${client.url.replace(/^http/, 'ws')}/graphql`, protocol));
    await once(raw.socket, 'open');
    return raw;
  }

  /** Open and acknowledged under the client's key. */
  static async connect(client: Client): Promise<RawSocket> {
    const raw = await RawSocket.open(client);
    raw.send({ type: 'connection_init', payload: client.headers });
    await raw.receive(1);
    return raw;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  /** Waits until so many messages have come in all. */
  async receive(count: number): Promise<RawSocket['messages']> {
    while (this.messages.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.messages;
  }
}
