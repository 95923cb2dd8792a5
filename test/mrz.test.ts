import { describe, expect, it } from 'vitest';
import { findingsOf, normalizeMrz } from '../src/document/mrz.js';
import { ADA, passportZone, type Passport } from './support/mrz.js';

const NOW = new Date('2026-06-01T00:00:00Z');
const PERSON = { legalFirstName: 'Ada', legalLastName: 'Lovelace', dateOfBirth: '1990-01-31' };
const codes = (passport: Partial<Passport>, person: object = {}, claims: object = {}): string[] =>
  findingsOf({ mrz: passportZone({ ...ADA, ...passport }), number: null, expirationDate: null, ...claims }, { ...PERSON, ...person }, NOW).map(({ code }) => code);

describe('the machine-readable zone', () => {
  it('that agrees gives no finding', () => {
    expect(codes({}, {}, { number: 'c01-x00 t47', expirationDate: '2099-12-31' })).toEqual([]);
  });

  it.each([
    ['Müller', 'MUELLER'], ['Müller', 'MULLER'], ['Øster-Ålund', 'OESTER<AALUND'], ['Strauß', 'STRAUSS'], ["O'Brien", 'OBRIEN'], ['Łukasiewicz', 'LUKASIEWICZ'],
    ['García Márquez', 'GARCIA<MARQUEZ'], ['Nguyễn', 'NGUYEN'],
  ])('writes %s as %s', (legalLastName, lastName) => {
    expect(codes({ lastName }, { legalLastName })).toEqual([]);
  });

  it.each([
    ['another last name', { lastName: 'BABBAGE' }, {}, {}, 'mrz_name_mismatch'],
    ['another first name', { firstNames: 'CHARLES' }, {}, {}, 'mrz_name_mismatch'],
    ['another date of birth', { birth: '900201' }, {}, {}, 'mrz_date_of_birth_mismatch'],
    ['another number', {}, {}, { number: 'C01X00T48' }, 'mrz_number_mismatch'],
    ['another date of expiry', {}, {}, { expirationDate: '2098-12-31' }, 'mrz_expiry_mismatch'],
    ['a date of expiry that has passed', { expiry: '200101' }, {}, {}, 'mrz_expired'],
    ['a name that is not in Latin letters', {}, { legalLastName: 'Лавлейс' }, {}, 'mrz_name_not_compared'],
  ])('%s is found', (_name, passport, person, claims, code) => {
    expect(codes(passport, person, claims)).toEqual([code]);
  });

  it('every altered digit of number, birth and expiry is found by its check digit', () => {
    const zone = passportZone(ADA);
    const start = zone.indexOf('\n') + 1;
    let altered = 0;
    for (const at of [...Array(9).keys(), 13, 14, 15, 16, 17, 18, 21, 22, 23, 24, 25, 26].map((index) => start + index)) {
      if (!/\d/.test(zone[at] ?? '')) continue;
      const mrz = zone.slice(0, at) + ((Number(zone[at]) + 1) % 10) + zone.slice(at + 1);
      expect(findingsOf({ mrz, number: null, expirationDate: null }, {}, NOW).map(({ code }) => code)).toContain('mrz_check_digit');
      altered += 1;
    }
    console.log(`Altered digits found: ${altered}`);
    expect(altered).toBeGreaterThan(15);
  });

  it('is taken with spaces and without line breaks, and nothing else is', () => {
    const zone = passportZone(ADA);
    expect(normalizeMrz(` ${zone.toLowerCase().replace('\n', ' ')} `)).toBe(zone);
    for (const text of ['', 'P<D', zone.slice(1), `${zone}<`, zone.replace('<', '?')]) expect(normalizeMrz(text)).toBeNull();
  });
});
