/** A part of a stream. Its bytes are used up before the next is asked for: that lies in the same memory. */
export interface Part {
  bytes: Buffer;
  isLast: boolean;
}

/**
 * A stream in parts of `partBytes`, the first of `firstBytes`. The last may be shorter; it is empty only where the stream is.
 * One part is all of the stream that is held.
 */
export async function* partsOf(source: AsyncIterable<Uint8Array>, partBytes: number, firstBytes = partBytes): AsyncGenerator<Part> {
  const part = Buffer.allocUnsafeSlow(partBytes);
  let [filled, size] = [0, firstBytes];
  for await (const chunk of source) {
    for (let at = 0; at < chunk.byteLength; ) {
      if (filled === size) {
        yield { bytes: part.subarray(0, size), isLast: false };
        [filled, size] = [0, partBytes];
      }
      const taken = Math.min(chunk.byteLength - at, size - filled);
      part.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
    }
  }
  yield { bytes: part.subarray(0, filled), isLast: true };
}

/** A stream whose pieces nobody else holds. Each is used up before the next is asked for, and its memory given back then. */
export async function* givenBack<Piece extends Uint8Array>(source: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  for await (const piece of source) {
    yield piece;
    giveBack(piece);
  }
}

/** Copies a piece that nobody else holds to a place in another, and gives its memory back. */
export function moveInto(target: Buffer, piece: Buffer<ArrayBuffer>, at = 0): void {
  piece.copy(target, at);
  giveBack(piece);
}

/**
 * Gives the memory of a piece back. The garbage collector would do that too, but by going through all there is: once for every
 * few dozen megabytes, which is a third of what an upload costs.
 */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  // Where it has but a place in memory that others have places in too, as Node gives to small ones, it is not ours to give back.
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0);
}
