import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasPostalCodes } from '../../src/kyc/addresses.js';
import { hasSubdivisions } from '../../src/kyc/countries.js';
import { FIELD_PATHS, completeKycData, mergeKycData, type FieldPath, type KycData } from '../../src/kyc/fields.js';
import {
  NO_DEMANDS, addFieldDemands, meetFieldDemands, missingFields, requirementsOf, residenceOf, type Requirement, type RequirementSubject,
} from '../../src/kyc/requirements.js';
import { validateKycData } from '../../src/kyc/validation.js';
import { CONTEXT, person, pick, somePaths, subjectOf, transactionType } from './people.js';

/** Milliseconds. Properties run hundreds of times, on machines that may be busy with other suites. */
const SLOW = 60_000;
/** Answers reveal questions: country and nationality, then what hangs on them. */
const MAX_ROUNDS = 3;
const NATIONAL_ID: readonly FieldPath[] = ['kycData.nationalIdType', 'kycData.nationalIdNumber', 'kycData.nationalIdIssuingCountry'];

function fieldsOf(requirements: readonly Requirement[]): string[] {
  return requirements.flatMap((requirement) => (requirement.field ? [requirement.field.replace('kycData.', '')] : []));
}

describe('properties', () => {
  test('filling exactly what is listed always leaves no field requirement, within three rounds, and is never refused', () => {
    const counts = { rounds: 0, reentered: 0 };
    fc.assert(fc.property(person, somePaths, somePaths, transactionType, fc.boolean(), (answers, known, demanded, type, wrongId) => {
      const unfit: KycData = wrongId ? { nationalIdType: 'PASSPORT', nationalIdNumber: 'X1234567', nationalIdIssuingCountry: 'FR' } : {};
      let kycData = mergeKycData({ ...mergeKycData({}, pick(answers, known)) }, unfit);
      let demands = addFieldDemands(NO_DEMANDS, demanded.slice(0, 3));
      // Type, number and country of a national id are one answer: who gives another type gives all three.
      if (demands.fields.some((field) => NATIONAL_ID.includes(field))) demands = addFieldDemands(demands, NATIONAL_ID);
      for (let round = 0; ; round += 1) {
        const listed = missingFields(subjectOf({ kycData, transactionType: type, demands }));
        if (listed.length === 0) break;
        expect(round, JSON.stringify(fieldsOf(listed))).toBeLessThan(MAX_ROUNDS);
        const patch = pick(answers, listed.flatMap((requirement) => requirement.field ?? []));
        // Subdivisions and postal codes that a country does not have may be demanded, but cannot be given.
        for (const { field } of listed) if (field && Object.keys(pick(answers, [field])).length === 0) demands = { ...demands, fields: demands.fields.filter((each) => each !== field) };
        const { faults, value } = validateKycData(patch, kycData, CONTEXT);
        expect(faults).toEqual([]);
        kycData = mergeKycData(kycData, value);
        demands = meetFieldDemands(demands, value);
        counts.rounds += 1;
        counts.reentered += listed.filter((requirement) => requirement.code === 'REENTER').length;
      }
    }), { numRuns: 1000 });
    console.log(`requirements: 1000 people, ${counts.rounds} rounds, ${counts.reentered} fields entered again`);
    expect(counts.rounds).toBeGreaterThan(1000);
    expect(counts.reentered).toBeGreaterThan(500);
  }, SLOW);

  test('every conditional requirement is listed as soon as the answers that decide it are there, and not before', () => {
    const seen = { tax: 0, enterprise: 0, postal: 0, photo: 0 };
    fc.assert(fc.property(person, somePaths, transactionType, fc.constantFrom('SANDBOX' as const, 'LIVE' as const), (answers, known, type, environment) => {
      const kycData = mergeKycData({}, pick(answers, known));
      const requirements = requirementsOf(subjectOf({ kycData, transactionType: type, environment }));
      const fields = new Set(fieldsOf(requirements));
      const country = kycData.address?.country;
      const american = kycData.nationality === 'US' || residenceOf(kycData) === 'US';

      const taxExpected = (type === null || american) && kycData.nationalIdNumber === undefined;
      if (kycData.nationalIdNumber === undefined) expect(fields.has('nationalIdNumber')).toBe(taxExpected);
      if (!taxExpected && kycData.nationalIdNumber === undefined) {
        expect(kycData.nationality !== undefined || fields.has('nationality')).toBe(true);
        expect(residenceOf(kycData) !== undefined || fields.has('countryOfResidence')).toBe(true);
      }
      const enterpriseExpected = kycData.isEntity === true && kycData.enterpriseName === undefined;
      expect(fields.has('enterpriseName')).toBe(enterpriseExpected);
      const postalExpected = country !== undefined && hasPostalCodes(country) && kycData.address?.postalCode === undefined;
      expect(fields.has('address.postalCode')).toBe(postalExpected);
      if (country === undefined) expect(fields.has('address.country')).toBe(true);
      const completed = completeKycData(kycData);
      expect(fields.has('address.stateCode')).toBe(country !== undefined && hasSubdivisions(country) && completed.address?.stateCode === undefined);

      const asksPhoto = requirements.some((requirement) => requirement.kind === 'DOCUMENT');
      const inNewYork = environment === 'SANDBOX' && country === 'US' && completed.address?.stateCode === 'NY';
      const foreign = kycData.nationality !== undefined && kycData.nationality !== 'US';
      expect(asksPhoto).toBe(type === null || foreign || kycData.politicallyExposedPerson === true || inNewYork);
      if (type !== null && kycData.politicallyExposedPerson === undefined) expect(fields.has('politicallyExposedPerson')).toBe(true);

      seen.tax += Number(taxExpected); seen.enterprise += Number(enterpriseExpected); seen.postal += Number(postalExpected); seen.photo += Number(asksPhoto);
    }), { numRuns: 1500 });
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  }, SLOW);

  test('a person with every answer lacks no field, and what is listed is what is absent or unfit', () => {
    fc.assert(fc.property(person, transactionType, fc.constantFrom(...FIELD_PATHS), (answers, type, path) => {
      const whole = subjectOf({ kycData: answers, transactionType: type });
      expect(missingFields(whole)).toEqual([]);
      const kept = FIELD_PATHS.filter((each) => each !== path);
      const listed = missingFields({ ...whole, kycData: mergeKycData({}, pick(answers, kept)) });
      for (const requirement of listed) expect(requirement).toMatchObject({ kind: 'FIELD', acceptedDocuments: null, contract: null, message: expect.stringMatching(/\.$/) });
      const allowed = new Set<FieldPath | null>([path]);
      expect(listed.every((requirement) => allowed.has(requirement.field))).toBe(true);
    }), { numRuns: 500 });
  }, SLOW);
});

describe('from the first call', () => {
  test('without a transaction type the Customer API’s fields and a photo id are listed', () => {
    const requirements = requirementsOf(subjectOf({}));
    expect(fieldsOf(requirements)).toEqual([
      'legalFirstName', 'legalLastName', 'phoneNumber', 'dateOfBirth', 'nationality', 'address.addressLine1', 'address.city', 'address.country', 'address.locale',
      'employmentStatus', 'sourceOfFunds', 'accountPurpose', 'expectedMonthlyPaymentsUsd', 'isIntermediary',
      'nationalIdType', 'nationalIdNumber', 'nationalIdIssuingCountry', 'mostRecentOccupation',
    ]);
    expect(requirements.every((requirement) => requirement.kind !== 'FIELD' || requirement.message === 'Missing data for required field.')).toBe(true);
    expect(requirements.at(-1)).toEqual({
      kind: 'DOCUMENT', field: null, contract: null, code: 'REQUIRED', message: expect.stringContaining('DRIVERS_LICENSE (front and back)'),
      acceptedDocuments: ['PASSPORT', 'DRIVERS_LICENSE', 'NATIONAL_ID_CARD', 'RESIDENCE_PERMIT', 'STATE_ID'],
    });
  });

  test('with one the Identity API’s fields and the contracts are listed', () => {
    const requirements = requirementsOf(subjectOf({ transactionType: 'INSTITUTIONAL_INDIVIDUAL', signedContracts: ['MPA'] }));
    expect(fieldsOf(requirements)).toEqual([
      'legalFirstName', 'legalLastName', 'dateOfBirth', 'nationality', 'address.addressLine1', 'address.city', 'address.country', 'politicallyExposedPerson', 'countryOfResidence',
    ]);
    const signatures = requirements.filter((requirement) => requirement.kind === 'SIGNATURE');
    expect(signatures.map((requirement) => requirement.contract?.type)).toEqual(['CSA', 'MIC']);
    expect(signatures[0]?.contract).toEqual({ type: 'CSA', version: '1.0', title: expect.any(String), text: expect.any(String) });
  });

  test('false is an answer, and either occupation is one', () => {
    const fields = fieldsOf(requirementsOf(subjectOf({ kycData: { isIntermediary: false, occupation: 'OTHER' } })));
    expect(fields).not.toContain('isIntermediary');
    expect(fields).not.toContain('mostRecentOccupation');
  });
});

describe('the national id', () => {
  const fieldsFor = (kycData: KycData, facts: Partial<RequirementSubject> = {}) =>
    missingFields(subjectOf({ kycData, ...facts })).filter((requirement) => requirement.field?.includes('nationalId')).map((requirement) => `${requirement.field?.slice(8)} ${requirement.code}`);

  test('of a US citizen is an SSN, of a US resident an SSN or ITIN: another is wanted again, with all that hangs on it', () => {
    const passport: KycData = { nationalIdType: 'PASSPORT', nationalIdNumber: 'X123', nationalIdIssuingCountry: 'DE' };
    const all = ['nationalIdType REENTER', 'nationalIdNumber REENTER', 'nationalIdIssuingCountry REENTER'];
    expect(fieldsFor({ ...passport, nationality: 'US' })).toEqual(all);
    expect(fieldsFor({ ...passport, nationality: 'DE', countryOfResidence: 'US' }, { transactionType: 'EU_INDIVIDUAL' })).toEqual(all);
    expect(fieldsFor({ ...passport, nationality: 'DE', countryOfResidence: 'DE' })).toEqual([]);
    expect(fieldsFor({ nationality: 'US', nationalIdType: 'ITIN', nationalIdNumber: '900-70-1234', nationalIdIssuingCountry: 'US' })).toEqual(['nationalIdType REENTER', 'nationalIdNumber REENTER']);
    expect(fieldsFor({ nationality: 'DE', address: { country: 'US' }, nationalIdType: 'ITIN', nationalIdNumber: '900-70-1234', nationalIdIssuingCountry: 'US' })).toEqual([]);
  });

  test('type is not asked of US citizens, and with a transaction type nothing is asked of people abroad', () => {
    expect(fieldsFor({ nationality: 'US' })).toEqual(['nationalIdNumber REQUIRED', 'nationalIdIssuingCountry REQUIRED']);
    expect(fieldsFor({ nationality: 'US' }, { transactionType: 'EU_INDIVIDUAL' })).toEqual(['nationalIdNumber REQUIRED']);
    expect(fieldsFor({ nationality: 'FR', countryOfResidence: 'DE' }, { transactionType: 'EU_INDIVIDUAL' })).toEqual([]);
    expect(fieldsFor({ nationality: 'FR', countryOfResidence: 'US' }, { transactionType: 'EU_INDIVIDUAL' })).toEqual(['nationalIdType REQUIRED', 'nationalIdNumber REQUIRED']);
  });
});

describe('a demand for fields', () => {
  const demands = addFieldDemands(addFieldDemands(NO_DEMANDS, ['kycData.legalLastName', 'kycData.address.stateCode']), ['kycData.legalLastName']);

  test('stands as REENTER until they are entered, be it with the same value; clearing is not entering', () => {
    const kycData: KycData = { legalLastName: 'Doe', address: { country: 'US', stateCode: 'CA' } };
    const again = missingFields(subjectOf({ kycData, demands })).filter((requirement) => requirement.code === 'REENTER').map((requirement) => requirement.field);
    expect(again).toEqual(['kycData.legalLastName', 'kycData.address.stateCode']);
    expect(meetFieldDemands(demands, { legalFirstName: 'Ada', legalLastName: null })).toEqual(demands);
    expect(meetFieldDemands(demands, { legalLastName: 'Doe' }).fields).toEqual(['kycData.address.stateCode']);
    expect(meetFieldDemands(demands, { address: { state: 'California' } }).fields).toEqual(['kycData.legalLastName']);
  });

  test('for a field that is absent lists it once', () => {
    const listed = missingFields(subjectOf({ demands })).filter((requirement) => requirement.field === 'kycData.legalLastName');
    expect(listed.map((requirement) => requirement.code)).toEqual(['REQUIRED']);
  });
});
