import type { Duplex } from 'node:stream';
import { MessageType } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Log } from '../core/log.js';
import type { Told } from './audiences.js';
import type { Deliveries } from './deliveries.js';
import { drained } from './drained.js';
import { formatResult } from './errors.js';

/** What carries the subscriptions of one client. */
export interface Carrier {
  socket: WebSocket;
  /** What the socket writes its frames to, each as a whole. */
  stream: Duplex;
  /** The `x-request-id` of its handshake: that of whatever is said on it. */
  requestId: string;
}

/**
 * The deliveries of a subscription as graphql-ws carries them: an operation that yields nothing until it ends or fails. Its
 * frames go to the socket here, since their payload is the same bytes for a whole audience, and graphql-ws and ws would
 * make them anew for each. The next are asked for when its socket takes more.
 */
export class PouredDeliveries implements AsyncIterableIterator<never> {
  /** What each of its payloads stands behind. */
  readonly #head: Buffer;

  constructor(
    private readonly deliveries: Deliveries,
    private readonly carrier: Carrier,
    /** That the client has given the subscription. */
    id: string,
    private readonly log: Log,
  ) {
    this.#head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":`);
  }

  async next(): Promise<IteratorResult<never, undefined>> {
    await this.deliveries.tell((piece) => this.#send(piece));
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<never, undefined>> {
    this.deliveries.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Writes the frames of a piece, which leave together. */
  #send(piece: readonly Told[]): Promise<void> | undefined {
    const { socket, stream } = this.carrier;
    if (socket.readyState !== socket.OPEN || stream.write(Buffer.concat(piece.flatMap((told) => this.#frame(told))))) return undefined;
    return drained(stream);
  }

  /** A frame in its parts: but for the id the same bytes for the whole audience. */
  #frame(told: Told): readonly Buffer[] {
    const body = told.frame('WebSocket', (json) => `${json}}`) ?? Buffer.from(`${JSON.stringify(formatResult(told.result, this.carrier.requestId, this.log))}}`);
    return [textHeader(this.#head.length + body.length), this.#head, body];
  }
}

/** An unfragmented text frame, and the forms of its length (RFC 6455, 5.2). */
const TEXT = 0x81;
const LONGEST_OF_7_BITS = 125;
const LENGTH_OF_16_BITS = 126;
const LENGTH_OF_64_BITS = 127;

/** The header of a server's text frame. The extension that compresses is not negotiated, so nothing else is to be said. */
function textHeader(length: number): Buffer {
  if (length <= LONGEST_OF_7_BITS) return Buffer.from([TEXT, length]);
  if (length <= 0xffff) return Buffer.from([TEXT, LENGTH_OF_16_BITS, length >> 8, length & 0xff]);
  const header = Buffer.from([TEXT, LENGTH_OF_64_BITS, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
