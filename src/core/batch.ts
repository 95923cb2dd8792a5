import { Query, type PoolClient, type Submittable } from 'pg';
import { serialize } from 'pg-protocol';
import type { Answer, Statement } from './statement.js';
import { isForgotten, namesForgotten } from './statement-names.js';

/** A statement that waits to be sent, and who waits for its answer. */
export interface Asked extends Statement {
  /** As they are written: texts, bytes and null. */
  parameters: unknown[];
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** How the rows of a prepared statement are read. */
interface Shape {
  names: readonly string[];
  parsers: readonly ((text: string) => unknown)[];
}

/** What the driver's queries are made of, as far as it does not declare it. */
interface Wire {
  parsedStatements: Record<string, string>;
  submittedNamedStatements: Record<string, string>;
  stream: { cork(): void; uncork(): void; write(bytes: Buffer): void };
}
interface QueryParts {
  get name(): string;
  set name(name: string);
  get text(): string;
  set text(text: string);
  callback: (error: unknown, answer?: unknown) => void;
  _result: { _types: { getTypeParser(type: number, format: 'text'): (text: string) => unknown } };
  requiresPreparation(): boolean;
  prepare(connection: Wire): void;
  handleRowDescription(message: { fields: { name: string; dataTypeID: number }[] }): void;
  handleDataRow(message: { fields: (string | null)[] }): void;
  handleCommandComplete(message: { text: string }): void;
  handleReadyForQuery(connection: Wire): void;
  handleError(error: unknown, connection: Wire): void;
}
const DriverQuery = Query as unknown as abstract new (text: string, callback: (error: unknown) => void) => Submittable & QueryParts;

const NO_ROWS: Shape = { names: [], parsers: [] };
/** What is known of a connection's prepared statements. */
interface Prepared {
  /** By name: PostgreSQL is asked once what the rows look like, and refuses the statement once they would look otherwise. */
  readonly shapes: Map<string, Shape>;
  /** How many names had been forgotten when what was prepared under such was closed last. */
  forgotten: number;
}
const known = new WeakMap<Wire, Prepared>();

/**
 * Statements that go out together and end in one Sync: one round trip, and one answer (PostgreSQL, "Pipelining" in the extended
 * query protocol). After one that fails the server passes over the rest.
 */
export class Batch extends DriverQuery {
  /** Is told when the transaction has begun that the batch begins, before the rest of it is answered. */
  onBegun: (() => void) | undefined;
  #place = 0;
  #rows: unknown[] = [];
  #shape: Shape | undefined;
  #shapes!: Map<string, Shape>;
  /** What was known when the batch was sent; PostgreSQL was asked for the rest. Another batch may have closed a statement since. */
  #expected: readonly (Shape | undefined)[] = [];
  #unreadable: unknown;
  readonly #answers: Answer[] = [];
  readonly #over = Promise.withResolvers<void>();

  constructor(private readonly asked: readonly Asked[]) {
    super('', () => undefined);
  }

  // The driver notes under these what the server has prepared: they are those of the statement that is being answered.
  override get name(): string {
    return this.#current?.name ?? '';
  }
  override get text(): string {
    return this.#current?.text ?? '';
  }
  // It also sets them, before there is a statement.
  override set name(_name: string) {}
  override set text(_text: string) {}

  get #current(): Asked | undefined {
    return this.asked[this.#place];
  }

  /** Resolves once every statement has been told its answer, or why it has none. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  override requiresPreparation(): boolean {
    return true;
  }

  override prepare(connection: Wire): void {
    const prepared = preparedOver(connection);
    const messages: Buffer[] = prepared.forgotten === namesForgotten() ? [] : closeForgotten(connection, prepared);
    this.#shapes = prepared.shapes;
    this.#expected = this.asked.map(({ name }) => (name === null ? undefined : prepared.shapes.get(name)));
    this.#shape = this.#expected[0];
    for (const [place, { name, text, parameters }] of this.asked.entries()) {
      const statement = name ?? '';
      if (name === null || (connection.parsedStatements[name] ?? connection.submittedNamedStatements[name]) === undefined) messages.push(serialize.parse({ name: statement, text }));
      if (name !== null && connection.parsedStatements[name] === undefined) connection.submittedNamedStatements[name] = text;
      messages.push(serialize.bind({ statement, values: parameters }));
      if (!this.#expected[place]) messages.push(serialize.describe({ type: 'P' }));
      messages.push(serialize.execute());
      // Whether a server is there at all is not to wait for the locks of what follows.
      if (text === 'begin' && this.onBegun) messages.push(serialize.flush());
    }
    messages.push(serialize.sync());
    // As one: each message by itself would cost as much again.
    connection.stream.write(Buffer.concat(messages));
  }

  override handleRowDescription({ fields }: Parameters<QueryParts['handleRowDescription']>[0]): void {
    this.#shape = { names: fields.map(({ name }) => name), parsers: fields.map(({ dataTypeID }) => this._result._types.getTypeParser(dataTypeID, 'text')) };
  }

  override handleDataRow({ fields }: Parameters<QueryParts['handleDataRow']>[0]): void {
    try {
      const { names, parsers } = this.#shape!;
      const row: Record<string, unknown> = {};
      for (let place = 0; place < names.length; place += 1) {
        const text = fields[place];
        row[names[place]!] = text == null ? null : parsers[place]!(text);
      }
      this.#rows.push(row);
    } catch (error) {
      this.#unreadable ??= error;
    }
  }

  override handleCommandComplete({ text }: { text: string }): void {
    const [command = '', ...numbers] = text.split(' ');
    if (command === 'BEGIN') this.onBegun?.();
    this.#answers.push({ rows: this.#rows, command, rowCount: numbers.length > 0 ? Number(numbers.at(-1)) : null });
    const name = this.#current?.name;
    if (name != null && !this.#expected[this.#place]) this.#shapes.set(name, this.#shape ?? NO_ROWS);
    this.#place += 1;
    this.#rows = [];
    this.#shape = this.#expected[this.#place];
  }

  override handleReadyForQuery(): void {
    this.settle(this.#unreadable);
    this.callback(null);
  }

  override handleError(error: unknown, connection: Wire): void {
    // What was passed over has not been prepared.
    for (const { name } of this.asked.slice(this.#place)) if (name !== null) delete connection.submittedNamedStatements[name];
    this.settle(error);
    this.callback(error);
  }

  /** Tells every statement its answer, and one that has none why. */
  settle(error: unknown): void {
    for (const [place, { resolve, reject }] of this.asked.entries()) {
      const answer = this.#answers[place];
      if (answer && this.#unreadable === undefined) resolve(answer);
      else reject(error);
    }
    this.#over.resolve();
  }
}

/** Sends batches, one after another, over a connection that takes what it has yet to answer: in one write, which wakes the server once. */
export function askTogether(client: PoolClient, batches: readonly Batch[]): void {
  const { stream } = (client as unknown as { connection: Wire }).connection;
  stream.cork();
  try {
    for (const batch of batches) client.query(batch);
  } finally {
    stream.uncork();
  }
}

function preparedOver(connection: Wire): Prepared {
  let prepared = known.get(connection);
  if (!prepared) known.set(connection, (prepared = { shapes: new Map(), forgotten: namesForgotten() }));
  return prepared;
}

/** What closes the statements whose names are forgotten. Whoever has yet to send one of them prepares it anew. */
function closeForgotten(connection: Wire, prepared: Prepared): Buffer[] {
  const names = Object.keys(connection.parsedStatements).filter(isForgotten);
  for (const name of names) {
    delete connection.parsedStatements[name];
    prepared.shapes.delete(name);
  }
  prepared.forgotten = namesForgotten();
  return names.map((name) => serialize.close({ type: 'S', name }));
}
