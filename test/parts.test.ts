import { describe, expect, test } from 'vitest';
import { givenBack, moveInto } from '../src/core/parts.js';

/** A piece with memory of its own. */
function ownPiece(text: string): Buffer<ArrayBuffer> {
  const piece = Buffer.allocUnsafeSlow(text.length);
  piece.write(text);
  return piece;
}

async function* each<Piece>(pieces: readonly Piece[]): AsyncGenerator<Piece> {
  yield* pieces;
}

describe('the memory of a stream', () => {
  test('is given back piece by piece, each when the next is asked for', async () => {
    const pieces = ['one', 'two', 'three'].map(ownPiece);
    const memory = pieces.map(({ buffer }) => buffer);
    const seen: string[] = [];
    for await (const piece of givenBack(each(pieces))) {
      seen.push(String(piece));
      expect(memory.map(({ detached }) => detached)).toEqual(memory.map((_, index) => index < seen.length - 1));
    }
    expect(seen).toEqual(['one', 'two', 'three']);
    expect(memory.every(({ detached }) => detached)).toBe(true);
  });

  test('is left alone where others have places in it', async () => {
    const whole = ownPiece('one two three');
    for await (const piece of givenBack(each([whole.subarray(0, 3), whole.subarray(4)]))) expect(piece.length).toBeGreaterThan(0);
    const target = Buffer.alloc(3);
    moveInto(target, whole.subarray(0, 3));
    expect(String(target)).toBe('one');
    expect(String(whole)).toBe('one two three');
  });

  test('is given back once it was copied', () => {
    const piece = ownPiece('one');
    const { buffer } = piece;
    const target = Buffer.alloc(5, '.');
    moveInto(target, piece, 1);
    expect(String(target)).toBe('.one.');
    expect(buffer.detached).toBe(true);
  });
});
