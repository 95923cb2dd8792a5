import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { PgBoss, type ConstructorOptions, type Db, type JobResult, type JobWithMetadata, type QueueResult } from 'pg-boss';
import { sql, type Kysely } from 'kysely';
import type { Database } from './database.js';
import type { Statements } from './statement.js';
import { TENANT_ROLE } from './tenancy.js';
import { HEARTBEAT_REFRESH_SECONDS, HEARTBEAT_SECONDS, JobRecovery, prepareRecovery } from './job-recovery.js';
import { errorFacts, type Log } from './log.js';

/** Work for later, enqueued in the transaction of the command that calls for it. */
export interface NewJob {
  name: string;
  organizationId: string;
  data: Readonly<Record<string, string | number | boolean | null>>;
  /** When it falls due by the organization's clock; absent: at once. */
  dueAt?: Date;
}

/** A job as its handler receives it. */
export interface Job {
  organizationId: string;
  data: Readonly<Record<string, unknown>>;
  /** When it fell due by the organization's clock; null: at once. */
  dueAt: Date | null;
  /** The attempt that follows a last failure does not come: the handler's chance to lead on to a person. */
  isLastAttempt: boolean;
}

export type JobHandler = (job: Job) => Promise<void>;

/** How a job is carried on after a failure. */
export interface JobKind {
  name: string;
  handle: JobHandler;
  /** Nobody waits for it to the second: what falls due later is looked for less often, since each look costs a statement. */
  unhurried?: boolean;
}

/** The payload in the queue. `dueAt` is by the organization's clock, which the sandbox may move. */
interface Payload {
  organizationId: string;
  dueAt: string | null;
  [key: string]: unknown;
}

interface JobTables {
  'pgboss.job': { id: string; name: string; state: string; data: Payload; start_after: string; created_on: string };
  organization_ledger: { organization_id: string; clock_offset_milliseconds: number };
}

const RETRY_LIMIT = 5;
const RETRY_DELAY_SECONDS = 1;
const LONGEST_RETRY_DELAY_SECONDS = 60;
/** A handler that does not return is given up after this long; every job is far shorter. */
const JOB_EXPIRY_SECONDS = 60;
/** Kept long enough to look into, briefly enough not to grow. */
const KEEP_FINISHED_SECONDS = 3_600;
/** A process wakes its own workers for what it has committed and is due at once; all else is found by this poll (0.5 is the least). */
const POLLING_SECONDS = 0.5;
const UNHURRIED_POLLING_SECONDS = 5;
const WORKERS_PER_QUEUE = 2;
/** That a worker takes together; when there were as many it takes the next at once, and waits for no poll. */
const JOBS_AT_ONCE = 4;
const QUEUE = {
  // A commit that notifies waits for all others that do (announcer.ts).
  notify: false,
  retryLimit: RETRY_LIMIT,
  retryDelay: RETRY_DELAY_SECONDS,
  retryBackoff: true,
  retryDelayMax: LONGEST_RETRY_DELAY_SECONDS,
  expireInSeconds: JOB_EXPIRY_SECONDS,
  heartbeatSeconds: HEARTBEAT_SECONDS,
  deleteAfterSeconds: KEEP_FINISHED_SECONDS,
};
/** One advisory lock for all replicas that start; the number only has to be ours. */
const PREPARATION_LOCK = 4_951_122;
const SUPERVISION_SECONDS = 60;
const ACTIVE_JOB_POLL_MILLISECONDS = 20;
/** A job that takes longer is returned to the queue: with the rest of a stop it has to end within ten seconds. */
const STOP_TIMEOUT_MILLISECONDS = 4_000;

/** The queue of work for later: pg-boss in the gateway's own database. */
export class Jobs {
  #boss: PgBoss;
  #kinds = new Map<string, JobKind>();
  /** The workers of this process, by kind. */
  #workers = new Map<string, string[]>();
  #recovery: JobRecovery;

  private constructor(
    boss: PgBoss,
    private readonly database: Database,
    private readonly log: Log,
  ) {
    this.#boss = boss;
    this.#recovery = new JobRecovery(database, log);
  }

  /** Installs the queue's schema and its queues. Work begins with `work`. */
  static async open(database: Database, kinds: readonly JobKind[], log: Log): Promise<Jobs> {
    const options: ConstructorOptions = {
      ...(await database.jobConnection()),
      schedule: false,
      superviseIntervalSeconds: SUPERVISION_SECONDS,
      monitorVacuum: false,
      reindex: false,
    };
    const boss = new PgBoss(options);
    boss.on('error', (error) => log.error(errorFacts(error), 'job queue'));
    await boss.start();
    const present = new Map((await boss.getQueues(kinds.map(({ name }) => name))).map((queue) => [queue.name, queue]));
    for (const { name } of kinds) {
      const queue = present.get(name);
      if (queue && hasSettings(queue)) continue;
      // A queue that is there keeps what an earlier version made it with, unless it is told.
      await (queue ? boss.updateQueue(name, QUEUE) : boss.createQueue(name, QUEUE));
      // pg-boss reads a queue that was not there when it started on a connection of its own when it is first asked. Inside a command's
      // transaction that would wait for ever on PGlite, which has one: so it is asked here, about a job that is not there.
      await boss.cancel(name, randomUUID());
    }
    await prepareQueue(database);
    const jobs = new Jobs(boss, database, log);
    for (const kind of kinds) jobs.#kinds.set(kind.name, kind);
    return jobs;
  }

  /** Starts the workers of this process, and lets requests in between: the first statements of all of them take PGlite a while. */
  async work(): Promise<void> {
    await this.#recovery.start();
    for (const [name, { handle, unhurried }] of this.#kinds) {
      await turn();
      const pollingIntervalSeconds = unhurried ? UNHURRIED_POLLING_SECONDS : POLLING_SECONDS;
      const workers: string[] = [];
      this.#workers.set(name, workers);
      // Each by itself: the queue names but the first of those that it starts together, and all of them are to be woken.
      for (let worker = 0; worker < WORKERS_PER_QUEUE; worker += 1) {
        workers.push(
          await this.#boss.work<Payload>(
            name,
            { includeMetadata: true, perJobResults: true, batchSize: JOBS_AT_ONCE, burstWhenBatchFull: true, pollingIntervalSeconds, heartbeatRefreshSeconds: HEARTBEAT_REFRESH_SECONDS },
            (batch) => Promise.all((batch as JobWithMetadata<Payload>[]).map((job) => this.#attempt(name, handle, job))),
          ),
        );
      }
    }
  }

  /** Has the workers of this process look for jobs of these kinds, which have been committed. */
  wake(names: readonly string[]): void {
    for (const name of names) for (const worker of this.#workers.get(name) ?? []) this.#boss.notifyWorker(worker);
  }

  /** Runs a job that a worker has taken. A failure is its own: the queue tries it again, and the others of its batch are done. */
  async #attempt(name: string, handle: JobHandler, { id, data, retryCount, retryLimit }: JobWithMetadata<Payload>): Promise<JobResult> {
    try {
      await this.#run(handle, data, retryCount >= retryLimit);
      return { id, status: 'completed' };
    } catch (error) {
      const facts = errorFacts(error);
      this.log.error({ job: name, ...facts }, 'job failed');
      return { id, status: 'failed', output: facts };
    }
  }

  /** Enqueues inside a command's transaction. @returns of which kinds there is something due at once: `wake` their workers when it has committed. */
  async enqueue(transaction: Statements, jobs: readonly NewJob[], clockOffsetMilliseconds: number): Promise<string[]> {
    // Nobody needs the ids of the jobs: what enqueues them goes out with whatever the command still has to say.
    const db: Db = {
      executeSql: (text, values = []) => {
        transaction.send(text, values);
        return Promise.resolve({ rows: [] });
      },
    };
    const due: string[] = [];
    for (const job of jobs) {
      const payload: Payload = { ...job.data, organizationId: job.organizationId, dueAt: job.dueAt?.toISOString() ?? null };
      const startAfter = job.dueAt && new Date(job.dueAt.getTime() - clockOffsetMilliseconds);
      if (!startAfter || startAfter.getTime() <= Date.now()) due.push(job.name);
      await this.#boss.send(job.name, payload, { ...(startAfter && { startAfter }), db });
    }
    return due;
  }

  /**
   * Runs, in the order in which they fall due, the jobs of one organization that are due by `until` on its clock, which
   * goes on with the real one, and those that they enqueue in turn. `reach` is called before each with the moment that the clock then shows.
   * Answers when all of them have committed, those that a worker was already busy with included.
   */
  async runDue(organizationId: string, until: () => Date, reach: (moment: Date) => Promise<void>): Promise<void> {
    const failed = new Set<string>();
    for (;;) {
      const next = await this.#nextDue(organizationId, until(), failed);
      if (next === 'busy') {
        await new Promise((resolve) => setTimeout(resolve, ACTIVE_JOB_POLL_MILLISECONDS));
        continue;
      }
      if (next === null) return;
      if (next.data.dueAt !== null) await reach(new Date(next.data.dueAt));
      const handle = this.#kinds.get(next.name)?.handle;
      try {
        if (handle) await this.#run(handle, next.data, false);
        await this.#boss.complete(next.name, next.id, null, { includeQueued: true });
      } catch (error) {
        // The queue keeps it and tries again by itself, as it does with any job that fails.
        this.log.error({ job: next.name, ...errorFacts(error) }, 'job failed');
        failed.add(next.id);
      }
    }
  }

  /** Moves the start of an organization's waiting jobs to where its clock now puts them. */
  async reschedule(organizationId: string, clockOffsetMilliseconds: number): Promise<void> {
    const reader = this.database.owner().getKysely() as unknown as Kysely<JobTables>;
    await sql`
      update pgboss.job
      set start_after = (data->>'dueAt')::timestamptz - ${clockOffsetMilliseconds} * interval '1 millisecond'
      where data->>'organizationId' = ${organizationId} and data->>'dueAt' is not null and state in ('created', 'retry')
    `.execute(reader);
  }

  /** Lets running jobs finish, returns the rest to the queue. */
  async stop(): Promise<void> {
    await this.#recovery.stop();
    await this.#boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MILLISECONDS });
  }

  async #run(handle: JobHandler, payload: Payload, isLastAttempt: boolean): Promise<void> {
    const { organizationId, dueAt, ...data } = payload;
    await handle({ organizationId, data, dueAt: dueAt === null ? null : new Date(dueAt), isLastAttempt });
  }

  async #nextDue(organizationId: string, until: Date, failed: ReadonlySet<string>): Promise<{ id: string; name: string; data: Payload } | 'busy' | null> {
    const reader = this.database.owner().getKysely() as unknown as Kysely<JobTables>;
    const rows = await sql<{ id: string; name: string; state: string; data: Payload }>`
      select id, name, state, data from pgboss.job
      where data->>'organizationId' = ${organizationId}
        and state in ('created', 'retry', 'active')
        and (data->>'dueAt' is null or (data->>'dueAt')::timestamptz <= ${until.toISOString()}::timestamptz)
      order by coalesce((data->>'dueAt')::timestamptz, created_on), created_on, id
    `.execute(reader);
    const next = rows.rows.find((row) => !failed.has(row.id));
    if (!next) return null;
    // What a worker is busy with comes before what falls due after it.
    return next.state === 'active' ? 'busy' : next;
  }
}

/** Whether a queue is as this version makes it. */
function hasSettings(queue: QueueResult): boolean {
  return Object.entries(QUEUE).every(([setting, value]) => queue[setting as keyof typeof QUEUE] === value);
}

const GRANTED = `
  select has_schema_privilege(?, 'pgboss', 'usage')
    and (select bool_and(has_table_privilege(?, oid, 'select') and has_table_privilege(?, oid, 'insert') and has_table_privilege(?, oid, 'update')) from pg_class where relnamespace = 'pgboss'::regnamespace and relkind in ('r', 'p'))
    and (select bool_and(has_function_privilege(?, oid, 'execute')) from pg_proc where pronamespace = 'pgboss'::regnamespace) as everything`;

/**
 * Adds what we need to the queue's schema: one process after the other, since PostgreSQL refuses grants on one object that meet.
 * Where all of it is there, nothing is written: each grant would have every connection read the catalogue anew.
 */
async function prepareQueue(database: Database): Promise<void> {
  const [granted] = await database.owner().execute<{ everything: boolean }[]>(GRANTED, Array<string>(5).fill(TENANT_ROLE));
  await database.owner().transactional(async (em) => {
    await em.execute('select pg_advisory_xact_lock(?)', [PREPARATION_LOCK]);
    await prepareRecovery(em as SqlEntityManager);
    if (granted?.everything) return;
    await em.execute(`grant usage on schema pgboss to ${TENANT_ROLE}`);
    await em.execute(`grant select, insert, update on all tables in schema pgboss to ${TENANT_ROLE}`);
    await em.execute(`grant execute on all functions in schema pgboss to ${TENANT_ROLE}`);
  });
}
