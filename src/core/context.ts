import DataLoader from 'dataloader';
import { customerOf, type Caller, type Member, type TokenHolder } from './caller.js';
import type { Database } from './database.js';
import { refusal } from './errors.js';
import type { EventType } from './event-log.js';
import { readAhead, type LookAhead } from './look-ahead.js';
import type { AnyRead } from './row-reads.js';
import type { EventStream, Watch } from './stream.js';
import type { Subscriber } from './subscriber.js';

/** Reads the values of many keys of one organization in one statement, in the order of the keys. An Error fails its own key alone. */
export type BatchRead<Key, Value> = ((database: Database, organizationId: string, keys: readonly Key[]) => Promise<readonly (Value | Error)[]>) & {
  /** The value of a key for which nothing need be asked; undefined where something must. */
  atHand?(database: Database, organizationId: string, key: Key): Value | undefined;
};

/** What is at hand already, or on its way. */
export type Loaded<Value> = Value | Promise<Value>;

/** Goes on with a value: at once where it is at hand, since a promise for each of hundreds of fields costs more than the fields. */
export function whenLoaded<Value, Result>(value: Loaded<Value>, use: (value: Value) => Loaded<Result>): Loaded<Result> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** Several such: at once where all of them are at hand. */
export function allLoaded<const Values extends readonly unknown[]>(values: Values): Loaded<{ -readonly [Place in keyof Values]: Awaited<Values[Place]> }> {
  return (values.some((value) => value instanceof Promise) ? Promise.all(values) : values) as Loaded<{ -readonly [Place in keyof Values]: Awaited<Values[Place]> }>;
}

/** What a connection was opened with, which it may outlive. */
export interface Credential {
  /** Whether it still holds. */
  isAuthorized(): boolean;
}

/** What a connection tells the operations that it carries. */
export interface Connection {
  /** The cursor of the last event that its client has seen by an earlier connection, where the transport says so. */
  lastEventId: string | null;
  credential: Credential;
}

/** One request, one answer: nothing outlives anything. */
const REQUEST: Connection = { lastEventId: null, credential: { isAuthorized: () => true } };

/** What resolvers know of the operation that they serve. */
export class RequestContext {
  // Not a #private: Apollo copies the context, and a copy has no part in those.
  private readonly loaders = new Map<unknown, unknown>();
  /** Values that need not be asked for: of commands, and of what was read ahead. */
  private readonly known = new Map<unknown, Map<unknown, unknown>>();
  /** The reads that have been looked ahead from: what is asked of them later is below something else. */
  private readonly begun = new Set<AnyRead>();
  /** What a query will ask below what it begins with; null where nothing is known of that. */
  lookAhead: LookAhead | null = null;

  readonly caller: Caller;
  /** What resolvers read from: it holds nothing but what the caller may see. */
  readonly database: Database;

  constructor(
    private readonly wholeDatabase: Database,
    private readonly events: EventStream,
    caller: Caller,
    readonly requestId: string,
    /** The IP address that the request came from. */
    readonly address: string,
    readonly connection: Connection = REQUEST,
  ) {
    this.caller = 'customerId' in caller ? { ...caller, address } : caller;
    this.database = wholeDatabase.forCustomer(customerOf(caller));
  }

  /** The caller as one of an organization. The permission map keeps the operator away from fields that ask this. */
  get member(): Member {
    if (this.caller.role === 'OPERATOR') throw refusal('FORBIDDEN', 'The operator belongs to no organization: use a key of the organization.');
    return this.caller;
  }

  /** The caller as one customer's applicant. The permission map keeps everybody else away from fields that ask this. */
  get applicant(): TokenHolder {
    if (this.caller.role !== 'APPLICANT') throw refusal('FORBIDDEN', 'This is for client tokens.');
    return this.caller;
  }

  /** Loads one value; all that is asked of the same read in the same turn goes to the database together. */
  load<Key, Value>(read: BatchRead<Key, Value>, key: Key): Loaded<Value> {
    const known = this.known.get(read);
    const value = known?.get(key) as Value | undefined;
    if (value !== undefined || known?.has(key)) return value as Value;
    const atHand = read.atHand?.(this.database, this.member.organizationId, key);
    if (atHand === undefined) return this.loaderOf(read).load(key);
    this.learn(read, key, atHand);
    return atHand;
  }

  private loaderOf<Key, Value>(read: BatchRead<Key, Value>): DataLoader<Key, Value> {
    let loader = this.loaders.get(read) as DataLoader<Key, Value> | undefined;
    if (!loader) {
      const organizationId = this.member.organizationId;
      loader = new DataLoader<Key, Value>((keys) => this.readBatch(read, organizationId, keys));
      this.loaders.set(read, loader);
    }
    return loader;
  }

  /** Reads the values of keys and, where the operation begins with this read, what it will ask below them. */
  private async readBatch<Key, Value>(read: BatchRead<Key, Value>, organizationId: string, keys: readonly Key[]): Promise<readonly (Value | Error)[]> {
    const begin = read as unknown as AnyRead;
    const branches = this.lookAhead?.begins.get(begin);
    if (!this.lookAhead || !branches || this.begun.has(begin)) return read(this.database, organizationId, keys);
    this.begun.add(begin);
    const { lookAhead } = this;
    const conditions = begin.conditions(this.database, organizationId, keys as readonly never[]);
    const found = await Promise.all(conditions.map((condition) => readAhead(this.database, organizationId, begin, condition, branches, lookAhead)));
    for (const { below } of found) {
      for (const { read: of, keys: above, values } of below) above.forEach((key, index) => this.learn(of, key, values[index]));
    }
    return begin.valuesOf(keys as readonly never[], found.map(({ root }) => root)) as Value[];
  }

  private learn(read: unknown, key: unknown, value: unknown): void {
    let known = this.known.get(read);
    if (!known) this.known.set(read, (known = new Map()));
    known.set(key, value);
  }

  /**
   * The events of these types about an object that the caller may see or, without one, about all that it may see. A
   * client that resumes repeats its operation as it was: what it has seen since is the newer word.
   */
  watch(types: readonly EventType[], subject: Watch['subject'], after: string | null): Promise<Subscriber> {
    const customerId = customerOf(this.caller);
    const all: Watch['subject'] = customerId === null ? null : { kind: 'customer', id: customerId };
    return this.events.subscribe({ organizationId: this.member.organizationId, types, subject: subject ?? all }, this.connection.lastEventId ?? after);
  }

  /** Answers a key with a value that is known already: what a command has just committed. */
  prime<Key, Value>(read: BatchRead<Key, Value>, key: Key, value: Value): void {
    this.learn(read, key, value);
  }

  /** The same caller, to whom nothing has been loaded yet, and apart from any connection. */
  renewed(): RequestContext {
    return new RequestContext(this.wholeDatabase, this.events, this.caller, this.requestId, this.address);
  }

  /** The same caller, for a rehearsal of its operation. */
  rehearsal(): RequestContext {
    return new RequestContext(this.wholeDatabase, this.events, { ...this.caller, rehearsal: true, idempotency: undefined }, this.requestId, this.address);
  }

  /** Forgets what was loaded: what is loaded next is read anew. */
  forget(): void {
    this.loaders.clear();
    this.known.clear();
  }
}

/** Puts rows into the order of the keys they were asked by; null where there is none. */
export function inOrder<Row>(keys: readonly string[], rows: readonly Row[], keyOf: (row: Row) => string): (Row | null)[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return keys.map((key) => byKey.get(key) ?? null);
}

/** Groups rows by the key they belong to, in the order of the keys. */
export function groupedInOrder<Row>(keys: readonly string[], rows: readonly Row[], keyOf: (row: Row) => string): Row[][] {
  const groups = Map.groupBy(rows, keyOf);
  return keys.map((key) => groups.get(key) ?? []);
}
