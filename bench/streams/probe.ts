// Loaded into the measured servers: says how much memory they hold once everything that can be collected has been.

process.on('message', (message: { probe?: 'memory' }) => {
  if (message.probe !== 'memory') return;
  // Twice: what finalizers let go of is collected by the second.
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  process.send?.({ rss, heapUsed });
});
process.channel?.unref();
