import { Client, type ClientConfig, type QueryResult } from 'pg';

/**
 * Milliseconds. Statements are short; one that is not is ended by the server while the request that waits for it, with
 * whatever it does before and after, can still answer in time, and locks before statements, so that the error says which.
 */
const STATEMENT_TIMEOUT = 4_000;
const LOCK_TIMEOUT = 3_000;
/** Lets the server's own time-out speak first: its error says what happened. */
const QUERY_TIMEOUT = 4_500;
/** For a connection to be made, or to become free in its pool. */
export const CONNECTION_TIMEOUT = 4_000;

/** What every connection to PostgreSQL is held to. */
export const TIMEOUTS = {
  statement_timeout: STATEMENT_TIMEOUT,
  lock_timeout: LOCK_TIMEOUT,
  // A transaction whose process has vanished without a word would keep its locks.
  idle_in_transaction_session_timeout: 2 * STATEMENT_TIMEOUT,
  query_timeout: QUERY_TIMEOUT,
  connectionTimeoutMillis: CONNECTION_TIMEOUT,
  keepAlive: true,
} as const satisfies ClientConfig & { lock_timeout: number };

/** The queue's own upkeep may take longer; nobody waits for its answer. */
const JOB_STATEMENT_TIMEOUT = 8_000;
export const JOB_TIMEOUTS = { ...TIMEOUTS, statement_timeout: JOB_STATEMENT_TIMEOUT, query_timeout: JOB_STATEMENT_TIMEOUT + QUERY_TIMEOUT - STATEMENT_TIMEOUT } as const;

const READ_TIMEOUT = 'Query read timeout';

/** What query builders begin a transaction with. */
const BEGIN = 'begin';
const ENDS: readonly unknown[] = ['commit', 'rollback'];
/** The answer to what the server need not be asked. */
const NOTHING = { command: '', rowCount: null, oid: 0, fields: [], rows: [] } satisfies QueryResult;

type Send = (...parameters: unknown[]) => unknown;

/**
 * A connection that is given up when the server does not answer in time. The driver alone would put it back into its pool,
 * where the next statement would wait behind the one without an answer. A transaction begins with its first statement, and
 * takes no round trip for that.
 */
export class GuardedClient extends Client {
  #isBeginning = false;

  constructor(config?: string | ClientConfig) {
    super(config);
    const send = this.query.bind(this) as Send;
    this.query = ((...parameters: unknown[]) => {
      const answer = this.#isBeginning ? this.#beginWith(send, parameters) : this.#send(send, parameters);
      if (answer instanceof Promise) answer.catch((error: unknown) => endIfSilent(this, error));
      return answer;
    }) as Client['query'];
  }

  #send(send: Send, parameters: unknown[]): unknown {
    if (parameters[0] !== BEGIN) return send(...parameters);
    this.#isBeginning = true;
    return Promise.resolve(NOTHING);
  }

  #beginWith(send: Send, parameters: unknown[]): unknown {
    this.#isBeginning = false;
    const [text, values = []] = parameters;
    if (ENDS.includes(text)) return Promise.resolve(NOTHING);
    if (typeof text === 'string' && Array.isArray(values) && values.length === 0) return (send(`${BEGIN}; ${text}`) as Promise<QueryResult[]>).then((results) => results.at(-1));
    // Statements go out in their order. Where this one fails, so does what follows on the same connection, and says why.
    (send(BEGIN) as Promise<unknown>).catch((error: unknown) => endIfSilent(this, error));
    return send(...parameters);
  }
}

/** Gives a connection up if this error of a query says that the server did not answer it in time. */
export function endIfSilent(client: object, error: unknown): void {
  if (error instanceof Error && error.message === READ_TIMEOUT) (client as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
