import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_POLICY, type Liveness } from '../../src/kyc/policy.js';
import {
  NO_DEMANDS, PHOTO_ID_DEMAND, PROOF_OF_ADDRESS_DEMAND, addDocumentDemand, fileTypesOf, openDocumentDemands, requestByReviewer, requirementsOf, submissionsOf,
  unmetBySubmission, type Demands, type RequirementSubject, type SubjectDocument, type SubmittedDocument,
} from '../../src/kyc/requirements.js';
import { DocumentFileType, DocumentStatus, IdClass, wordsOf } from '../../src/kyc/vocabularies.js';
import { subjectOf } from './people.js';

const CLASSES = wordsOf(IdClass);
const FILES = wordsOf(DocumentFileType);
const asked = (facts: Partial<RequirementSubject>) => openDocumentDemands(subjectOf(facts)).map((demand) => `${demand.kind} ${demand.code}`);
const faultsOf = (facts: Partial<RequirementSubject>, submitted: SubmittedDocument) => unmetBySubmission(subjectOf(facts), submitted).map((fault) => `${fault.path} ${fault.code}`);
const passport = (facts: Partial<SubjectDocument> = {}): SubjectDocument => ({ idClass: 'PASSPORT', fileTypes: ['FRONT_PHOTO'], status: 'APPROVED', submission: 1, ...facts });
const excused = { transactionType: 'EU_INDIVIDUAL' as const, kycData: { nationality: 'US', politicallyExposedPerson: false } };
const both = addDocumentDemand(addDocumentDemand(NO_DEMANDS, PHOTO_ID_DEMAND), PROOF_OF_ADDRESS_DEMAND);

describe('properties', () => {
  const demands: fc.Arbitrary<Demands> = fc.tuple(fc.boolean(), fc.boolean(), fc.option(fc.subarray([...CLASSES], { minLength: 1 })), fc.nat(3)).map(([photo, proof, reviewer, since]) => {
    let all = NO_DEMANDS;
    if (photo) all = addDocumentDemand(all, PHOTO_ID_DEMAND);
    if (proof) all = addDocumentDemand(all, PROOF_OF_ADDRESS_DEMAND);
    return reviewer ? requestByReviewer(all, { documents: reviewer }, since) : all;
  });
  const document = fc.record({ idClass: fc.constantFrom(...CLASSES), fileTypes: fc.subarray([...FILES]), status: fc.constantFrom(...wordsOf(DocumentStatus)), submission: fc.integer({ min: 1, max: 3 }) });
  const subject = fc.record({ demands, documents: fc.array(document, { maxLength: 3 }), hostedPage: fc.boolean(), excused: fc.boolean(), liveness: fc.constantFrom<Liveness>('NEVER', 'HOSTED_PAGE', 'ALWAYS') })
    .map((facts) => subjectOf({ ...facts, ...(facts.excused ? excused : {}), policy: { ...DEFAULT_POLICY, liveness: facts.liveness } }));

  test('there is always a submission that is accepted, and it comes nearer to the end', () => {
    let submitted = 0;
    fc.assert(fc.property(subject, (start) => {
      let current = start;
      for (let round = 0; openDocumentDemands(current).length > 0; round += 1) {
        expect(round).toBeLessThan(3);
        const choice = CLASSES.map((idClass) => ({ idClass, fileTypes: FILES })).find((each) => unmetBySubmission(current, each).length === 0);
        if (!choice) throw new Error('no submission would be accepted');
        const before = openDocumentDemands(current).length;
        current = { ...current, documents: [...current.documents, { ...choice, status: 'PENDING', submission: 4 + round }] };
        expect(openDocumentDemands(current).length).toBeLessThan(before);
        submitted += 1;
      }
    }), { numRuns: 1000 });
    expect(submitted).toBeGreaterThan(500);
  }, 60_000);

  test('a submission is accepted exactly when nothing stays open after it, unless no one class could meet all of it', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(fc.property(subject, fc.constantFrom(...CLASSES), fc.subarray([...FILES]), (start, idClass, fileTypes) => {
      const after = (each: SubmittedDocument) => openDocumentDemands({ ...start, documents: [...start.documents, { ...each, status: 'PENDING', submission: 4 }] });
      const possible = CLASSES.some((each) => after({ idClass: each, fileTypes: FILES }).length === 0);
      const isAccepted = unmetBySubmission(start, { idClass, fileTypes }).length === 0;
      const left = after({ idClass, fileTypes }).length;
      if (possible) expect(isAccepted).toBe(left === 0);
      else if (isAccepted) expect(left).toBeLessThan(openDocumentDemands(start).length);
      seen[isAccepted ? 'accepted' : 'refused'] += 1;
    }), { numRuns: 2000 });
    expect(seen.accepted).toBeGreaterThan(200);
    expect(seen.refused).toBeGreaterThan(200);
  }, 60_000);
});

describe('a photo id', () => {
  test('is asked by policy, nationality, exposure and, in a sandbox, a home in New York', () => {
    const withType = (kycData: RequirementSubject['kycData'], environment: 'SANDBOX' | 'LIVE' = 'LIVE') => asked({ transactionType: 'EU_INDIVIDUAL', kycData, environment });
    expect(asked({ kycData: { nationality: 'US', politicallyExposedPerson: false } })).toEqual(['DOCUMENT REQUIRED']);
    expect(withType({ nationality: 'US', politicallyExposedPerson: false })).toEqual([]);
    expect(withType({ nationality: 'DE' })).toEqual(['DOCUMENT REQUIRED']);
    expect(withType({ politicallyExposedPerson: true })).toEqual(['DOCUMENT REQUIRED']);
    const newYorker = { nationality: 'US', politicallyExposedPerson: false, address: { country: 'US', state: 'New York' } };
    expect(withType(newYorker)).toEqual([]);
    expect(withType(newYorker, 'SANDBOX')).toEqual(['DOCUMENT REQUIRED']);
  });

  test('is satisfied by a whole document that was not rejected', () => {
    for (const status of ['PENDING', 'PROCESSING', 'APPROVED'] as const) expect(asked({ documents: [passport({ status })] })).toEqual([]);
    expect(asked({ documents: [passport({ status: 'REJECTED' })] })).toEqual(['DOCUMENT REENTER']);
    expect(asked({ documents: [passport({ idClass: 'DRIVERS_LICENSE' })] })).toEqual(['DOCUMENT REQUIRED']);
    expect(asked({ documents: [passport({ idClass: 'VISA' })] })).toEqual(['DOCUMENT REQUIRED']);
  });
});

describe('a selfie', () => {
  const selfie = (liveness: Liveness, facts: Partial<RequirementSubject> = {}) => asked({ policy: { ...DEFAULT_POLICY, liveness }, ...facts }).includes('SELFIE REQUIRED');

  test('is asked beside the photo id, by policy and hosted page', () => {
    expect(selfie('NEVER', { hostedPage: true })).toBe(false);
    expect(selfie('HOSTED_PAGE', { hostedPage: true })).toBe(true);
    expect(selfie('HOSTED_PAGE')).toBe(false);
    expect(selfie('ALWAYS')).toBe(true);
    expect(selfie('ALWAYS', excused)).toBe(false);
    expect(selfie('ALWAYS', { documents: [passport({ fileTypes: ['FRONT_PHOTO', 'SELFIE'] })] })).toBe(false);
  });

  test('is listed as a requirement of its own', () => {
    const listed = requirementsOf(subjectOf({ hostedPage: true })).find((requirement) => requirement.kind === 'SELFIE');
    expect(listed).toEqual({ kind: 'SELFIE', field: null, acceptedDocuments: null, contract: null, code: 'REQUIRED', message: expect.any(String) });
  });
});

describe('demands', () => {
  test('of a reviewer are met only by a document submitted or replaced after them, and again open when it is rejected', () => {
    const first = passport();
    const demands = requestByReviewer(NO_DEMANDS, { documents: ['PASSPORT', 'VISA'] }, submissionsOf([first]));
    expect(asked({ demands, documents: [first] })).toEqual(['DOCUMENT REENTER']);
    expect(asked({ demands, documents: [first, passport({ submission: 2, status: 'PENDING' })] })).toEqual([]);
    expect(asked({ demands, documents: [{ ...first, submission: 2, status: 'PENDING' }] })).toEqual([]);
    expect(asked({ demands, documents: [first, passport({ submission: 2, status: 'REJECTED' })] })).toEqual(['DOCUMENT REENTER']);
  });

  test('of the provider are met by what the submission brought along', () => {
    const documents = [passport({ fileTypes: ['FRONT_PHOTO', 'PROOF_OF_RESIDENCY'] })];
    expect(asked({ ...excused, demands: both })).toEqual(['DOCUMENT REQUIRED', 'DOCUMENT REQUIRED']);
    expect(asked({ ...excused, demands: both, documents })).toEqual([]);
    expect(asked({ demands: both })).toHaveLength(2);
  });

  test('survive storage as JSON, and the same one twice is one', () => {
    expect(addDocumentDemand(both, { ...PHOTO_ID_DEMAND, accepted: [...PHOTO_ID_DEMAND.accepted].reverse() })).toEqual(both);
    expect(asked({ ...excused, demands: JSON.parse(JSON.stringify(both)) as Demands })).toHaveLength(2);
  });

  test('of a reviewer give way to the next decision, those of the provider stay', () => {
    const once = requestByReviewer(both, { fields: ['kycData.legalLastName'] }, 1);
    expect(once).toEqual({ fields: ['kycData.legalLastName'], documents: both.documents });
    const twice = requestByReviewer(once, { documents: ['VISA'] }, 2);
    expect(twice).toEqual({ fields: [], documents: [...both.documents, { accepted: ['VISA'], code: 'REENTER', since: 2 }] });
    expect(requestByReviewer(twice, { documents: ['LEASE_AGREEMENT'] }, 3).documents).toHaveLength(3);
  });

  test('that a stricter one implies are not listed beside it', () => {
    const demands = requestByReviewer(both, { documents: ['PASSPORT'] }, 1);
    const open = openDocumentDemands(subjectOf({ demands, documents: [passport({ status: 'REJECTED' })] }));
    expect(open.map((demand) => demand.acceptedDocuments)).toEqual([PROOF_OF_ADDRESS_DEMAND.accepted, ['PASSPORT']]);
  });
});

describe('a submission', () => {
  test('that leaves something unmet names what is missing', () => {
    expect(faultsOf({}, { idClass: 'DRIVERS_LICENSE', fileTypes: ['FRONT_PHOTO'] })).toEqual(['backPhoto required']);
    expect(faultsOf({}, { idClass: 'PASSPORT', fileTypes: [] })).toEqual(['frontPhoto required']);
    expect(faultsOf({}, { idClass: 'VISA', fileTypes: ['FRONT_PHOTO'] })).toEqual(['selectedIdClass not_accepted']);
    expect(unmetBySubmission(subjectOf({}), { idClass: 'VISA', fileTypes: [] })[0]?.message).toContain('PASSPORT, DRIVERS_LICENSE, NATIONAL_ID_CARD, RESIDENCE_PERMIT, STATE_ID');
    expect(faultsOf({ hostedPage: true }, { idClass: 'PASSPORT', fileTypes: ['FRONT_PHOTO'] })).toEqual(['selfie required']);
    expect(faultsOf({ hostedPage: true }, { idClass: 'STATE_ID', fileTypes: [] })).toEqual(['frontPhoto required', 'backPhoto required', 'selfie required']);
  });

  test('may bring more files than asked for', () => {
    expect(faultsOf({}, { idClass: 'PASSPORT', fileTypes: FILES })).toEqual([]);
  });

  test('meets a photo id and a proof of address at once, and has to', () => {
    expect(faultsOf({ demands: both }, { idClass: 'PASSPORT', fileTypes: ['FRONT_PHOTO', 'PROOF_OF_RESIDENCY'] })).toEqual([]);
    expect(faultsOf({ demands: both }, { idClass: 'PASSPORT', fileTypes: ['FRONT_PHOTO'] })).toEqual(['proofOfResidency required']);
    expect(faultsOf({ demands: both }, { idClass: 'UTILITY_BILL', fileTypes: ['PROOF_OF_RESIDENCY'] })).toEqual(['selectedIdClass not_accepted']);
    const [alone] = unmetBySubmission(subjectOf({ demands: both }), { idClass: 'UTILITY_BILL', fileTypes: ['PROOF_OF_RESIDENCY'] });
    expect(alone?.message).toMatch(/PASSPORT, .* beside it as proofOfResidency\.$/);
    const proofOnly = { ...excused, demands: addDocumentDemand(NO_DEMANDS, PROOF_OF_ADDRESS_DEMAND) };
    expect(faultsOf(proofOnly, { idClass: 'UTILITY_BILL', fileTypes: ['PROOF_OF_RESIDENCY'] })).toEqual([]);
    expect(faultsOf(proofOnly, { idClass: 'UTILITY_BILL', fileTypes: ['FRONT_PHOTO'] })).toEqual(['proofOfResidency required']);
  });

  test('meets one of two demands where no class could meet both', () => {
    const demands = requestByReviewer(NO_DEMANDS, { documents: ['VISA'] }, 1);
    const facts = { demands, documents: [passport({ status: 'REJECTED' as const })] };
    expect(faultsOf(facts, { idClass: 'VISA', fileTypes: ['FRONT_PHOTO'] })).toEqual([]);
    expect(faultsOf(facts, { idClass: 'PASSPORT', fileTypes: ['FRONT_PHOTO'] })).toEqual([]);
    expect(faultsOf(facts, { idClass: 'WORK_PERMIT', fileTypes: ['FRONT_PHOTO'] })).toEqual(['selectedIdClass not_accepted']);
  });

  test('of every class shows what the class has to show', () => {
    expect(Object.fromEntries(CLASSES.map((idClass) => [idClass, fileTypesOf(idClass).length]))).toEqual({
      PASSPORT: 1, PASSPORT_CARD: 1, DRIVERS_LICENSE: 2, NATIONAL_ID_CARD: 2, RESIDENCE_PERMIT: 2, STATE_ID: 2, VISA: 1, WORK_PERMIT: 1, UTILITY_BILL: 1, BANK_STATEMENT: 1, LEASE_AGREEMENT: 1,
    });
  });
});
