/**
 * Work that many ask for at once, done once for all of them. Who asks before it has begun shares it; who asks while it
 * runs shares the next round: so no answer is older than its question.
 */
export class Rounds<Result> {
  #gathering = new Map<string, Promise<Result>>();
  #running = new Map<string, Promise<unknown>>();

  /** Joins the next round of a key. Its work is that of the first to join: whatever joins under one key must ask for the same. */
  join(key: string, work: () => Promise<Result>): Promise<Result> {
    const gathering = this.#gathering.get(key);
    if (gathering) return gathering;
    const round = this.#round(key, work);
    this.#gathering.set(key, round);
    return round;
  }

  async #round(key: string, work: () => Promise<Result>): Promise<Result> {
    await this.#running.get(key);
    // Whoever is woken by the same as the first asks in the same turn of the event loop.
    await endOfTurn();
    this.#gathering.delete(key);
    const result = work();
    const ended = result.then(ignore, ignore);
    this.#running.set(key, ended);
    try {
      return await result;
    } finally {
      if (this.#running.get(key) === ended) this.#running.delete(key);
    }
  }
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ignore(): void {}
