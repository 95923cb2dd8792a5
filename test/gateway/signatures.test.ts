import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { SignatureInput } from '../generated/graphql.js';
import { advance, bringTo, CONTRACTS, EVALUATION, newCustomer, signature, submit } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER, SNAPSHOT, SUBMIT_SIGNATURES } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';

const gateway = useGateway({}, { workers: false });

/** One signature each that is refused, and where the fault is. */
const REFUSED: Record<string, { signatures: SignatureInput[]; path: string; code: string }> = {
  'the same contract twice in one request': { signatures: [signature('CSA'), signature('CSA')], path: 'signatures.1.contractType', code: 'already_signed' },
  'a contract that is not asked for': { signatures: [signature('WVR')], path: 'signatures.0.contractType', code: 'not_required' },
  'another version than the one in force': { signatures: [signature('CSA', { contractVersion: '0.9' })], path: 'signatures.0.contractVersion', code: 'not_in_force' },
  'no version': { signatures: [signature('CSA', { contractVersion: null })], path: 'signatures.0.contractVersion', code: 'required' },
  'a date in the future': { signatures: [signature('CSA', { contractSignedDate: '2126-01-31T09:30:00Z' })], path: 'signatures.0.contractSignedDate', code: 'in_future' },
  'no date': { signatures: [signature('CSA', { contractSignedDate: null })], path: 'signatures.0.contractSignedDate', code: 'required' },
  'terms that are not agreed to': { signatures: [signature('CSA', { userAgreesToTerms: false })], path: 'signatures.0.userAgreesToTerms', code: 'required' },
  'terms that nothing is said of': { signatures: [signature('CSA', { userAgreesToTerms: null })], path: 'signatures.0.userAgreesToTerms', code: 'required' },
  'no name': { signatures: [signature('CSA', { contractSignerNameFull: null })], path: 'signatures.0.contractSignerNameFull', code: 'required' },
  'a blank name': { signatures: [signature('CSA', { contractSignerNameFull: ' ' })], path: 'signatures.0.contractSignerNameFull', code: 'blank' },
  'no address': { signatures: [signature('CSA', { contractSignedIPAddress: null })], path: 'signatures.0.contractSignedIPAddress', code: 'required' },
  'no signature at all': { signatures: [], path: 'signatures', code: 'required' },
  'a good one beside a bad one': { signatures: [signature('CSA'), signature('MPA', { userAgreesToTerms: false })], path: 'signatures.1.userAgreesToTerms', code: 'required' },
};

const SIGNED = graphql(`
  query Signed($id: ID!) {
    identity(id: $id) {
      signatures {
        ...SignatureWhole
      }
    }
  }
  fragment SignatureWhole on Signature {
    id
    contractType
    contractVersion
    contractSignerNameFull
    contractSignedDate
    contractSignedIPAddress
    createdAt
    identity {
      id
    }
  }
`);
const SIGN = graphql(`
  mutation SignAndShow($input: SubmitSignaturesInput!) {
    submitSignatures(input: $input) {
      signatures {
        ...SignatureWhole
      }
    }
  }
`);

describe('signatures', () => {
  it('are answered as they are stored', async () => {
    const { partner, identityId } = await bringTo(gateway, 'AWAITING_SIGNATURE');
    const { submitSignatures } = await partner.request(SIGN, { input: { identityId, signatures: CONTRACTS.map((contract) => signature(contract)) } });
    expect(submitSignatures.signatures).toHaveLength(CONTRACTS.length);
    expect((await partner.request(SIGNED, { id: identityId })).identity?.signatures).toEqual(submitSignatures.signatures);
  });

  it('one by one, by different signers, each is told of, and the last completes them', async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'AWAITING_SIGNATURE');
    const changes = await partner.subscribe(IDENTITY_CHANGES, { identityId });
    const signers = ['Grace Hopper', 'Ada Lovelace', 'Mary Somerville'];
    for (const [index, contract] of CONTRACTS.entries()) {
      const { submitSignatures } = await partner.request(SUBMIT_SIGNATURES, {
        input: { identityId, signatures: [signature(contract, { contractSignerNameFull: signers[index]! })] },
      });
      expect(submitSignatures.signatures).toMatchObject([{ contractType: contract, contractVersion: '1.0', contractSignerNameFull: signers[index] }]);
      expect(submitSignatures.identity.signaturesSubmitted).toEqual(CONTRACTS.slice(0, index + 1));
      expect(submitSignatures.identity.signaturesRequired).toEqual(CONTRACTS.slice(index + 1));
      expect(submitSignatures.identity.status).toBe(index === CONTRACTS.length - 1 ? 'SIGNATURE_SUBMITTED' : 'AWAITING_SIGNATURE');
    }
    await advance(partner, 0);
    // `sign` is no change of status: it is not told as one.
    expect((await changes.take(2)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus)).toEqual(['SIGNATURE_SUBMITTED', 'APPROVED']);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.status).toBe('ACTIVE');
    await changes.close();
  });

  it('a contract that was signed before is refused, and changes nothing', async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'AWAITING_SIGNATURE');
    await partner.request(SUBMIT_SIGNATURES, { input: { identityId, signatures: [signature('MPA')] } });
    const before = await partner.request(SNAPSHOT, { id: customerId });
    const refused = await partner.refusal(SUBMIT_SIGNATURES, { input: { identityId, signatures: [signature('CSA'), signature('MPA')] } });
    expect(refused).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'signatures.1.contractType', code: 'already_signed' }] });
    expect(await partner.request(SNAPSHOT, { id: customerId })).toEqual(before);
  });

  it(`${Object.keys(REFUSED).join('; ')}: each is refused at its field, and changes nothing`, async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'AWAITING_SIGNATURE');
    const before = await partner.request(SNAPSHOT, { id: customerId });
    for (const [name, { signatures, path, code }] of Object.entries(REFUSED)) {
      const refused = await partner.refusal(SUBMIT_SIGNATURES, { input: { identityId, signatures } });
      expect([refused.code, refused.fields?.map((fault) => [fault.path, fault.code])], name).toEqual(['BAD_USER_INPUT', [[path, code]]]);
      expect(await partner.request(SNAPSHOT, { id: customerId }), name).toEqual(before);
    }
    console.log(`signatures: ${Object.keys(REFUSED).length} refused at their field`);
  });

  it('the refusal of a wrong version names the one in force', async () => {
    const { partner, identityId } = await bringTo(gateway, 'AWAITING_SIGNATURE');
    const refused = await partner.refusal(SUBMIT_SIGNATURES, { input: { identityId, signatures: [signature('CSA', { contractVersion: '0.9' })] } });
    expect(refused.fields?.[0]?.message).toContain('1.0');
  });

  it('EU_INDIVIDUAL signs the CSA alone', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, CALIFORNIAN, { transactionType: 'EU_INDIVIDUAL' });
    await advance(partner, EVALUATION);
    const { customer } = await partner.request(CUSTOMER, { id: customerId });
    expect(customer?.identity).toMatchObject({ status: 'AWAITING_SIGNATURE', signaturesRequired: ['CSA'] });
    const { submitSignatures } = await partner.request(SUBMIT_SIGNATURES, { input: { identityId, signatures: [signature('CSA')] } });
    expect(submitSignatures.identity.status).toBe('SIGNATURE_SUBMITTED');
  });
});
