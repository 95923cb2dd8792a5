import type { Database } from '../database.js';
import type { Listener } from '../listener.js';
import { ERASURE_CHANNEL } from './data-keys.js';

/** Hears at once of each customer whose data is erased, by whatever replica: its key is held here no longer. */
export class Erasures {
  #listener: Listener | null = null;

  constructor(
    private readonly database: Database,
    /** What else follows from it in this process. */
    private readonly heard: (customerId: string) => void,
  ) {}

  async start(): Promise<void> {
    const { vault } = this.database;
    const hear = (customerId: string): void => {
      vault.destroyed(customerId);
      this.heard(customerId);
    };
    this.#listener = await this.database.listen(ERASURE_CHANNEL, hear, () => vault.forgetAll());
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
  }
}
