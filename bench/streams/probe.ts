import { getHeapSpaceStatistics } from 'node:v8';

// Loaded into the measured servers: says how much memory they hold once everything that can be collected has been.

process.on('message', (message: { probe?: 'memory' }) => {
  if (message.probe !== 'memory') return;
  // Twice: what finalizers let go of is collected by the second.
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  // Of the heap what is in use: the room that it has taken beside that follows from how fast subscribers came, and from who was there before.
  const heapResident = getHeapSpaceStatistics().reduce((sum, { physical_space_size: size }) => sum + size, 0);
  process.send?.({ rss, heapUsed, held: rss - heapResident + heapUsed });
});
process.channel?.unref();
