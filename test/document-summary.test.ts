import { describe, expect, it } from 'vitest';
import { findingsOf } from '../src/document/mrz.js';
import { summaryOf, type SummarySubject } from '../src/document/summary.js';
import { ADA, passportZone } from './support/mrz.js';

const NOW = new Date('2026-06-01T00:00:00Z');
const PERSON = { legalFirstName: 'Ada', legalLastName: 'Lovelace', dateOfBirth: '1990-01-31' };
const CLEAN: SummarySubject = { status: 'APPROVED', rejectionReason: null, findings: [], warnings: [] };
const findings = (change: object) => findingsOf({ mrz: passportZone({ ...ADA, ...change }), number: null, expirationDate: null }, PERSON, NOW);

describe('the summary of a document, for its applicant', () => {
  it('is null where nothing was found', () => {
    expect(summaryOf(CLEAN)).toBeNull();
  });

  it('of a rejection without findings is its reason', () => {
    expect(summaryOf({ ...CLEAN, status: 'REJECTED', rejectionReason: 'The address answered with status 404.' })).toBe('The address answered with status 404.');
  });

  it('names every field that differs in plain words, what to do, and no value', () => {
    const summary = summaryOf({ ...CLEAN, status: 'REJECTED', rejectionReason: 'unused', findings: findings({ lastName: 'BABBAGE', birth: '900201' }) });
    expect(summary).toBe('The document was not accepted. It differs from what was entered in: date of birth, last name. Correct what was entered, or send the right document.');
  });

  it('of an expired document says so', () => {
    expect(summaryOf({ ...CLEAN, findings: findings({ expiry: '200101' }) })).toBe('It has expired: send one that is valid.');
  });

  it('repeats what is wrong with the pictures once', () => {
    const blurred = { code: 'blurred', message: 'The picture is blurred. Hold the camera still and let it focus.', measured: 3, wanted: 60 };
    expect(summaryOf({ ...CLEAN, warnings: [blurred, blurred] })).toBe(blurred.message);
  });
});
