import { config, gateway } from '../data/built.ts';

// The gateway as it ships, but for its workers: it enqueues jobs, and leaves them.

const serving = await gateway.startGateway(config.readConfig(process.env), { workers: false });
process.on('SIGTERM', () => void serving.stop().then(() => process.exit(0)));
