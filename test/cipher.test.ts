import { describe, expect, it } from 'vitest';
import { BlindIndexes, newDataKey, seal, SealBroken, unseal, type Place } from '../src/core/crypto/cipher.js';

const PLACE: Place = { organizationId: 'org_1', table: 'identity', column: 'sealed', rowId: 'idn_1' };
const TEXT = Buffer.from('{"email":"ada@example.com"}');

describe('a sealed row', () => {
  const key = newDataKey();
  const sealed = seal(key, PLACE, TEXT);

  it('opens where it belongs, and two of the same text have nothing in common', () => {
    expect(unseal(key, PLACE, sealed)).toEqual(TEXT);
    const another = seal(key, PLACE, TEXT);
    expect(another.subarray(9)).not.toEqual(sealed.subarray(9));
    expect(sealed.includes('ada')).toBe(false);
  });

  it('names its key in its header', () => {
    expect(sealed.subarray(1, 9).toString('hex')).toBe(key.id);
  });

  it('does not open in another organization, table, column or row, nor by another key', () => {
    const elsewhere: Partial<Place>[] = [{ organizationId: 'org_2' }, { table: 'document' }, { column: 'other' }, { rowId: 'idn_2' }];
    for (const change of elsewhere) expect(() => unseal(key, { ...PLACE, ...change }, sealed)).toThrow(SealBroken);
    expect(() => unseal(newDataKey(), PLACE, sealed)).toThrow(SealBroken);
    expect(() => unseal({ ...newDataKey(), id: key.id }, PLACE, sealed)).toThrow(SealBroken);
  });

  it('does not open with any bit changed or any end cut off', () => {
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => unseal(key, PLACE, changed)).toThrow(SealBroken);
    }
    for (let length = 0; length < sealed.length; length += 1) expect(() => unseal(key, PLACE, sealed.subarray(0, length))).toThrow(SealBroken);
  });
});

describe('a blind index', () => {
  const indexes = new BlindIndexes(Buffer.alloc(32, 1));

  it('is the same for the same value of an organization, and another for another value, organization, purpose or key', () => {
    const index = indexes.of('org_1', 'email', 'ada@example.com');
    expect(indexes.of('org_1', 'email', 'ada@example.com')).toBe(index);
    const others = [
      indexes.of('org_1', 'email', 'ada@example.org'), indexes.of('org_2', 'email', 'ada@example.com'), indexes.of('org_1', 'userId', 'ada@example.com'),
      new BlindIndexes(Buffer.alloc(32, 2)).of('org_1', 'email', 'ada@example.com'),
    ];
    expect(new Set([index, ...others]).size).toBe(5);
  });
});
