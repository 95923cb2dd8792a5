import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { newDataKey, SealBroken } from '../src/core/crypto/cipher.js';
import { openFile, SEGMENT_BYTES, sealFile, type FilePlace } from '../src/core/crypto/file-cipher.js';

const PLACE: FilePlace = { organizationId: 'org_1', id: 'fup_1', storageKey: 'org_1/fup_1' };
/** Bytes that the header and the tag of the first segment take of it, and the tag of any other. */
const [FIRST, TAG] = [48 + 16, 16];
const key = newDataKey();
const tried = { roundTrips: 0, changes: 0 };
afterAll(() => {
  console.log(`files: ${tried.roundTrips} of any length opened as they were, ${tried.changes} changed ones refused`);
  expect(tried.roundTrips).toBeGreaterThanOrEqual(300);
  expect(tried.changes).toBeGreaterThanOrEqual(1_200);
});

/** A stream of bytes in chunks of the given sizes, again and again. */
function inChunks(bytes: Buffer, sizes: readonly number[]): Readable {
  const chunks: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length]!;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return Readable.from(chunks);
}
async function seal(plain: Buffer, place = PLACE, sizes: readonly number[] = [plain.length || 1]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  // Each is used up, copied that is, before the next is asked for.
  for await (const piece of sealFile(key, place, inChunks(plain, sizes))) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}
const open = (sealed: Buffer, place = PLACE, sizes: readonly number[] = [sealed.length || 1], by = key): Promise<Buffer> => buffer(openFile(by, place, inChunks(sealed, sizes)));
async function refuses(sealed: Buffer, place = PLACE, by = key): Promise<void> {
  await expect(open(sealed, place, undefined, by)).rejects.toThrow(SealBroken);
  tried.changes += 1;
}
const sizesOfChunks = fc.array(fc.integer({ min: 1, max: 2 * SEGMENT_BYTES }), { minLength: 1, maxLength: 5 });
/** Lengths about the ends of segments, and any others. */
const lengths = fc.oneof(
  fc.integer({ min: 0, max: 3 * SEGMENT_BYTES }),
  fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -2, max: 2 })).map(([segments, off]) => Math.max(0, SEGMENT_BYTES - FIRST + segments * (SEGMENT_BYTES - TAG) + off)),
);

describe('a file that was encrypted', () => {
  it('opens as it was, whatever its bytes and its length, however it streams in and out', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, sizesOfChunks, sizesOfChunks, async (length, into, out) => {
        const plain = randomBytes(length);
        const sealed = await seal(plain, PLACE, into);
        expect((await open(sealed, PLACE, out)).equals(plain)).toBe(true);
        tried.roundTrips += 1;
      }),
      { numRuns: 300 },
    );
  });

  it('has no part of the plain text in it, nothing in common with another of the same file, and is longer by a header and a tag a segment', async () => {
    const plain = Buffer.alloc(2 * SEGMENT_BYTES, 'plain canary ');
    const [one, two] = [await seal(plain), await seal(plain)];
    expect(one.includes('canary')).toBe(false);
    expect(one.subarray(9, 48)).not.toEqual(two.subarray(9, 48));
    expect(one.subarray(48, 64)).not.toEqual(two.subarray(48, 64));
    expect(one.length - plain.length).toBe(48 + 3 * 16);
    expect((await seal(Buffer.alloc(0))).length).toBe(FIRST);
  });

  it('does not open with any one bit changed', async () => {
    const plain = randomBytes(2 * SEGMENT_BYTES);
    const sealed = await seal(plain);
    const flip = async (bit: number): Promise<void> => {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      await refuses(changed);
    };
    for (let bit = 0; bit < 64 * 8; bit += 1) await flip(bit);
    for (let bit = (sealed.length - TAG) * 8; bit < sealed.length * 8; bit += 1) await flip(bit);
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: sealed.length * 8 - 1 }), flip), { numRuns: 300 });
  });

  it('does not open when it was cut off anywhere, between two segments too, or when something follows it', async () => {
    const sealed = await seal(randomBytes(3 * SEGMENT_BYTES));
    for (let segments = 0; segments * SEGMENT_BYTES < sealed.length; segments += 1) {
      for (const off of [-17, -16, -1, 0, 1, 16, 17, 48, 63]) {
        const length = segments * SEGMENT_BYTES + off;
        if (length >= 0 && length < sealed.length) await refuses(sealed.subarray(0, length));
      }
    }
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: sealed.length - 1 }), (length) => refuses(sealed.subarray(0, length))), { numRuns: 200 });
    for (const length of [1, 16, 64, SEGMENT_BYTES]) await refuses(Buffer.concat([sealed, randomBytes(length)]));
    await refuses(Buffer.concat([sealed, sealed]));
  });

  it('does not open when its segments are swapped, repeated, left out, or those of another file', async () => {
    const [one, two] = [await seal(randomBytes(4 * SEGMENT_BYTES)), await seal(randomBytes(4 * SEGMENT_BYTES))];
    const cut = (sealed: Buffer): Buffer[] => Array.from({ length: Math.ceil(sealed.length / SEGMENT_BYTES) }, (_, index) => sealed.subarray(index * SEGMENT_BYTES, (index + 1) * SEGMENT_BYTES));
    const [segments, others] = [cut(one), cut(two)];
    expect(segments).toHaveLength(5);
    for (let left = 0; left < 4; left += 1) {
      for (let right = 0; right < 4; right += 1) {
        if (left !== right) await refuses(Buffer.concat(segments.with(left, segments[right]!).with(right, segments[left]!)));
        if (left !== right) await refuses(Buffer.concat(segments.with(left, segments[right]!)));
      }
      await refuses(Buffer.concat(segments.toSpliced(left, 1)));
      await refuses(Buffer.concat(segments.toSpliced(left, 0, segments[left]!)));
      await refuses(Buffer.concat(segments.with(left, others[left]!)));
    }
    // With the other's header, and so its key, all but the first are strangers.
    await refuses(Buffer.concat([others[0]!, ...segments.slice(1)]));
  });

  it('does not open in another organization, of another row, under another name, nor by another key', async () => {
    const sealed = await seal(randomBytes(100));
    for (const change of [{ organizationId: 'org_2' }, { id: 'fup_2' }, { storageKey: 'org_1/fup_2' }]) await refuses(sealed, { ...PLACE, ...change });
    await refuses(sealed, PLACE, newDataKey());
    await refuses(sealed, PLACE, { ...newDataKey(), id: key.id });
    expect(await open(sealed)).toHaveLength(100);
  });

  it('gives no byte of a segment that was changed, however much came before it', async () => {
    const plain = randomBytes(4 * SEGMENT_BYTES);
    const sealed = await seal(plain);
    sealed[2 * SEGMENT_BYTES + 7]! ^= 1;
    const given: Buffer[] = [];
    await expect((async () => {
      for await (const chunk of openFile(key, PLACE, inChunks(sealed, [1000]))) given.push(Buffer.from(chunk));
    })()).rejects.toThrow(SealBroken);
    const shown = Buffer.concat(given);
    expect(shown.length).toBe(2 * SEGMENT_BYTES - FIRST - TAG);
    expect(shown.equals(plain.subarray(0, shown.length))).toBe(true);
  });

  it('that fails as it is read, fails as it did', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield randomBytes(SEGMENT_BYTES * 2);
      throw new Error('the client went away');
    }
    await expect(buffer(sealFile(key, PLACE, failing()))).rejects.toThrow('the client went away');
  });
});
