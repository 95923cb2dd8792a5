import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Kysely } from 'kysely';
import { MILLISECONDS_PER_SECOND, type Clock } from './clock.js';
import { customerOf, type Caller, type Member, type Principal } from './caller.js';
import { Unprepared } from './crypto/vault.js';
import type { Database } from './database.js';
import type { AuditNote } from './audit-entry.js';
import type { EventRow, EventTables, NewEvent } from './event-log.js';
import { keepOutcome, RepeatedRequest, takeKey, type KeyedRequest } from './idempotency.js';
import type { FreeSpace } from './free-space.js';
import type { Jobs, NewJob } from './jobs.js';
import { appendToLedger } from './ledger.js';
import type { Log } from './log.js';
import { hasGivenWay } from './outages.js';
import { statementsOver, type Statements } from './statement.js';
import type { WorkingSet } from './working-set.js';

/** What commands stand on; the composition root makes one. */
export interface Core {
  database: Database;
  jobs: Jobs;
  clock: Clock;
  log: Log;
  /** Whether what strangers name by URL may lie in a private network. */
  allowPrivateUrls: boolean;
  /** Absent where nobody but the operator's own commands writes. */
  space?: FreeSpace;
  /** Absent where nobody subscribes. */
  ownEvents?: OwnEvents;
}

/** Hears of the events of this process's own commands. */
export interface OwnEvents {
  /** Of a command whose commit has been answered. */
  committed(events: readonly EventRow[]): void;
  /** That a command of an organization had events, and its commit failed or was not answered. */
  uncertain(organizationId: string): void;
}

/** An object that counts its committed changes. */
export interface Versioned {
  version: number;
  updatedAt: Date;
}

/** One command at work: everything it does becomes visible at once, at its commit, or not at all. */
export interface UnitOfWork {
  /** Held to the caller's organization. Nothing else may be awaited inside a command. */
  transaction: Statements;
  /** What the command works on. */
  entities: WorkingSet;
  principal: Principal;
  organizationId: string;
  /** The real time, for timestamps. */
  now: Date;
  /** The organization's time, for delays and expiry: the sandbox may have moved it (domain.md, Sandbox). Known once the command has asked for something. */
  readonly organizationNow: Date;
  /** Marks an object as changed: its version grows by one, however often it is touched. */
  touch(object: Versioned): void;
  record(event: NewEvent): void;
  /** Says what the audit trail is to hold of the command beside what it knows. What is said twice holds as said last. */
  note(note: AuditNote): void;
  enqueue(job: Omit<NewJob, 'organizationId'>): void;
}

/** Takes back a command that was only rehearsed: it found nothing to refuse. */
class RehearsalEnded extends Error {}

/**
 * The one write path: a transaction under the organization's role (its customer's, for an applicant) in which `body`
 * locks, decides and changes, followed by its jobs, its events and its entry of the audit trail. If `body` throws, or the
 * principal only rehearses, nothing has happened. A job that found nothing to do is no entry. A request's Idempotency-Key is
 * taken first: see takeKey for what it throws. The body runs for a repeat too, again when it met a customer whose data key was not
 * at hand, and once more where others were in its way: it must leave nothing behind that the transaction does not take back.
 */
export async function execute<Result>(core: Core, principal: Principal, body: (unit: UnitOfWork) => Promise<Result>): Promise<Result> {
  const ends: Ends = { due: [], appended: null };
  const conclude = async ({ unit, events, jobs, note, isChanged, clockOffset }: Said): Promise<void> => {
    ends.due = await core.jobs.enqueue(unit.transaction, jobs, clockOffset);
    const customerId = note.customerId ?? events[0]?.customerId;
    const isEntered = principal.role !== 'SYSTEM' || isChanged;
    const appended = isEntered ? appendToLedger(unit.transaction, core.database.vault, unit.organizationId, principal, unit.now, { ...note, ...(customerId === undefined ? {} : { customerId }) }, events) : null;
    ends.appended = events.length > 0 ? appended : null;
  };
  try {
    const result = await transact(core, principal, principal.idempotency, body, conclude);
    core.jobs.wake(ends.due);
    if (ends.appended) core.ownEvents?.committed(await ends.appended);
    return result;
  } catch (error) {
    if (ends.appended) core.ownEvents?.uncertain(principal.organizationId);
    throw error;
  }
}

/** What has yet to be told once a command has committed. */
interface Ends {
  /** The kinds of its jobs that are due at once. */
  due: readonly string[];
  /** Its events; null where there are none. */
  appended: Promise<EventRow[]> | null;
}

/** Looks, under the locks that a command would take, and changes nothing: what is found may decide whether one follows. */
export function consult<Result>(core: Core, principal: Principal, body: (unit: UnitOfWork) => Promise<Result>): Promise<Result> {
  return transact(core, principal, undefined, body, ({ isChanged }) => {
    if (isChanged) throw new Error('What only looks has changed something');
    return Promise.resolve();
  });
}

/** What a body has said, for the end of its transaction. */
interface Said {
  unit: UnitOfWork;
  events: readonly NewEvent[];
  jobs: readonly NewJob[];
  note: AuditNote;
  isChanged: boolean;
  clockOffset: number;
}

/** A customer whose rows are in the plain, whose key is then not at hand, and both again where the cache is crowded. */
const MOST_RUNS = 5;

async function transact<Result>(core: Core, principal: Principal, idempotency: KeyedRequest | undefined, body: (unit: UnitOfWork) => Promise<Result>, conclude: (said: Said) => Promise<void>): Promise<Result> {
  if (principal.role !== 'SYSTEM') core.space?.require();
  let hasRepeated = false;
  for (let run = 1; ; run += 1) {
    try {
      return await attempt(core, principal, idempotency, body, conclude);
    } catch (error) {
      if (error instanceof Unprepared && run < MOST_RUNS) await core.database.plainRows.prepare(error, principal.organizationId);
      // Twice the longest wait for a lock is still within the time that a request has.
      else if (hasGivenWay(error) && !hasRepeated) hasRepeated = true;
      else throw error;
    }
  }
}

async function attempt<Result>(core: Core, principal: Principal, idempotency: KeyedRequest | undefined, body: (unit: UnitOfWork) => Promise<Result>, conclude: (said: Said) => Promise<void>): Promise<Result> {
  const now = core.clock.now();
  return core.database.forCustomer(customerOf(principal)).transact(principal.organizationId, async (transaction, entities) => {
    let clockOffset: number | undefined;
    const begun = (idempotency ? takeKey(transaction, core.database.vault, principal as Member, idempotency, now) : clockOffsetOf(transaction, principal.organizationId)).then((offset) => (clockOffset = offset));
    // It goes out with what the body asks first, and whoever waits for it below hears of it.
    begun.catch(() => undefined);
    const touched = new Set<Versioned>();
    const events: NewEvent[] = [];
    const jobs: NewJob[] = [];
    const notes: AuditNote[] = [];
    const unit: UnitOfWork = {
      transaction,
      entities,
      principal,
      organizationId: principal.organizationId,
      now,
      get organizationNow() {
        if (clockOffset === undefined) throw new Error('The organization’s clock is not known before the command has asked for something');
        return new Date(now.getTime() + clockOffset);
      },
      touch: (object) => {
        if (touched.has(object)) return;
        touched.add(object);
        object.version += 1;
        object.updatedAt = now;
      },
      record: (event) => events.push(event),
      note: (note) => notes.push(note),
      enqueue: (job) => jobs.push({ ...job, organizationId: principal.organizationId }),
    };
    // A key decides whether there was anything to do: of a repeat what the body met is not told, and what it did is taken back.
    let result: Result;
    try {
      result = await body(unit);
    } catch (error) {
      await begun;
      throw error;
    }
    const offset = await begun;
    entities.flush();
    if (principal.rehearsal) {
      // What the database refuses is refused.
      await transaction.settled();
      throw new RehearsalEnded();
    }
    const note: AuditNote = Object.assign({}, ...notes);
    if (idempotency) keepOutcome(transaction, principal as Member, idempotency, result);
    await conclude({ unit, events, jobs, note, isChanged: touched.size + events.length + jobs.length > 0 || note.kind !== undefined, clockOffset: offset });
    return result;
  });
}

/** Says whose audit trail is to hold a command on organizations, and what. */
export type OwnerNote = (organizationId: string, note: AuditNote) => void;

/** A command on organizations themselves, with the owner's rights and an entry of the audit trail; a rehearsal of it is taken back too. */
export async function executeAsOwner<Result>(core: Core, caller: Caller, body: (em: SqlEntityManager, note: OwnerNote) => Promise<Result>): Promise<Result> {
  core.space?.require();
  return core.database.owner().transactional(async (em) => {
    const { idempotency } = caller;
    const transaction = statementsOver(em.getKysely() as Kysely<never>);
    try {
      if (idempotency) await takeKey(transaction, core.database.vault, caller, idempotency, core.clock.now());
      const notes = new Map<string, AuditNote>();
      const result = await body(em as SqlEntityManager, (organizationId, note) => notes.set(organizationId, note));
      await em.flush();
      if (caller.rehearsal) throw new RehearsalEnded();
      if (idempotency) keepOutcome(transaction, caller, idempotency, result);
      for (const [organizationId, note] of notes) void appendToLedger(transaction, core.database.vault, organizationId, caller, core.clock.now(), note, []);
      await transaction.settled();
      return result;
    } catch (error) {
      // The ORM takes the transaction back, and waits for nothing that was sent in it.
      await transaction.settled().catch(() => undefined);
      throw error;
    }
  });
}

/** How far an organization's clock runs ahead of the real one, in milliseconds. */
export async function clockOffsetOf(reader: Pick<Statements, 'run'>, organizationId: string): Promise<number> {
  const [ledger] = await reader.run<{ clock_offset_milliseconds: number | string }>('select clock_offset_milliseconds from organization_ledger where organization_id = $1', [organizationId]);
  if (!ledger) throw new Error('An organization has no ledger');
  return Number(ledger.clock_offset_milliseconds);
}

/**
 * Moves an organization's clock forward by `seconds`, so that what would happen in that time happens now, in its order:
 * the clock stops at each job that falls due on the way. `atLast` names jobs to be done when it has arrived. Answers when all
 * of it has committed (domain.md, Sandbox).
 * @returns the time that the clock then shows.
 */
export async function advanceClock(core: Core, caller: Member, seconds: number, atLast: readonly string[]): Promise<Date> {
  const { organizationId } = caller;
  const owner = (): Kysely<EventTables> => core.database.owner().getKysely() as unknown as Kysely<EventTables>;
  const target = await clockTarget(core, caller, seconds, atLast);
  // Real time passes meanwhile, and what the jobs enqueue counts from it: a fixed moment would be missed by milliseconds.
  const until = (): Date => new Date(core.clock.now().getTime() + target);
  const reach = async (moment: Date): Promise<void> => {
    const offset = moment.getTime() - core.clock.now().getTime();
    await owner()
      .updateTable('organization_ledger')
      .set({ clock_offset_milliseconds: offset })
      .where('organization_id', '=', organizationId)
      .where('clock_offset_milliseconds', '<', offset)
      .execute();
  };
  await core.jobs.runDue(organizationId, until, reach);
  await reach(until());
  const offset = await clockOffsetOf(statementsOver(owner()), organizationId);
  await core.jobs.reschedule(organizationId, offset);
  return new Date(core.clock.now().getTime() + offset);
}

/**
 * How far ahead the clock is to run, in milliseconds. It is what an Idempotency-Key keeps: a repeat goes on to where the
 * first request was to arrive, however far that came.
 */
async function clockTarget(core: Core, caller: Member, seconds: number, atLast: readonly string[]): Promise<number> {
  try {
    return await execute(core, caller, async (unit) => {
      unit.note({ subjects: [caller.organizationId] });
      const offset = await clockOffsetOf(unit.transaction, caller.organizationId);
      const ahead = offset + seconds * MILLISECONDS_PER_SECOND;
      for (const name of atLast) unit.enqueue({ name, data: {}, dueAt: new Date(unit.now.getTime() + ahead) });
      return ahead;
    });
  } catch (error) {
    if (error instanceof RepeatedRequest && error.outcome.number !== null) return error.outcome.number;
    throw error;
  }
}
