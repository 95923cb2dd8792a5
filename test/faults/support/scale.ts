/** `npm run faults` runs everything; with FAULTS=short, some of each. */
export const isFull = process.env['FAULTS'] !== 'short';

/** How many of something a run makes. */
export function scaled(full: number, short: number): number {
  return isFull ? full : short;
}

/** One line a case, with its counts. */
export function told(name: string, counts: Readonly<Record<string, number | string>>): void {
  console.log(`${name}: ${Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ')}`);
}

/** Runs many tasks, so many at a time, in their order. */
export async function inLanes<Item>(items: readonly Item[], lanes: number, run: (item: Item, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const [index, item] of queue) await run(item, index);
    }),
  );
}

/** Asks until it is so. Throws when it is not so in time. @returns the milliseconds that took. */
export async function until(what: string, milliseconds: number, isSo: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > milliseconds) throw new Error(`${what}: not within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return performance.now() - began;
}
