import { Client } from 'pg';

/** A subscription to a channel of NOTIFY. */
export interface Listener {
  close(): Promise<void>;
}

/** Who listens to a channel. `onGap` runs after each (re)connection: what was notified in between was not heard. */
interface Ear {
  channel: string;
  onPayload(payload: string): void;
  onGap(): void;
}

const FIRST_RETRY_MILLISECONDS = 100;
const LONGEST_RETRY_MILLISECONDS = 2_000;
const CONNECTION_TIMEOUT_MILLISECONDS = 5_000;
/** A connection that died in silence is noticed by a statement this often. */
const HEARTBEAT_MILLISECONDS = 5_000;

/**
 * Holds one connection for all that is listened to, and renews it whenever it breaks: each commit that notifies wakes every
 * connection that listens, whatever it listens to.
 */
export class ListeningConnection {
  readonly #ears = new Set<Ear>();
  #client: Client | null = null;
  #connecting: Promise<void> | null = null;
  #retry: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #delay = FIRST_RETRY_MILLISECONDS;

  constructor(private readonly url: string) {}

  async listen(channel: string, onPayload: (payload: string) => void, onGap: () => void): Promise<Listener> {
    const ear: Ear = { channel, onPayload, onGap };
    this.#ears.add(ear);
    try {
      await (this.#connecting ??= this.#connect());
      // A connection that was there before has yet to hear of this channel; one that breaks meanwhile takes it up when it is renewed.
      await this.#client?.query(`listen "${channel}"`);
    } catch (error) {
      await this.#leave(ear);
      throw error;
    }
    onGap();
    return { close: () => this.#leave(ear) };
  }

  async #leave(ear: Ear): Promise<void> {
    this.#ears.delete(ear);
    if (this.#ears.size > 0) return;
    const client = this.#client;
    this.#client = null;
    this.#connecting = null;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#retry);
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const next = new Client({ connectionString: this.url, connectionTimeoutMillis: CONNECTION_TIMEOUT_MILLISECONDS, query_timeout: CONNECTION_TIMEOUT_MILLISECONDS, keepAlive: true });
    const renew = (): void => this.#renew(next);
    this.#client = next;
    next.on('error', renew);
    next.on('end', renew);
    next.on('notification', ({ channel, payload }) => {
      for (const ear of this.#ears) if (ear.channel === channel) ear.onPayload(payload ?? '');
    });
    try {
      await next.connect();
      for (const channel of new Set([...this.#ears].map((ear) => ear.channel))) await next.query(`listen "${channel}"`);
    } catch (error) {
      renew();
      throw error;
    }
    // Nobody listens any longer.
    if (this.#client !== next) return;
    this.#delay = FIRST_RETRY_MILLISECONDS;
    this.#heartbeat = setInterval(() => next.query('select 1').catch((error: Error) => next.emit('error', error)), HEARTBEAT_MILLISECONDS);
  }

  #renew(broken: Client): void {
    if (this.#client !== broken) return;
    this.#client = null;
    clearInterval(this.#heartbeat);
    broken.end().catch(() => undefined);
    this.#retry = setTimeout(() => {
      this.#connecting = this.#connect();
      this.#connecting.then(
        () => {
          for (const ear of this.#ears) ear.onGap();
        },
        () => undefined,
      );
    }, this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_RETRY_MILLISECONDS);
  }
}
