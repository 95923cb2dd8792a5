import { CompiledQuery, Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';

/** A statement. With a name each connection prepares it once: its text never changes then. */
export interface Statement {
  name: string | null;
  text: string;
}

/** What came of a statement, as pg says it. */
export interface Answer {
  rows: unknown[];
  command?: string;
  rowCount?: number | null;
}

/** Runs one statement; rows are as the drivers give them, parameters what these take. */
export type Run = (text: string, parameters: readonly unknown[]) => Promise<Answer>;

/** A query builder whose every statement is sent by `run`. */
export function builderOver<Tables>(run: Run): Kysely<Tables> {
  const client = { query: run, release: () => undefined } as unknown as PostgresPoolClient;
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: { options: {}, connect: () => Promise.resolve(client), end: () => Promise.resolve() } }) });
}

/**
 * The statements of one transaction. Their texts are fixed, so that they cost no building, and PostgreSQL prepares them. They take effect in the order in which they are given, also where nobody waits for their
 * answers: those that are given together go out together, and cost one round trip.
 */
export class Statements {
  readonly #sent: Promise<unknown>[] = [];
  #builder: Kysely<never> | undefined;

  constructor(private readonly execute: Run) {}

  /** Runs a statement. @returns its rows. */
  async run<Row>(text: string, parameters: readonly unknown[]): Promise<Row[]> {
    return (await this.#answer(text, parameters)).rows as Row[];
  }

  /** Gives a statement whose answer says nothing. Where it fails, whatever waits for a later one is told so. */
  send(text: string, parameters: readonly unknown[]): void {
    void this.later(text, parameters);
  }

  /** Gives a statement whose answer is wanted once the transaction has ended: to wait for it sooner would cost a round trip. */
  later<Row>(text: string, parameters: readonly unknown[]): Promise<Row[]> {
    const sent = this.execute(text, parameters).then(({ rows }) => rows as Row[]);
    // Whoever waits next hears of it.
    sent.catch(() => undefined);
    this.#sent.push(sent);
    return sent;
  }

  /** A query builder that asks in the same transaction. */
  get builder(): Kysely<never> {
    return (this.#builder ??= builderOver<never>((text, parameters) => this.#answer(text, parameters)));
  }

  /** Waits until all that was sent has been answered. Throws what failed first. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#sent);
    await Promise.all(this.#sent);
  }

  async #answer(text: string, parameters: readonly unknown[]): Promise<Answer> {
    const sentBefore = this.#sent.length;
    try {
      return await this.execute(text, parameters);
    } catch (error) {
      // After a statement that failed none of its transaction does: what failed first says why.
      await Promise.all(this.#sent.slice(0, sentBefore));
      throw error;
    }
  }
}

/** The statements of whatever transaction a query builder is in. */
export function statementsOver(builder: Pick<Kysely<never>, 'executeQuery'>): Statements {
  return new Statements(async (text, parameters) => ({ rows: (await builder.executeQuery(CompiledQuery.raw(text, [...parameters]))).rows }));
}
