import { fileURLToPath } from 'node:url';

/** A module of the gateway's build, typed as its source. Its path is that of the source, without the ending. */
async function built<Module>(path: string): Promise<Module> {
  return (await import(fileURLToPath(new URL(`../../dist/${path}.js`, import.meta.url)))) as Module;
}

// The gateway first: it brings the metadata that decorators need.
export const gateway = await built<typeof import('../../src/gateway.js')>('gateway');
export const cipher = await built<typeof import('../../src/core/crypto/cipher.js')>('core/crypto/cipher');
export const config = await built<typeof import('../../src/core/config.js')>('core/config');
export const customerReads = await built<typeof import('../../src/customer/reads.js')>('customer/reads');
export const database = await built<typeof import('../../src/core/database.js')>('core/database');
export const documentReads = await built<typeof import('../../src/document/reads.js')>('document/reads');
export const identityReads = await built<typeof import('../../src/identity/reads.js')>('identity/reads');
export const keyRing = await built<typeof import('../../src/core/crypto/key-ring.js')>('core/crypto/key-ring');
export const keys = await built<typeof import('../../src/organization/keys.js')>('organization/keys');
export const log = await built<typeof import('../../src/core/log.js')>('core/log');
export const personalData = await built<typeof import('../../src/kyc/personal-data.js')>('kyc/personal-data');
export const policies = await built<typeof import('../../src/organization/policies.js')>('organization/policies');
export const policy = await built<typeof import('../../src/kyc/policy.js')>('kyc/policy');
export const requirements = await built<typeof import('../../src/kyc/requirements.js')>('kyc/requirements');
export const sealedTable = await built<typeof import('../../src/core/crypto/sealed-table.js')>('core/crypto/sealed-table');
export const signatureReads = await built<typeof import('../../src/signature/reads.js')>('signature/reads');
