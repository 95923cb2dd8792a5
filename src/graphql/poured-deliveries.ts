import type { Duplex } from 'node:stream';
import { MessageType } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Log } from '../core/log.js';
import type { Told } from './audiences.js';
import type { Deliveries } from './deliveries.js';
import { formatResult } from './errors.js';

/** What carries the subscriptions of one client. */
export interface Carrier {
  socket: WebSocket;
  /** What the socket's frames are written to. */
  stream: Duplex;
  /** The `x-request-id` of its handshake: that of whatever is said on it. */
  requestId: string;
}

/**
 * The deliveries of a subscription as graphql-ws carries them: an operation that yields nothing until it ends or fails. Its
 * frames go to the socket here, since their payload is the same text for a whole audience and graphql-ws would make it
 * anew for each. The next are asked for when these have left.
 */
export class PouredDeliveries implements AsyncIterableIterator<never> {
  readonly #head: string;

  constructor(
    private readonly deliveries: Deliveries,
    private readonly carrier: Carrier,
    /** That the client has given the subscription. */
    id: string,
    private readonly log: Log,
  ) {
    this.#head = `{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":`;
  }

  async next(): Promise<IteratorResult<never, undefined>> {
    try {
      for (let piece = await this.deliveries.next(); piece; piece = await this.deliveries.next()) await this.#send(piece);
      return { done: true, value: undefined };
    } finally {
      this.deliveries.end();
    }
  }

  return(): Promise<IteratorResult<never, undefined>> {
    this.deliveries.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Resolved when the frames have left; they leave together. */
  #send(piece: readonly Told[]): Promise<void> {
    const { socket, stream } = this.carrier;
    return new Promise((resolve) => {
      if (socket.readyState !== socket.OPEN) return resolve();
      stream.cork();
      piece.forEach((told, index) => socket.send(this.#frame(told), index === piece.length - 1 ? () => resolve() : undefined));
      stream.uncork();
    });
  }

  #frame(told: Told): string {
    return `${this.#head}${told.json ?? JSON.stringify(formatResult(told.result, this.carrier.requestId, this.log))}}`;
  }
}
