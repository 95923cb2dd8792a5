import { describe, expect, it } from 'vitest';
import { EVALUATION, advance, newCustomer, photo, submit } from '../support/flows.js';
import { storedFiles, useGateway } from '../support/gateway.js';
import { CUSTOMER, SUBMIT_DOCUMENT } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

// Nobody listens there.
const gateway = useGateway({ CLAMD_URL: 'tcp://127.0.0.1:1' }, { workers: false });

describe('while the virus scanner does not answer', () => {
  it('an upload is SERVICE_UNAVAILABLE, nothing is kept and no attempt is spent', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, GERMAN);
    await advance(partner, EVALUATION);
    const facts = await partner.refusal(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    expect(facts).toMatchObject({ code: 'SERVICE_UNAVAILABLE', statusCode: 503, retryAfter: 5 });
    expect(await storedFiles(gateway)).toEqual([]);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity).toMatchObject({ status: 'AWAITING_DOCUMENT_UPLOAD', documentAttemptsRemaining: 3 });
  });
});
