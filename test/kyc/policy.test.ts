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
    const { contractsRequired: _required, contracts: _contracts, photoId: _photoId, ...same } = DEFAULT_POLICY;
    expect(mergePolicy(DEFAULT_POLICY, same)).toEqual({ faults: [], policy: DEFAULT_POLICY });
  });
});

describe('merging', () => {
  test('absent keeps, null goes back to the default, nested objects merge, and neither argument changes', () => {
    const before = structuredClone(DEFAULT_POLICY);
    const { policy, faults } = mergePolicy(DEFAULT_POLICY, {
      documentAttempts: 5, image: { minPixels: 300 }, photoId: [{ rule: 'UNLESS_US_CITIZEN' }], liveness: 'ALWAYS', retentionDays: 365, provider: 'MANUAL',
      contracts: [{ type: 'CSA', version: '2.0', title: 'Agreement', text: 'I agree.' }], contractsRequired: [{ transactionType: null, contracts: ['WVR'] }], reviewAfterPass: true, idempotency: 'STRICT',
    });
    expect(faults).toEqual([]);
    expect(policy).toMatchObject({
      documentAttempts: 5, minimumAge: 18, image: { minPixels: 300, maxPdfPages: 10 }, photoId: { NONE: 'UNLESS_US_CITIZEN', EU_INDIVIDUAL: 'UNLESS_US_CITIZEN' },
      contractsRequired: { NONE: ['WVR'], EU_INDIVIDUAL: ['CSA'] }, contracts: { CSA: { version: '2.0', title: 'Agreement' }, MPA: DEFAULT_POLICY.contracts.MPA },
    });
    const back = mergePolicy(policy, {
      documentAttempts: null, image: null, photoId: null, liveness: null, retentionDays: null, provider: null, contracts: null, contractsRequired: null,
      reviewAfterPass: null, idempotency: null,
    });
    expect(back).toEqual({ faults: [], policy: DEFAULT_POLICY });
    expect(DEFAULT_POLICY).toEqual(before);
  });

  test('every fault is listed at once, each at its path', () => {
    const wording = { type: 'CSA', version: '1', title: 'Agreement', text: 'I agree.' };
    expect(faultsOf({
      documentAttempts: 0, waitingExpiryDays: 1.5, stuckAfterHours: 0, minimumAge: 200, retentionDays: -1, image: { maxBytes: 1e9 },
      photoId: [{ rule: 'EVERYONE' }, { transactionType: 'EU_INDIVIDUAL', rule: 'EVERYONE' }, { transactionType: null, rule: 'EVERYONE' }],
      contracts: [wording, { ...wording, type: 'MPA', title: ' ', version: 'v'.repeat(33) }, wording],
      contractsRequired: [{ transactionType: 'EU_INDIVIDUAL', contracts: ['CSA', 'MPA', 'CSA'] }, { transactionType: 'EU_INDIVIDUAL', contracts: [] }],
    })).toEqual([
      'documentAttempts out_of_range', 'waitingExpiryDays out_of_range', 'stuckAfterHours out_of_range', 'minimumAge out_of_range', 'retentionDays out_of_range', 'image.maxBytes out_of_range',
      'photoId.2.transactionType duplicate', 'contracts.2.type duplicate', 'contracts.1.version too_long', 'contracts.1.title blank',
      'contractsRequired.1.transactionType duplicate', 'contractsRequired.0.contracts.2 duplicate',
    ]);
  });
});
