import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fileTypesOf } from '../../src/kyc/document-demands.js';
import type { FieldPath } from '../../src/kyc/fields.js';
import { graphql } from '../generated/index.js';
import type { KycDataInput } from '../generated/graphql.js';
import { person, pick, somePaths, transactionType } from '../kyc/people.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, photo, REVIEWING, signature, submit } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { PATCH_CUSTOMER, SUBMIT_DOCUMENT, SUBMIT_SIGNATURES } from '../support/operations.js';

const gateway = useGateway();
const PEOPLE = 30;
/** Fields twice or thrice, since answers reveal questions; documents; signatures. */
const MOST_ROUNDS = 6;

const STILL_MISSING = graphql(`
  query StillMissing($id: ID!) {
    customer(id: $id) {
      status
      requirements { kind field code acceptedDocuments contract { type version } }
      identity { id status }
    }
  }
`);

it(`${PEOPLE} generated people come to ACTIVE by giving exactly what requirements lists, and nothing of it is refused`, { timeout: 300_000 }, async () => {
  const { partner } = await gateway.organization();
  let rounds = 0;
  let given = 0;
  await fc.assert(
    fc.asyncProperty(person, somePaths, transactionType, async (answers, known, type) => {
      const customerId = await newCustomer(partner);
      await submit(partner, customerId, pick(answers, known) as KycDataInput, type === null ? {} : { transactionType: type });
      for (let round = 0; ; round += 1) {
        await advance(partner, EVALUATION + DOCUMENT_CHECK + REVIEWING);
        const { customer } = await partner.request(STILL_MISSING, { id: customerId });
        const { requirements, identity } = customer!;
        if (customer!.status === 'ACTIVE') {
          expect(requirements).toEqual([]);
          return;
        }
        expect(round, JSON.stringify([identity?.status, requirements])).toBeLessThan(MOST_ROUNDS);
        expect(requirements.length, identity?.status).toBeGreaterThan(0);
        const fields = requirements.flatMap(({ field }) => (field ? [field as FieldPath] : []));
        const [document] = requirements.filter(({ kind }) => kind === 'DOCUMENT');
        if (fields.length > 0) {
          await partner.request(PATCH_CUSTOMER, { input: { customerId, kycData: pick(answers, fields) as KycDataInput } });
          given += fields.length;
        } else if (document) {
          const selectedIdClass = document.acceptedDocuments![round % document.acceptedDocuments!.length]!;
          const backPhoto = fileTypesOf(selectedIdClass).includes('BACK_PHOTO') ? { backPhoto: await photo('back.jpg') } : {};
          await partner.request(SUBMIT_DOCUMENT, { input: { identityId: identity!.id, selectedIdClass, frontPhoto: await photo(), ...backPhoto } });
          given += 1;
        } else {
          const signatures = requirements.map(({ contract }) => signature(contract!.type, { contractVersion: contract!.version }));
          await partner.request(SUBMIT_SIGNATURES, { input: { identityId: identity!.id, signatures } });
          given += signatures.length;
        }
        rounds += 1;
      }
    }),
    { numRuns: PEOPLE },
  );
  console.log(`${PEOPLE} people came to ACTIVE in ${rounds} rounds by ${given} things that were listed`);
  expect(given).toBeGreaterThan(5 * PEOPLE);
});
