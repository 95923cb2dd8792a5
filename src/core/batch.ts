import { Query, type Submittable } from 'pg';
import type { Statement } from './scoped-reads.js';
import type { Answer } from './statement.js';

/** A statement that waits to be sent, and who waits for its answer. */
export interface Asked extends Statement {
  /** As they are written: texts, bytes and null. */
  parameters: readonly unknown[];
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
  stream: { cork(): void; uncork(): void };
  parse(message: { name: string; text: string }): void;
  bind(message: { portal: string; statement: string; values: readonly unknown[] }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: { portal: string }): void;
  flush(): void;
  sync(): void;
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
  handleCommandComplete(message: { text: string }, connection: Wire): void;
  handleReadyForQuery(connection: Wire): void;
  handleError(error: unknown, connection: Wire): void;
}
const DriverQuery = Query as unknown as abstract new (text: string, callback: (error: unknown) => void) => Submittable & QueryParts;

const NO_ROWS: Shape = { names: [], parsers: [] };
/** By connection and name of statement: PostgreSQL is asked once what its rows look like, and refuses it once they would look otherwise. */
const shapes = new WeakMap<Wire, Map<string, Shape>>();

/**
 * Statements that go out together and end in one Sync: one round trip, and one answer (PostgreSQL, "Pipelining" in the extended
 * query protocol). After one that fails the server passes over the rest.
 */
export class Batch extends DriverQuery {
  /** Is told when the transaction has begun that the batch begins. */
  onBegun: () => void = () => undefined;
  #place = 0;
  #rows: unknown[] = [];
  #shape: Shape | undefined;
  #unreadable: unknown;
  readonly #answers: Answer[] = [];

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

  override requiresPreparation(): boolean {
    return true;
  }

  override prepare(connection: Wire): void {
    const known = shapesOf(connection);
    this.#shape = known.get(this.#current?.name ?? '');
    for (const { name, text, parameters } of this.asked) {
      const statement = name ?? '';
      if (name === null || (connection.parsedStatements[name] ?? connection.submittedNamedStatements[name]) === undefined) connection.parse({ name: statement, text });
      if (name !== null && connection.parsedStatements[name] === undefined) connection.submittedNamedStatements[name] = text;
      connection.bind({ portal: '', statement, values: parameters });
      if (name === null || !known.has(name)) connection.describe({ type: 'P', name: '' });
      connection.execute({ portal: '' });
      // Whether a server is there at all is not to wait for the locks of what follows.
      if (text === 'begin') connection.flush();
    }
    connection.sync();
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

  override handleCommandComplete({ text }: { text: string }, connection: Wire): void {
    const [command = '', ...numbers] = text.split(' ');
    if (command === 'BEGIN') this.onBegun();
    this.#answers.push({ rows: this.#rows, command, rowCount: numbers.length > 0 ? Number(numbers.at(-1)) : null });
    const name = this.#current?.name;
    if (name != null && !shapesOf(connection).has(name)) shapesOf(connection).set(name, this.#shape ?? NO_ROWS);
    this.#place += 1;
    this.#rows = [];
    this.#shape = shapesOf(connection).get(this.#current?.name ?? '');
  }

  override handleReadyForQuery(): void {
    this.#settle(this.#unreadable);
    this.callback(null);
  }

  override handleError(error: unknown, connection: Wire): void {
    // What was passed over has not been prepared.
    for (const { name } of this.asked.slice(this.#place)) if (name !== null) delete connection.submittedNamedStatements[name];
    this.#settle(error);
    this.callback(error);
  }

  #settle(error: unknown): void {
    for (const [place, { resolve, reject }] of this.asked.entries()) {
      const answer = this.#answers[place];
      if (answer && this.#unreadable === undefined) resolve(answer);
      else reject(error);
    }
  }
}

function shapesOf(connection: Wire): Map<string, Shape> {
  const known = shapes.get(connection) ?? new Map<string, Shape>();
  shapes.set(connection, known);
  return known;
}
