/** Lets so much work run at once and no more; the rest waits in the order in which it came. */
export class Turns {
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Its turn passes to whoever has waited longest.
      if (next) next();
      else this.#running -= 1;
    }
  }
}
