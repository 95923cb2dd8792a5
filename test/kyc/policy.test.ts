import { describe, expect, test } from 'vitest';
import { DEFAULT_POLICY, contractsFor, mergePolicy, type PolicyPatch } from '../../src/kyc/policy.js';

function faultsOf(patch: unknown): string[] {
  return mergePolicy(DEFAULT_POLICY, patch as PolicyPatch).faults.map((fault) => `${fault.path.replace('policy.', '')} ${fault.code}`);
}

describe('the default policy', () => {
  test('asks for the contracts of the transaction type, with version, title and text', () => {
    expect(contractsFor(DEFAULT_POLICY, 'INSTITUTIONAL_INDIVIDUAL').map((contract) => contract.type)).toEqual(['CSA', 'MPA', 'MIC']);
    expect(contractsFor(DEFAULT_POLICY, 'EU_INDIVIDUAL')).toEqual([{ type: 'CSA', version: '1.0', title: expect.any(String), text: expect.any(String) }]);
    expect(contractsFor(DEFAULT_POLICY, null)).toEqual([]);
  });

  test('is itself without faults, and merging nothing leaves it as it is', () => {
    expect(mergePolicy(DEFAULT_POLICY, {})).toEqual({ faults: [], policy: DEFAULT_POLICY });
    expect(mergePolicy(DEFAULT_POLICY, DEFAULT_POLICY)).toEqual({ faults: [], policy: DEFAULT_POLICY });
  });
});

describe('merging', () => {
  test('absent keeps, null goes back to the default, nested objects merge, and neither argument changes', () => {
    const before = structuredClone(DEFAULT_POLICY);
    const { policy, faults } = mergePolicy(DEFAULT_POLICY, {
      documentAttempts: 5, image: { minPixels: 300 }, photoId: { NONE: 'UNLESS_US_CITIZEN' }, liveness: 'ALWAYS', retentionDays: 365, provider: 'MANUAL',
      contracts: { CSA: { version: '2.0' } }, contractsRequired: { NONE: ['WVR', 'WVR'] }, reviewAfterPass: true, idempotency: 'STRICT',
    });
    expect(faults).toEqual([]);
    expect(policy).toMatchObject({
      documentAttempts: 5, minimumAge: 18, image: { minPixels: 300, maxPdfPages: 10 }, photoId: { NONE: 'UNLESS_US_CITIZEN', EU_INDIVIDUAL: 'UNLESS_US_CITIZEN' },
      contractsRequired: { NONE: ['WVR'], EU_INDIVIDUAL: ['CSA'] }, contracts: { CSA: { version: '2.0', title: DEFAULT_POLICY.contracts.CSA?.title } },
    });
    const back = mergePolicy(policy, {
      documentAttempts: null, image: null, photoId: null, liveness: null, retentionDays: null, provider: null, contracts: null, contractsRequired: null,
      reviewAfterPass: null, idempotency: null,
    });
    expect(back).toEqual({ faults: [], policy: DEFAULT_POLICY });
    expect(DEFAULT_POLICY).toEqual(before);
  });

  test('every fault is listed at once, each at its path', () => {
    expect(faultsOf({
      documentAttempts: 0, waitingExpiryDays: 1.5, minimumAge: 200, retentionDays: -1, image: { maxBytes: 1e9 }, liveness: 'SOMETIMES',
      photoId: { NONE: 'NOBODY' }, provider: 'ORACLE', idempotency: 'LAX', reviewAfterPass: 'no', contracts: { XYZ: { version: '1' }, MPA: { title: ' ' } },
      contractsRequired: { EU_INDIVIDUAL: ['CSA', 'XYZ'] },
    })).toEqual([
      'documentAttempts out_of_range', 'waitingExpiryDays out_of_range', 'minimumAge out_of_range', 'retentionDays out_of_range', 'liveness unknown_value',
      'idempotency unknown_value', 'provider unknown_value', 'reviewAfterPass invalid', 'image.maxBytes out_of_range', 'photoId.NONE unknown_value',
      'contracts.XYZ unknown_contract', 'contracts.MPA.title blank', 'contractsRequired.EU_INDIVIDUAL unknown_contract',
    ]);
  });

  test('a contract that is required cannot lose its wording, nor one without wording become required', () => {
    expect(faultsOf({ contracts: { CSA: null } })).toEqual(['contracts.CSA required']);
    expect(faultsOf({ contracts: { WVR: null } })).toEqual([]);
    const { policy } = mergePolicy(DEFAULT_POLICY, { contracts: { WVR: null } });
    expect(mergePolicy(policy, { contractsRequired: { NONE: ['WVR'] } }).faults.map((fault) => fault.path)).toEqual(['policy.contracts.WVR']);
    expect(mergePolicy(policy, { contracts: { WVR: { version: '1.0', title: 'Waiver' } } }).faults.map((fault) => fault.path)).toEqual(['policy.contracts.WVR.text']);
  });
});
