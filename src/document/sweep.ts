import type { Kysely } from 'kysely';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import type { Core } from '../core/command.js';
import { isErased } from '../core/crypto/sealed-table.js';
import { errorFacts } from '../core/log.js';
import type { FileStorage } from './storage.js';

/** A file younger than this may belong to a request that is still under way: the longest takes minutes. */
const SPARED_SECONDS = 3_600;
const EVERY_SECONDS = 3_600;
/** Keys that are looked up in one statement. */
const BATCH = 500;

interface SweepTables {
  file_upload: { storage_key: string; customer_id: string | null; sealed: Uint8Array | null };
  data_key: { customer_id: string; destroyed_at: string | null };
}

/**
 * Collects the files that no row names, or only one that has been erased: what a process that was killed in the middle of
 * an upload has left, or a job of erasing that did not come through. Every other end cleans up after itself. Replicas may sweep at once; a file that is gone already is no error.
 */
export class FileSweep {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly core: Core,
    private readonly storage: FileStorage,
  ) {}

  /** Sweeps now and every hour from now on. */
  start(): void {
    this.#begin();
    this.#timer = setInterval(() => this.#begin(), EVERY_SECONDS * MILLISECONDS_PER_SECOND).unref();
  }

  /** Waits for a sweep that is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #begin(): void {
    this.#running = this.#running.then(() => this.#sweep()).catch((error: unknown) => this.core.log.error(errorFacts(error), 'sweep of files'));
  }

  async #sweep(): Promise<void> {
    const before = this.core.clock.now().getTime() - SPARED_SECONDS * MILLISECONDS_PER_SECOND;
    let batch: string[] = [];
    for await (const { key, modifiedAt } of this.storage.list()) {
      if (modifiedAt.getTime() < before) batch.push(key);
      if (batch.length < BATCH) continue;
      await this.#collect(batch);
      batch = [];
    }
    await this.#collect(batch);
  }

  async #collect(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const reader = this.core.database.owner().getKysely() as unknown as Kysely<SweepTables>;
    const rows = await reader
      .selectFrom('file_upload')
      .leftJoin('data_key', 'data_key.customer_id', 'file_upload.customer_id')
      .select(['storage_key', 'sealed', 'destroyed_at'])
      .where('storage_key', 'in', keys)
      .execute();
    // A row that is empty though its key is not destroyed was not erased: its file is kept.
    const named = new Set(rows.filter((row) => !isErased(row) || row.destroyed_at === null).map((row) => row.storage_key));
    for (const key of keys) {
      if (named.has(key)) continue;
      await this.storage.delete(key);
      this.core.log.warn({ key }, 'a file that no document names was deleted');
    }
  }
}
