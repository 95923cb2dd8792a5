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
    if (socket.readyState !== socket.OPEN || stream.write(this.#framesOf(piece))) return undefined;
    return drained(stream);
  }

  /** The frames of a piece: but for the id the same bytes for the whole audience. */
  #framesOf(piece: readonly Told[]): Buffer {
    const bodies = piece.map((told) => told.frame('WebSocket', (json) => `${json}}`) ?? Buffer.from(`${JSON.stringify(formatResult(told.result, this.carrier.requestId, this.log))}}`));
    const frames = Buffer.allocUnsafe(bodies.reduce((room, body) => room + this.#frameLength(body), 0));
    let at = 0;
    for (const body of bodies) {
      at = writeTextHeader(frames, at, this.#head.length + body.length);
      frames.set(this.#head, at);
      frames.set(body, at + this.#head.length);
      at += this.#head.length + body.length;
    }
    return frames;
  }

  #frameLength(body: Buffer): number {
    const length = this.#head.length + body.length;
    return textHeaderLength(length) + length;
  }
}

/** An unfragmented text frame, and the forms of its length (RFC 6455, 5.2). */
const TEXT = 0x81;
const LONGEST_OF_7_BITS = 125;
const LENGTH_OF_16_BITS = 126;
const LONGEST_OF_16_BITS = 0xffff;
const LENGTH_OF_64_BITS = 127;

/** So long is the header of a text frame of this length. */
function textHeaderLength(length: number): number {
  if (length <= LONGEST_OF_7_BITS) return 2;
  return length <= LONGEST_OF_16_BITS ? 4 : 10;
}

/** Writes the header of a server's text frame. The extension that compresses is not negotiated, so nothing else is to be said. @returns where it ends. */
function writeTextHeader(frames: Buffer, at: number, length: number): number {
  frames[at] = TEXT;
  if (length <= LONGEST_OF_7_BITS) return frames.writeUInt8(length, at + 1);
  if (length <= LONGEST_OF_16_BITS) {
    frames[at + 1] = LENGTH_OF_16_BITS;
    return frames.writeUInt16BE(length, at + 2);
  }
  frames[at + 1] = LENGTH_OF_64_BITS;
  return frames.writeBigUInt64BE(BigInt(length), at + 2);
}
