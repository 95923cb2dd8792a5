import type { Writable } from 'node:stream';

const waiting = new WeakMap<Writable, Promise<void>>();

/** Resolved when a stream that took no more takes more, or has closed. However many wait for it, it is listened to once. */
export function drained(stream: Writable): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  let wait = waiting.get(stream);
  if (!wait) {
    wait = new Promise((resolve) => {
      const done = (): void => {
        stream.off('drain', done).off('close', done);
        waiting.delete(stream);
        resolve();
      };
      stream.on('drain', done).on('close', done);
    });
    waiting.set(stream, wait);
  }
  return wait;
}
