import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';

// Subscribers by the thousand in one process: raw sockets that look for the beginnings of frames and at the clock, and nothing else.

/** How subscriptions come. */
export type Carriage = 'graphql-ws' | 'SSE';

/** One subscription, on a connection of its own. */
export interface Subscription {
  carriage: Carriage;
  authorization: string;
  query: string;
  variables: Readonly<Record<string, unknown>>;
}

/** What the process is told: to open subscriptions, so many at once, which are to have so many events (0: none yet); or to expect events. */
export type Command = { open: { url: string; subscriptions: readonly Subscription[]; atOnce: number; expect: number } } | { arm: { events: number } };

/** When (milliseconds of the monotonic clock) each subscriber had what was expected; empty where nothing is yet. */
export interface Report {
  times: number[];
}

const MARKER = Buffer.from('"type":"next"');
const EVENT = Buffer.from('event: next\n');
/** The id of the query that follows a subscription, and where an id is in a frame: {"id":"…. */
const FENCE = 'm';
const ID_AT = 7;
const FIN_TEXT = 0x81;
const PING = 0x89;
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const MASKED = 0x80;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const subscribers: Subscriber[] = [];
let expected = 0;
let waiting = 0;
let times: number[] = [];

function arrived(): void {
  times.push(now());
  waiting -= 1;
  if (waiting === 0) process.send?.({ times } satisfies Report);
}

/** A client's frame, masked with zeros as RFC 6455 has it. */
function masked(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = FIN_TEXT;
  header[1] = MASKED | 126;
  header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

class Subscriber {
  readonly #socket: Socket;
  readonly #subscription: Subscription;
  seen = 0;
  #rest: Buffer | null = null;
  #stands: () => void = () => undefined;
  readonly standing = new Promise<void>((resolve) => (this.#stands = resolve));
  #open = false;

  constructor(url: URL, subscription: Subscription) {
    this.#subscription = subscription;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on('close', () => {
      throw new Error('A subscriber was cut off');
    });
    this.#socket.on('data', (data) => this.#take(data));
    this.#socket.write(subscription.carriage === 'SSE' ? this.#post(url) : this.#upgrade(url));
  }

  get #operation(): string {
    const { query, variables } = this.#subscription;
    return JSON.stringify({ query, variables });
  }

  #post(url: URL): string {
    const body = this.#operation;
    return `POST /graphql/stream HTTP/1.1\r\nhost: ${url.host}\r\naccept: text/event-stream\r\ncontent-type: application/json\r\nauthorization: ${this.#subscription.authorization}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  #upgrade(url: URL): string {
    const key = createHash('md5').update(String(Math.random())).digest('base64');
    return `GET /graphql HTTP/1.1\r\nhost: ${url.host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n`;
  }

  #take(data: Buffer): void {
    const text = this.#rest ? Buffer.concat([this.#rest, data]) : data;
    this.#rest = null;
    if (this.#subscription.carriage === 'SSE') this.#takeStream(text);
    else if (this.#open) this.#takeFrames(text);
    else this.#takeHandshake(text);
  }

  #takeHandshake(data: Buffer): void {
    const end = data.indexOf('\r\n\r\n');
    if (end === -1) return void (this.#rest = data);
    if (!data.toString('latin1', 0, 12).endsWith('101')) throw new Error(`Refused: ${data.toString('latin1', 0, 200)}`);
    this.#open = true;
    this.#socket.write(masked(JSON.stringify({ type: 'connection_init', payload: { authorization: this.#subscription.authorization } })));
    this.#takeFrames(data.subarray(end + 4));
  }

  #takeFrames(data: Buffer): void {
    let at = 0;
    for (;;) {
      if (data.length < at + 2) break;
      const short = data[at + 1]! & 0x7f;
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (data.length < at + header) break;
      const length = short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : data.readUIntBE(at + 4, 6);
      const end = at + header + length;
      if (data.length < end) break;
      if (data[at] === PING) this.#socket.write(PONG);
      else if (data[at] === FIN_TEXT) this.#takeText(data.subarray(at + header, end));
      at = end;
    }
    if (at < data.length) this.#rest = Buffer.from(data.subarray(at));
  }

  #takeText(text: Buffer): void {
    if (text.indexOf(MARKER) === -1) {
      if (text.includes('"error"')) throw new Error(text.toString());
      if (text.includes('connection_ack')) this.#subscribe();
      else if (text.includes('"complete"')) this.#stands();
    } else if (text[ID_AT] !== FENCE.charCodeAt(0)) this.#count();
  }

  #subscribe(): void {
    this.#socket.write(masked(`{"id":"1","type":"subscribe","payload":${this.#operation}}`));
    // What is answered to a query that follows a subscription tells that the subscription stands.
    this.#socket.write(masked(JSON.stringify({ id: FENCE, type: 'subscribe', payload: { query: '{ __typename }' } })));
  }

  #takeStream(data: Buffer): void {
    if (!this.#open) {
      if (!data.includes('\r\n\r\n')) return void (this.#rest = data);
      if (!data.toString('latin1', 0, 12).endsWith('200')) throw new Error(`Refused: ${data.toString('latin1', 0, 400)}`);
      this.#open = true;
      this.#stands();
    }
    let last = 0;
    for (let at = data.indexOf(EVENT); at !== -1; at = data.indexOf(EVENT, last)) {
      last = at + EVENT.length;
      this.#count();
    }
    // An event's first line may have been cut in two.
    const tail = data.subarray(Math.max(last, data.length - EVENT.length + 1));
    this.#rest = tail.length > 0 ? Buffer.from(tail) : null;
  }

  #count(): void {
    this.seen += 1;
    if (this.seen === expected) arrived();
  }
}

async function open({ url, subscriptions, atOnce, expect }: Extract<Command, { open: unknown }>['open']): Promise<void> {
  expected = expect;
  waiting = subscriptions.length;
  const target = new URL(url);
  for (let from = 0; from < subscriptions.length; from += atOnce) {
    const opened = subscriptions.slice(from, from + atOnce).map((subscription) => new Subscriber(target, subscription));
    subscribers.push(...opened);
    await Promise.all(opened.map(({ standing }) => standing));
  }
  if (expect === 0) process.send?.({ times: [] } satisfies Report);
}

process.on('message', (command: Command) => {
  if ('open' in command) return void open(command.open);
  expected = command.arm.events;
  waiting = subscribers.length;
  times = [];
  for (const subscriber of subscribers) subscriber.seen = 0;
  process.send?.({ times: [] } satisfies Report);
});
