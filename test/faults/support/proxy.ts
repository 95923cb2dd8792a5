import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a proxy does to what passes it. */
export type Weather =
  | { kind: 'clear' }
  /** New connections are refused, old ones cut. */
  | { kind: 'refuse' }
  /** Whatever passes next has its connection reset. */
  | { kind: 'reset' }
  /** Everything is swallowed, and nothing closed. */
  | { kind: 'black hole' }
  /** Each way, in milliseconds. */
  | { kind: 'latency'; milliseconds: number }
  /** Answers come so many bytes at a time, ten times a second. */
  | { kind: 'drip'; bytes: number }
  /** The answer to the next statement that matches is lost with its connection; the server has done it. */
  | { kind: 'lose reply'; statement: RegExp };

/** Messages of a PostgreSQL client: a type, and a length that counts itself. The first has no type. */
class Statements {
  #pending = Buffer.alloc(0);
  #started = false;
  /** What is prepared, by name. */
  #texts = new Map<string, string>();

  /** The texts of the statements that these bytes have run: simple ones (Query), and prepared ones by their names (Bind). */
  read(chunk: Buffer): string[] {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const texts: string[] = [];
    for (;;) {
      const header = this.#started ? 5 : 4;
      if (this.#pending.length < header) return texts;
      const length = this.#pending.readUInt32BE(header - 4) + header - 4;
      if (this.#pending.length < length) return texts;
      const type = this.#started ? String.fromCharCode(this.#pending[0]!) : '';
      const [first = '', second = ''] = this.#pending.subarray(header, length).toString('utf8').split('\0', 2);
      if (type === 'P') this.#texts.set(first, second);
      if (type === 'Q') texts.push(first);
      if (type === 'B') texts.push(this.#texts.get(second) ?? '');
      this.#started = true;
      this.#pending = this.#pending.subarray(length);
    }
  }
}

/** Milliseconds between two drops. */
const DROP = 100;

/** One way of a connection: what enters it late leaves it late, and never before what entered earlier, whatever the weather has become. */
class Way {
  #waiting: { bytes: Buffer; at: number }[] = [];
  #isMoving = false;

  constructor(private readonly to: Socket) {}

  pass(chunk: Buffer, weather: Weather): void {
    const now = performance.now();
    if (weather.kind === 'drip') {
      const first = Math.max(now, this.#waiting.at(-1)?.at ?? 0);
      for (let start = 0, turn = 1; start < chunk.length; start += weather.bytes, turn += 1) {
        this.#waiting.push({ bytes: chunk.subarray(start, start + weather.bytes), at: first + turn * DROP });
      }
    } else {
      this.#waiting.push({ bytes: chunk, at: weather.kind === 'latency' ? now + weather.milliseconds : now });
    }
    if (!this.#isMoving) this.#move();
  }

  #move(): void {
    while (this.#waiting[0] && this.#waiting[0].at <= performance.now()) this.to.write(this.#waiting.shift()!.bytes);
    const next = this.#waiting[0];
    this.#isMoving = next !== undefined;
    if (next) setTimeout(() => this.#move(), next.at - performance.now());
  }
}

/** Stands between the gateway and PostgreSQL, and makes the weather. */
export class Proxy {
  #server: Server;
  #pairs = new Set<[Socket, Socket]>();
  #weather: Weather = { kind: 'clear' };
  /** How many answers it has lost. */
  lost = 0;

  private constructor(private readonly targetPort: number) {
    this.#server = createServer((client) => this.#carry(client));
  }

  static async before(targetPort: number): Promise<Proxy> {
    const proxy = new Proxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    if (weather.kind === 'refuse') for (const pair of this.#pairs) this.#cut(pair);
  }

  #carry(client: Socket): void {
    if (this.#weather.kind === 'refuse') return void client.resetAndDestroy();
    const server = connect(this.targetPort, '127.0.0.1');
    const pair: [Socket, Socket] = [client, server];
    this.#pairs.add(pair);
    const statements = new Statements();
    const [toClient, toServer] = [new Way(client), new Way(server)];
    let losesReply = false;
    // Who was swallowed once stays so: a black hole does not give back what fell in.
    let isSwallowed = false;
    for (const socket of pair) socket.setNoDelay().on('error', () => this.#cut(pair)).on('close', () => !isSwallowed && this.#cut(pair));
    client.on('data', (chunk: Buffer) => {
      const texts = statements.read(chunk);
      const weather = this.#weather;
      if (weather.kind === 'lose reply' && texts.some((text) => weather.statement.test(text))) {
        losesReply = true;
        this.#weather = { kind: 'clear' };
      }
      if (weather.kind === 'reset') return this.#reset(pair);
      if (weather.kind === 'black hole') isSwallowed = true;
      if (!isSwallowed) toServer.pass(chunk, weather.kind === 'drip' ? { kind: 'clear' } : weather);
    });
    server.on('data', (chunk: Buffer) => {
      if (losesReply) {
        this.lost += 1;
        return this.#reset(pair);
      }
      if (this.#weather.kind === 'reset') return this.#reset(pair);
      if (this.#weather.kind === 'black hole') isSwallowed = true;
      if (!isSwallowed) toClient.pass(chunk, this.#weather);
    });
  }

  #reset(pair: [Socket, Socket]): void {
    pair[0].resetAndDestroy();
    // The server is to finish what it was given.
    pair[1].end();
    this.#pairs.delete(pair);
  }

  #cut(pair: [Socket, Socket]): void {
    for (const socket of pair) socket.destroy();
    this.#pairs.delete(pair);
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) this.#cut(pair);
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
