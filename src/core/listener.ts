import { Client } from 'pg';

/** A subscription to a channel of NOTIFY. */
export interface Listener {
  close(): Promise<void>;
}

const FIRST_RETRY_MILLISECONDS = 100;
const LONGEST_RETRY_MILLISECONDS = 2_000;
const CONNECTION_TIMEOUT_MILLISECONDS = 5_000;
/** A connection that died in silence is noticed by a statement this often. */
const HEARTBEAT_MILLISECONDS = 5_000;

/**
 * Holds one connection for LISTEN and renews it whenever it breaks. `onGap` runs after each (re)connection,
 * because what was notified in between was not heard.
 */
export async function listenPostgreSql(url: string, channel: string, onPayload: (payload: string) => void, onGap: () => void): Promise<Listener> {
  let closed = false;
  let client: Client | null = null;
  let retry: NodeJS.Timeout | undefined;
  let delay = FIRST_RETRY_MILLISECONDS;

  const connect = async (): Promise<void> => {
    const next = new Client({ connectionString: url, connectionTimeoutMillis: CONNECTION_TIMEOUT_MILLISECONDS, query_timeout: CONNECTION_TIMEOUT_MILLISECONDS, keepAlive: true });
    const reconnect = (): void => {
      if (closed || client !== next) return;
      client = null;
      next.end().catch(() => undefined);
      retry = setTimeout(() => void connect().catch(() => undefined), delay);
      delay = Math.min(delay * 2, LONGEST_RETRY_MILLISECONDS);
    };
    client = next;
    next.on('error', reconnect);
    next.on('end', reconnect);
    next.on('notification', (message) => onPayload(message.payload ?? ''));
    try {
      await next.connect();
      await next.query(`listen "${channel}"`);
    } catch (error) {
      reconnect();
      throw error;
    }
    delay = FIRST_RETRY_MILLISECONDS;
    onGap();
  };

  await connect();
  const heartbeat = setInterval(() => client?.query('select 1').catch((error: Error) => client?.emit('error', error)), HEARTBEAT_MILLISECONDS);
  return {
    close: async () => {
      closed = true;
      clearInterval(heartbeat);
      clearTimeout(retry);
      await client?.end().catch(() => undefined);
    },
  };
}
