import { execute, visit, type DocumentNode, type ExecutionArgs, type ExecutionResult, type OperationDefinitionNode } from 'graphql';
import type { Caller } from '../core/caller.js';
import type { RequestContext } from '../core/context.js';
import { encodeEventCursor } from '../core/event-cursor.js';
import type { EventRow } from '../core/event-log.js';
import { newRequestScope, requestScope } from '../core/request-scope.js';
import { Rounds } from '../core/rounds.js';
import type { Prepared } from './operations.js';

/** Fields that are resolved together at most: so far a long backlog is read ahead of its reader. */
const FIELDS_OF_PIECE = 4_000;
const MOST_EVENTS_OF_PIECE = 100;

/** An operation that subscribes, as its transport hands it on. */
export type SubscriptionArguments = ExecutionArgs & { contextValue: RequestContext };

/** What is told of an event: the same to all of an audience, and so made only once. */
export class Told {
  #json: string | null = null;
  #frames: Partial<Record<'WebSocket' | 'SSE', Buffer>> = {};

  constructor(
    readonly cursor: string,
    readonly result: ExecutionResult,
  ) {}

  /** Whether something of it could not be told, to any of the audience. */
  get hasErrors(): boolean {
    return this.result.errors !== undefined;
  }

  /** The result as text. One with errors has none: errors name the request of whoever is told. */
  get json(): string | null {
    if (!this.hasErrors) this.#json ??= JSON.stringify(this.result);
    return this.#json;
  }

  /** What a transport makes of the text, made once for each of the two. */
  frame(transport: 'WebSocket' | 'SSE', make: (json: string) => string): Buffer | null {
    const { json } = this;
    return json === null ? null : (this.#frames[transport] ??= Buffer.from(make(json)));
  }
}

/** Who waits to be told. Neither may throw: others are told after it. */
export interface Hearer {
  hear(told: readonly Told[]): void;
  fail(error: unknown): void;
}

/**
 * Those who have subscribed to the same with the same rights. Of each event they are told the same: it is executed once
 * for all who wait for it. Whether each may still be told is for its own connection to say.
 */
export class Audience {
  /** So many events are told of at once at most. */
  readonly most: number;
  members = 0;
  readonly #operation: SubscriptionArguments;
  #rounds = new Rounds<readonly Told[]>();
  /** Who waits for a round. */
  #waiting = new WeakMap<Promise<readonly Told[]>, Hearer[]>();

  constructor(operation: SubscriptionArguments, cost: number) {
    // It outlives the connection of the first to join.
    this.#operation = { ...operation, contextValue: operation.contextValue.renewed() };
    this.most = Math.max(1, Math.min(MOST_EVENTS_OF_PIECE, Math.floor(FIELDS_OF_PIECE / cost)));
  }

  /** Has a hearer told of these events, with their objects as they are now. */
  tell(events: readonly EventRow[], hearer: Hearer): void {
    let key = '';
    for (const { position } of events) key += `${position} `;
    const round = this.#rounds.join(key, () => this.#toldOf(events));
    const waiting = this.#waiting.get(round);
    if (waiting) return void waiting.push(hearer);
    const hearers = [hearer];
    this.#waiting.set(round, hearers);
    round.then(
      (told) => hearers.forEach((each) => each.hear(told)),
      (error: unknown) => hearers.forEach((each) => each.fail(error)),
    );
  }

  /** One context for all of them, so what they have in common is read once; and a scope of their own, whoever it was that asked first. */
  #toldOf(events: readonly EventRow[]): Promise<readonly Told[]> {
    const contextValue = this.#operation.contextValue.renewed();
    const scope = { ...newRequestScope(contextValue.requestId), caller: contextValue.caller };
    return requestScope.run(scope, () =>
      Promise.all(
        events.map(async (event) => {
          const result = await execute({ ...this.#operation, contextValue, rootValue: event });
          return new Told(encodeEventCursor(event.organization_id, event.position), result);
        }),
      ),
    );
  }
}

/** The audiences of this process. */
export class Audiences {
  #audiences = new Map<string, Audience>();
  #documents = new WeakMap<DocumentNode, number>();
  #lastDocument = 0;
  #telling = new WeakMap<OperationDefinitionNode, readonly string[]>();

  /** Takes a place in the audience of an operation. @returns it, and how to leave it. */
  join(args: SubscriptionArguments, prepared: Prepared): { audience: Audience; leave: () => void } {
    const key = this.#keyOf(args, prepared);
    const audience = this.#audiences.get(key) ?? new Audience(args, prepared.cost);
    this.#audiences.set(key, audience);
    audience.members += 1;
    let isMember = true;
    return {
      audience,
      leave: () => {
        if (!isMember) return;
        isMember = false;
        audience.members -= 1;
        if (audience.members === 0) this.#audiences.delete(key);
      },
    };
  }

  #keyOf({ variableValues, contextValue }: SubscriptionArguments, { document, operation }: Prepared): string {
    let number = this.#documents.get(document);
    if (number === undefined) this.#documents.set(document, (number = this.#lastDocument += 1));
    let names = this.#telling.get(operation);
    if (!names) this.#telling.set(operation, (names = variablesThatTell(document, operation)));
    const variables = names.map((name) => (variableValues && Object.hasOwn(variableValues, name) ? [variableValues[name]] : []));
    return JSON.stringify([number, operation.name?.value, variables, rightsOf(contextValue.caller)]);
  }
}

/**
 * All of a caller that what it is shown may depend on: its key, its role, its customer, what its token lays down. Only
 * where it comes from and when its credential ends make no difference.
 */
function rightsOf(caller: Caller): Partial<Caller> {
  const rights: Record<string, unknown> = { ...caller };
  for (const name of ['address', 'expiresAt', 'renewableUntil']) delete rights[name];
  return rights;
}

/** The variables of a subscription that its answers may depend on: all but those that only say what is watched, and from when. */
function variablesThatTell(document: DocumentNode, operation: OperationDefinitionNode): readonly string[] {
  const roots: ReadonlySet<unknown> = new Set(operation.selectionSet.selections);
  const names = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: (_argument, _key, _parent, _path, ancestors) => (roots.has(ancestors.at(-1)) ? false : undefined),
    Variable: ({ name }) => void names.add(name.value),
  });
  return [...names];
}
