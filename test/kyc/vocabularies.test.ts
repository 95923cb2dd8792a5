import { expect, test } from 'vitest';
import * as words from '../../src/kyc/vocabularies.js';

const vocabularies = Object.values(words).filter((each) => typeof each === 'object');

test('every word has a description, and the values are the words themselves', () => {
  expect(vocabularies.length).toBeGreaterThanOrEqual(27);
  for (const each of vocabularies) {
    expect(each.description.length).toBeGreaterThan(10);
    expect(Object.keys(each.values)).toEqual(Object.values(each.values));
    expect(Object.keys(each.descriptions)).toEqual(Object.keys(each.values));
    for (const description of Object.values(each.descriptions)) expect(description).not.toBe('');
  }
});

test('descriptions have the original wording, and those of id classes the two-letter codes', () => {
  expect(words.OccupationCategory.descriptions.FINANCIAL_SERVICES).toBe('Financial Services (Asset Mgmt., Bank, Broker Dealer, Commodities, Mutual Fund, Ins. Co)');
  expect(words.SourceOfNetWorth.descriptions.INVESTMENT_EARNINGS).toContain('Investment Earnings: Profits derived from investments such as cryptocurrencies');
  for (const [idClass, code] of Object.entries({ PASSPORT: 'pp', DRIVERS_LICENSE: 'dl', NATIONAL_ID_CARD: 'cid', RESIDENCE_PERMIT: 'rp', STATE_ID: 'sid' })) {
    expect(words.IdClass.descriptions[idClass as words.IdClass]).toContain(`"${code}"`);
  }
});

test('only words are words', () => {
  expect(words.isWordOf(words.ContractType, 'CSA')).toBe(true);
  for (const other of ['csa', 'constructor', '__proto__', '', null, 1]) expect(words.isWordOf(words.ContractType, other)).toBe(false);
});
