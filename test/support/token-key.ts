import { generateKeyPairSync } from 'node:crypto';

/** TOKEN_KEY of the gateways that have to be told one: all of a process share it, as replicas do. */
export const TOKEN_KEY = JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
