import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';

/** How a receiver treats one request. */
export type Treatment = { status: number; headers?: Record<string, string>; body?: string } | 'hang' | 'reset';

/** What an organization is told, in either of its forms. */
export interface ReceivedEvent {
  id: string;
  type?: string;
  event?: string;
  sequence: number;
  customer_id?: string;
  payload?: { customerId?: string; [key: string]: unknown };
  [key: string]: unknown;
}

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  event: ReceivedEvent;
  treatment: Treatment;
}

const OK: Treatment = { status: 204 };

/** A partner's server. It keeps all that it is sent and treats it as a test says. */
export class Receiver {
  readonly received: Received[] = [];
  treat: (event: ReceivedEvent, path: string) => Treatment = () => OK;
  #server: Server;
  #waiting: (() => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => void receiver.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  url(path = '/'): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** What was answered with success, in the order of the answers. */
  get taken(): Received[] {
    return this.received.filter(({ treatment }) => typeof treatment === 'object' && treatment.status < 300);
  }

  /** Waits until something holds of what was received. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const event = JSON.parse(body) as ReceivedEvent;
    const path = request.url ?? '';
    const treatment = this.treat(event, path);
    this.received.push({ path, headers: request.headers, body, event, treatment });
    if (treatment === 'reset') request.socket.resetAndDestroy();
    else if (treatment !== 'hang') response.writeHead(treatment.status, treatment.headers).end(treatment.body);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Verifies a request by both libraries, at the moment that a clock shows. Throws when either refuses it. */
export function verify(secret: string, { headers, body }: Pick<Received, 'headers' | 'body'>, now: Date): void {
  const real = Date.now;
  // The libraries take no clock of ours. Nothing else runs in between.
  Date.now = () => now.getTime();
  try {
    new StandardWebhook(secret).verify(body, headers as Record<string, string>);
    new SvixWebhook(secret).verify(body, headers as Record<string, string>);
  } finally {
    Date.now = real;
  }
}

/** The customer that an event is about. */
export function customerOf(event: ReceivedEvent): string | undefined {
  return event.customer_id ?? event.payload?.customerId;
}

/** A clock that a test moves; it goes on by itself too. */
export class MovableClock {
  #offset = 0;

  now = (): Date => new Date(Date.now() + this.#offset);

  advance(milliseconds: number): void {
    this.#offset += milliseconds;
  }
}
