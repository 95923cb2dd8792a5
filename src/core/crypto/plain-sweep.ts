import { MILLISECONDS_PER_SECOND } from '../clock.js';
import { errorFacts, type Log } from '../log.js';

/** What was stored before there was encryption, a piece at a time. */
export interface PlainSource<Piece extends { id: string }> {
  /** The table that its pieces are rows of, for the log. */
  readonly table: string;
  /** Pieces that are in the plain, in the order of their ids, which come behind `after`. */
  next(after: string, limit: number): Promise<Piece[]>;
  /** Encrypts one. Done twice, or by two at once, it is the same as once. */
  seal(piece: Piece): Promise<void>;
}

/** Pieces that are looked up at once; each is encrypted by itself. */
const BATCH = 100;
const RETRY_MILLISECONDS = 60 * MILLISECONDS_PER_SECOND;

/**
 * Encrypts, while the gateway serves, what was stored before there was encryption. It begins with the start and ends when
 * nothing is left; a piece that cannot be encrypted keeps none of the others, and is tried again later. Interrupted, it
 * goes on where it was; several replicas may be at it at once.
 */
export class PlainSweep {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly source: PlainSource<{ id: string }>,
    private readonly log: Log,
    private readonly retryMilliseconds = RETRY_MILLISECONDS,
  ) {}

  start(): void {
    this.#running = this.#sweep().then((left) => {
      if (left && !this.#stopped) this.#timer = setTimeout(() => this.start(), this.retryMilliseconds).unref();
    });
  }

  /** Lets the piece that it is at be finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** @returns whether something is left that could not be encrypted now. */
  async #sweep(): Promise<boolean> {
    const { table } = this.source;
    const counts = { sealed: 0, failed: 0 };
    try {
      for (let after = '', pieces = await this.source.next(after, BATCH); pieces.length > 0; pieces = await this.source.next(after, BATCH)) {
        for (const piece of pieces) {
          if (this.#stopped) return false;
          counts[(await this.#seal(piece)) ? 'sealed' : 'failed'] += 1;
          after = piece.id;
        }
      }
    } catch (error) {
      this.log.error({ table, ...errorFacts(error) }, 'encrypting what was stored before was interrupted');
      return true;
    }
    if (counts.sealed > 0) this.log.info({ table, count: counts.sealed }, 'what was stored before has been encrypted');
    return counts.failed > 0;
  }

  async #seal(piece: { id: string }): Promise<boolean> {
    try {
      await this.source.seal(piece);
      return true;
    } catch (error) {
      this.log.error({ table: this.source.table, rowId: piece.id, ...errorFacts(error) }, 'encrypting what was stored before failed');
      return false;
    }
  }
}
