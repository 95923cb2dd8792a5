import { expect, it } from 'vitest';
import { PlainSweep, type PlainSource } from '../src/core/crypto/plain-sweep.js';
import { createLog } from '../src/core/log.js';

const PIECES = 250;
/** Milliseconds. */
const SOON = 1;

/** Pieces p000 … in the plain; those in `broken` cannot be encrypted. */
class Pieces implements PlainSource<{ id: string }> {
  readonly table = 'piece';
  readonly plain = Array.from({ length: PIECES }, (_, index) => `p${String(index).padStart(3, '0')}`);
  readonly tries: string[] = [];

  constructor(readonly broken: Set<string>) {}

  next(after: string, limit: number): Promise<{ id: string }[]> {
    return Promise.resolve(this.plain.filter((id) => id > after).slice(0, limit).map((id) => ({ id })));
  }

  seal({ id }: { id: string }): Promise<void> {
    this.tries.push(id);
    if (this.broken.has(id)) return Promise.reject(new Error('does not open'));
    this.plain.splice(this.plain.indexOf(id), 1);
    return Promise.resolve();
  }
}

const log = createLog({ logLevel: 'silent' });

it('what cannot be encrypted keeps nothing behind it in the plain, and is tried again until it can', async () => {
  const pieces = new Pieces(new Set(['p000', 'p120', 'p249']));
  const sweep = new PlainSweep(pieces, log, SOON);
  sweep.start();
  await expect.poll(() => pieces.plain).toEqual(['p000', 'p120', 'p249']);
  await expect.poll(() => pieces.tries.filter((id) => id === 'p120').length).toBeGreaterThan(2);
  pieces.broken.delete('p120');
  await expect.poll(() => pieces.plain).toEqual(['p000', 'p249']);
  pieces.broken.clear();
  await expect.poll(() => pieces.plain).toEqual([]);
  await sweep.stop();
  // Nothing that was encrypted is touched again.
  expect(new Set(pieces.tries).size).toBe(PIECES);
  expect(pieces.tries.filter((id) => id === 'p001')).toHaveLength(1);
});

it('one that is stopped tries nothing more', async () => {
  const pieces = new Pieces(new Set(['p000']));
  const sweep = new PlainSweep(pieces, log, SOON);
  sweep.start();
  await sweep.stop();
  const tries = pieces.tries.length;
  await new Promise((resolve) => setTimeout(resolve, 10 * SOON));
  expect(pieces.tries.length).toBe(tries);
});
