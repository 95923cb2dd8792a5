import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FIELD_PATHS, completeKycData, isFieldPath, mergeKycData, valueAt, type FieldPath, type KycData, type KycDataPatch } from '../../src/kyc/fields.js';
import { person, pick, somePaths } from './people.js';

/** Milliseconds. Properties run hundreds of times, on machines that may be busy with other suites. */
const SLOW = 60_000;
const PAIR: readonly FieldPath[] = ['kycData.address.state', 'kycData.address.stateCode'];

function clearing(path: FieldPath): KycDataPatch {
  const name = path.split('.').at(-1) ?? '';
  return path.startsWith('kycData.address.') ? { address: { [name]: null } } : { [name]: null };
}

describe('merging', () => {
  test('absent keeps, null clears, and neither argument changes', () => {
    let cleared = 0;
    fc.assert(fc.property(person, somePaths, fc.constantFrom(...FIELD_PATHS), (data, kept, path) => {
      const current = mergeKycData({}, pick(data, kept));
      const before = structuredClone(current);
      const merged = mergeKycData(current, clearing(path));
      expect(current).toEqual(before);
      expect(valueAt(merged, path)).toBeUndefined();
      for (const other of FIELD_PATHS) {
        if (other === path || (PAIR.includes(path) && PAIR.includes(other))) continue;
        expect(valueAt(merged, other)).toEqual(valueAt(current, other));
      }
      if (valueAt(current, path) !== undefined) cleared += 1;
    }), { numRuns: 500 });
    expect(cleared).toBeGreaterThan(100);
  }, SLOW);

  test('what a patch gives is what is known afterwards, and an empty patch changes nothing', () => {
    fc.assert(fc.property(person, person, somePaths, (data, other, paths) => {
      const patch = pick(other, paths);
      const merged = mergeKycData(data, patch);
      for (const path of paths) if (valueAt(other, path) !== undefined) expect(valueAt(merged, path)).toEqual(valueAt(other, path));
      expect(mergeKycData(merged, patch)).toEqual(merged);
      expect(mergeKycData(data, {})).toEqual(data);
      expect(mergeKycData(data, { address: {} })).toEqual(data);
    }), { numRuns: 200 });
  }, SLOW);

  test('address null clears all of the address, and an address emptied field by field is none', () => {
    const data: KycData = { legalFirstName: 'Ada', address: { city: 'Paris', country: 'FR' } };
    expect(mergeKycData(data, { address: null })).toEqual({ legalFirstName: 'Ada' });
    expect(mergeKycData(data, { address: { city: null, country: null } })).toEqual({ legalFirstName: 'Ada' });
  });

  test('fields that are not of KycData are not merged', () => {
    expect(mergeKycData({}, { documents: [], legalFirstName: 'Ada' } as KycDataPatch)).toEqual({ legalFirstName: 'Ada' });
  });
});

describe('state and stateCode', () => {
  const california: KycData = { address: { country: 'US', state: 'California', stateCode: 'CA' } };

  test('fill each other', () => {
    expect(completeKycData({ address: { country: 'US', state: 'new york' } }).address).toEqual({ country: 'US', state: 'new york', stateCode: 'NY' });
    expect(completeKycData({ address: { country: 'DE', stateCode: 'BY' } }).address?.state).toBe('Bayern');
    expect(completeKycData({ address: { country: 'US', state: 'Hawaiʻi' } }).address?.stateCode).toBe('HI');
    expect(completeKycData({ address: { country: 'GB', state: 'City of London' } }).address?.stateCode).toBe('LND');
  });

  test('a patch that changes one of them leaves no stale other', () => {
    expect(completeKycData(mergeKycData(california, { address: { state: 'Texas' } })).address).toEqual({ country: 'US', state: 'Texas', stateCode: 'TX' });
    expect(completeKycData(mergeKycData(california, { address: { stateCode: 'NY' } })).address).toEqual({ country: 'US', state: 'New York', stateCode: 'NY' });
    expect(completeKycData(mergeKycData(california, { address: { country: 'DE', stateCode: 'BY' } })).address).toEqual({ country: 'DE', state: 'Bayern', stateCode: 'BY' });
    expect(completeKycData(mergeKycData(california, { address: { state: null } })).address).toEqual({ country: 'US' });
  });

  test('a patch that repeats one of them keeps the other', () => {
    const bavaria: KycData = { address: { country: 'DE', state: 'Bavaria', stateCode: 'BY' } };
    expect(mergeKycData(bavaria, { address: { state: 'Bavaria' } })).toEqual(bavaria);
    expect(mergeKycData(california, { address: { postalCode: '94103' } }).address).toMatchObject({ state: 'California', stateCode: 'CA' });
  });

  test('a name that two subdivisions share does not choose between them', () => {
    expect(completeKycData({ address: { country: 'TW', state: 'Chiayi' } }).address?.stateCode).toBeUndefined();
  });
});

describe('completing', () => {
  test('the type is SSN for US citizens who gave none, and no longer once the nationality changes', () => {
    const american: KycData = { nationality: 'US', nationalIdNumber: '123456789' };
    expect(completeKycData(american)).toEqual({ nationality: 'US', nationalIdType: 'SSN', nationalIdNumber: '123-45-6789' });
    expect(completeKycData(mergeKycData(american, { nationality: 'DE' })).nationalIdType).toBeUndefined();
    expect(completeKycData({ nationality: 'US', nationalIdType: 'PASSPORT' }).nationalIdType).toBe('PASSPORT');
  });

  test('is idempotent, and changes nothing that was given', () => {
    fc.assert(fc.property(person, somePaths, (data, paths) => {
      const given = mergeKycData({}, pick(data, paths));
      const completed = completeKycData(given);
      expect(completeKycData(completed)).toEqual(completed);
      for (const path of paths) expect(valueAt(completed, path)).toEqual(valueAt(given, path) ?? valueAt(completed, path));
    }), { numRuns: 300 });
  }, SLOW);
});

test('paths are those of the leaves', () => {
  expect(isFieldPath('kycData.address.postalCode')).toBe(true);
  expect(isFieldPath('kycData.legalFirstName')).toBe(true);
  for (const path of ['kycData', 'kycData.address', 'address.city', 'kycData.__proto__', '']) expect(isFieldPath(path)).toBe(false);
  expect(FIELD_PATHS).toHaveLength(38);
});
