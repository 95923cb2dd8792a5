import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Database } from './database.js';
import { isOutage } from './outages.js';
import { errorFacts, type Log } from './log.js';

/** While a worker is at a job it says so this often. */
export const HEARTBEAT_REFRESH_SECONDS = 1;
/** Marks a job as one whose worker says so. The queue's own look after it, once a minute, comes too late: this is its least. */
export const HEARTBEAT_SECONDS = 10;
/** A worker that has missed so many heartbeats is taken to be dead; one that was only slow finds its attempt moved on. */
const SILENT_SECONDS = 3;
const LOOK_MILLISECONDS = 500;

/** Finds the few jobs that are under way among the many that are done. */
const INDEX = 'kyc_gateway_job_active';

/** Makes the index that a look goes by, unless it is there: to make one waits for whoever writes to the queue. */
export async function prepareRecovery(owner: SqlEntityManager): Promise<void> {
  const [found] = await owner.execute<{ index: string | null }[]>(`select to_regclass('pgboss.${INDEX}') as index`);
  if (found?.index === null) await owner.execute(`create index if not exists ${INDEX} on pgboss.job (heartbeat_on) where state = 'active'`);
}

/**
 * Returns to the queue the jobs that were under way in a process which has ended without a word: at once, and however
 * often they were tried, since a job that its queue drops is an attempt that stands still.
 */
export class JobRecovery {
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;

  constructor(
    private readonly database: Database,
    private readonly log: Log,
  ) {}

  /** An embedded database is one process's: what is under way when it starts is nobody's. On PostgreSQL other replicas may be at it. */
  async start(): Promise<void> {
    if (this.database.kind === 'pglite') return this.#recover('true');
    this.#timer = setInterval(() => void (this.#looking ??= this.#look()), LOOK_MILLISECONDS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    try {
      await this.#recover(`heartbeat_seconds is not null and heartbeat_on < now() - interval '${SILENT_SECONDS} seconds'`);
    } catch (error) {
      this.log[isOutage(error) ? 'warn' : 'error'](errorFacts(error), 'looking for jobs without a worker failed');
    } finally {
      this.#looking = null;
    }
  }

  async #recover(isOrphaned: string): Promise<void> {
    const reader = this.database.owner().getKysely();
    const { rows } = await sql<{ id: string; name: string }>`
      update pgboss.job set state = 'retry', start_after = now()
      where state = 'active' and ${sql.raw(isOrphaned)} returning id, name
    `.execute(reader);
    for (const { id, name } of rows) this.log.warn({ job: name, id }, 'a job whose worker has ended is taken up again');
  }
}
