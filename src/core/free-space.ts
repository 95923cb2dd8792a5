import { statfs } from 'node:fs/promises';
import { refusal } from './errors.js';
import { errorFacts, type Log } from './log.js';

/**
 * Bytes that have to be free where the gateway keeps its data. What callers bring stops here; work that is under way goes
 * on in what is left, with the database's own log, which grows by segments of 16 MB.
 */
const MARK = 64 * 1_048_576;
const LOOK_MILLISECONDS = 1_000;
const RETRY_AFTER_SECONDS = 30;

/** Keeps the disk from filling up: an embedded database that finds it full aborts. */
export class FreeSpace {
  #isShort = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly directory: string,
    private readonly log: Log,
  ) {}

  /** Looks now and every second. */
  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), LOOK_MILLISECONDS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Refuses a change with SERVICE_UNAVAILABLE while the disk is nearly full. Nothing has to be done but to make room. */
  require(): void {
    if (this.#isShort) throw refusal('SERVICE_UNAVAILABLE', 'The disk of the gateway is nearly full: nothing new is stored, reading goes on. Its operator has to make room.', { retryAfter: RETRY_AFTER_SECONDS });
  }

  async #look(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.directory);
      const isShort = bavail * bsize < MARK;
      if (isShort !== this.#isShort) this.log.warn({ freeBytes: bavail * bsize }, isShort ? 'the disk is nearly full: changes are refused' : 'there is room on the disk again');
      this.#isShort = isShort;
    } catch (error) {
      this.log.error(errorFacts(error), 'the free space of DATA_DIR cannot be read');
    }
  }
}
