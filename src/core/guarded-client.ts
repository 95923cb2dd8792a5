import { Client, DatabaseError, type ClientConfig } from 'pg';
import { Batch } from './batch.js';
import { nameOf } from './statement-names.js';

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
/** To begin a transaction waits for no lock and reads nothing: a server that does not answer it is not there, and asking once more costs nothing. */
const BEGIN_TIMEOUT = 1_500;
/** A server that has answered over the same connection so lately is taken to be there, and need not say first that a transaction has begun: under load, each would cost an answer more. */
const LATELY = 50;
const BEGIN = /^\s*(begin|start transaction)[\w\s,]*;?\s*$/i;
/** How the queue's statements begin that have their parameters written into them, the same each time. */
const FIXED = /^\s*with\b[^;]*$/i;
/** `feature_not_supported`: also what is said of a statement that was prepared before its table was changed. */
const PREPARED_BEFORE_CHANGE = '0A000';

type Release = (error?: Error | boolean) => void;

/** The connections that are open, of every pool. */
const open = new Set<GuardedClient>();

/**
 * A connection that does not cost its pool more than itself when it breaks.
 *
 * It is given up when the server does not answer in time: the driver alone would put it back into its pool, where the next
 * statement would wait behind the one without an answer. Those that were silent as long go with it: whatever cut one off
 * has mostly cut them all, and each would cost a request its time. And once it has ended it goes back to its pool, whoever
 * holds it: Kysely keeps what fails in BEGIN or ROLLBACK, and a pool whose places are all kept serves nobody ever again.
 *
 * What is asked often is prepared, whoever asks it: to parse and plan a statement costs the server more than most of ours take.
 */
export class GuardedClient extends Client {
  #answeredAt = performance.now();
  #asking = 0;
  #release: Release | undefined;
  #isLent = false;

  constructor(config?: string | ClientConfig) {
    super(config);
    open.add(this);
    // Whoever asks is told by the answer; an error that nobody hears would end the process.
    this.on('error', () => undefined);
    this.once('end', () => {
      open.delete(this);
      if (this.#isLent) this.#release?.(true);
      this.#release = () => undefined;
    });
    const query = this.query.bind(this) as (...parameters: unknown[]) => unknown;
    this.query = ((...parameters: unknown[]) => {
      const [asked] = parameters;
      const isDoubted = !(asked instanceof Batch) || performance.now() - this.#answeredAt >= LATELY;
      const { settle, begun } = this.#ask(isDoubted && isBegin(asked));
      if (asked instanceof Batch && isDoubted) asked.onBegun = begun;
      parameters[0] = prepared(parameters[0], parameters[1]);
      const told = tellFirst(parameters, settle);
      const answer = query(...parameters);
      if (!told && answer instanceof Promise) answer.then(() => settle(undefined), settle);
      return answer;
    }) as Client['query'];
  }

  /** The pool sets it whenever it lends the connection. */
  set release(release: Release) {
    this.#isLent = true;
    this.#release = (error) => {
      this.#isLent = false;
      release(error);
    };
  }

  /** Gives it back, where that has not been done for its holder. */
  get release(): Release | undefined {
    return this.#release;
  }

  /** Waits for an answer. @returns what is to be called when it is there, or will not come, and what as soon as a transaction has begun. */
  #ask(begins: boolean): { settle: (error: unknown) => void; begun: () => void } {
    const askedAt = performance.now();
    let verdict: NodeJS.Immediate | undefined;
    // Where this process was too busy to look, the answer may have come: what has come is read before the verdict.
    const doubt = begins ? setTimeout(() => (verdict = setImmediate(() => this.#giveUp(askedAt))), BEGIN_TIMEOUT) : undefined;
    this.#asking += 1;
    const begun = (): void => {
      clearTimeout(doubt);
      clearImmediate(verdict);
    };
    const settle = (error: unknown): void => {
      this.#asking -= 1;
      begun();
      if (error instanceof Error && error.message === READ_TIMEOUT) this.#giveUp(askedAt);
      // It would be said again and again: the next connection prepares what there is now.
      else if (error instanceof DatabaseError && error.code === PREPARED_BEFORE_CHANGE) this.#cut();
      // A refusal is an answer too.
      else if (!error || error instanceof DatabaseError) this.#answeredAt = performance.now();
    };
    return { settle, begun };
  }

  #giveUp(askedAt: number): void {
    this.#cut();
    for (const other of open) if (other.#asking === 0 && other.#answeredAt < askedAt) other.#cut();
  }

  #cut(): void {
    (this as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}

type Callback = (error: unknown, ...result: unknown[]) => void;

/** Has what is called with an answer, by itself or in a query that is handed to the driver ready made, tell another first. @returns whether there is such a thing. */
function tellFirst(parameters: unknown[], tell: (error: unknown) => void): boolean {
  const telling = (callback: Callback): Callback => (error, ...result) => {
    tell(error);
    callback(error, ...result);
  };
  const [query] = parameters as [{ callback?: unknown } | null];
  if (typeof query === 'object' && typeof query?.callback === 'function') {
    query.callback = telling(query.callback as Callback);
    return true;
  }
  const last = parameters.findIndex((parameter) => typeof parameter === 'function');
  if (last < 0) return false;
  parameters[last] = telling(parameters[last] as Callback);
  return true;
}

function isBegin(statement: unknown): boolean {
  const text = typeof statement === 'string' ? statement : (statement as { text?: unknown } | null)?.text;
  return typeof text === 'string' && BEGIN.test(text);
}

/** A statement under its name, where it has parameters or is fixed; else as it is. */
function prepared(statement: unknown, values: unknown): unknown {
  if (typeof statement !== 'string') return statement;
  const hasParameters = Array.isArray(values) && values.length > 0;
  if (!hasParameters && !FIXED.test(statement)) return statement;
  const { name, text } = nameOf(statement);
  return name === null ? statement : { name, text };
}
