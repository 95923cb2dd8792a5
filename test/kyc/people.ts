import fc from 'fast-check';
import { iso31661, iso31662 } from 'iso-3166';
import { FIELD_PATHS, valueAt, type FieldPath, type KycData, type KycDataPatch } from '../../src/kyc/fields.js';
import { checkedNationalIds, isPossibleSsn } from '../../src/kyc/national-ids.js';
import { DEFAULT_POLICY } from '../../src/kyc/policy.js';
import { NO_DEMANDS, type RequirementSubject } from '../../src/kyc/requirements.js';
import type { ValidationContext } from '../../src/kyc/validation.js';
import * as words from '../../src/kyc/vocabularies.js';

/** The day that tests play on; nothing here reads the machine's clock. */
export const NOW = new Date('2026-05-04T12:00:00Z');
export const CONTEXT: ValidationContext = { now: NOW, minimumAge: 18, acceptedNationalIds: new Set() };
/** The sandbox's magic SSNs (domain.md). */
export const MAGIC_SSNS = ['000-00-0000', '111-11-1111', '222-22-2222', '333-33-3333', '444-44-4444', '888-88-8888'];

/** An attempt with no more than the given facts. */
export function subjectOf(facts: Partial<RequirementSubject>): RequirementSubject {
  return {
    kycData: {}, transactionType: null, policy: DEFAULT_POLICY, environment: 'LIVE', documents: [], signedContracts: [],
    hostedPage: false, demands: NO_DEMANDS, ...facts,
  };
}

/** The part of the data at these paths, as a patch. */
export function pick(data: KycData, paths: readonly FieldPath[]): KycDataPatch {
  const patch: Record<string, unknown> = {};
  const address: Record<string, unknown> = {};
  for (const path of paths) {
    const value = valueAt(data, path);
    if (value === undefined) continue;
    const name = path.split('.').at(-1) ?? '';
    (path.startsWith('kycData.address.') ? address : patch)[name] = value;
  }
  return { ...patch, ...(Object.keys(address).length > 0 ? { address } : {}) };
}

interface Place {
  country: string;
  postalCode?: string;
  phoneNumber: string;
  locale: string;
}

/** With and without postal codes, with and without subdivisions, and US territories. */
const PLACES: readonly Place[] = [
  { country: 'US', postalCode: '94103', phoneNumber: '+14155552671', locale: 'en-US' },
  { country: 'US', postalCode: '10001-1234', phoneNumber: '+12125550123', locale: 'es-US' },
  { country: 'PR', postalCode: '00901', phoneNumber: '+17875550123', locale: 'es-PR' },
  { country: 'GU', postalCode: '96910', phoneNumber: '+16715550123', locale: 'en-GU' },
  { country: 'GB', postalCode: 'SW1A 1AA', phoneNumber: '+442071838750', locale: 'en-GB' },
  { country: 'DE', postalCode: '10115', phoneNumber: '+4930901820', locale: 'de-DE' },
  { country: 'FR', postalCode: '75001', phoneNumber: '+33142685300', locale: 'fr-FR' },
  { country: 'JP', postalCode: '100-0001', phoneNumber: '+81312345678', locale: 'ja-JP' },
  { country: 'BR', postalCode: '01310-100', phoneNumber: '+551130611000', locale: 'pt-BR' },
  { country: 'IN', postalCode: '110001', phoneNumber: '+911123456789', locale: 'hi-IN' },
  { country: 'CA', postalCode: 'K1A 0B1', phoneNumber: '+16135550123', locale: 'fr-CA' },
  { country: 'AR', postalCode: '1425', phoneNumber: '+541143331234', locale: 'es-AR' },
  { country: 'NG', postalCode: '100001', phoneNumber: '+2348031234567', locale: 'en-NG' },
  { country: 'AE', phoneNumber: '+97142345678', locale: 'ar-AE' },
  { country: 'HK', phoneNumber: '+85221234567', locale: 'zh-Hant-HK' },
  { country: 'KE', postalCode: '00100', phoneNumber: '+254202012345', locale: 'sw-KE' },
];

const NAMES = ['Ada', 'O’Brien', "D'Arcy", 'José María', 'Nguyễn', '李', 'Μαρία', 'محمد', 'Ødegård', 'van der Berg', 'Null', 'X Æ A-12', '👩‍👩‍👧', 'Siân', 'ʻAkamu'];
const NATIONALITIES = iso31661.map((country) => country.alpha2);
const CHECKED_COUNTRIES: ReadonlySet<string> = new Set(checkedNationalIds().map((each) => each.country));
const SUBDIVISIONS = Map.groupBy(iso31662, (entry) => entry.code.slice(0, 2));

const name = fc.constantFrom(...NAMES);
const word = <Word extends string>(source: words.Vocabulary<Word>) => fc.constantFrom(...words.wordsOf(source));
const pad = (value: number, length: number) => String(value).padStart(length, '0');
const ssn = fc.tuple(fc.integer({ min: 1, max: 899 }), fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9999 }))
  .map(([area, group, serial]) => `${pad(area, 3)}-${pad(group, 2)}-${pad(serial, 4)}`)
  .filter(isPossibleSsn);
const itin = fc.tuple(fc.integer({ min: 900, max: 999 }), fc.constantFrom(50, 65, 70, 88, 90, 92, 94, 99), fc.integer({ min: 0, max: 9999 }))
  .map(([area, group, serial]) => `${area}-${group}-${pad(serial, 4)}`);
const adultBirthday = fc.date({ min: new Date('1930-01-01'), max: new Date('2008-05-04'), noInvalidDate: true }).map((day) => day.toISOString().slice(0, 10));

type NationalId = Pick<KycData, 'nationalIdType' | 'nationalIdNumber' | 'nationalIdIssuingCountry'>;

function nationalId(nationality: string, residence: string): fc.Arbitrary<NationalId> {
  const american = (type: 'SSN' | 'ITIN') => (number: string): NationalId => ({ nationalIdType: type, nationalIdNumber: number, nationalIdIssuingCountry: 'US' });
  if (nationality === 'US') return ssn.map(american('SSN'));
  if (residence === 'US') return fc.oneof(ssn.map(american('SSN')), itin.map(american('ITIN')));
  const types = CHECKED_COUNTRIES.has(nationality) ? (['PASSPORT'] as const) : (['PASSPORT', 'TIN', 'NATIONAL_ID'] as const);
  return fc.record({
    nationalIdType: fc.constantFrom(...types),
    nationalIdNumber: fc.stringMatching(/^[A-Z][0-9]{6,9}$/),
    nationalIdIssuingCountry: fc.constant(nationality),
  });
}

function address(place: Place): fc.Arbitrary<NonNullable<KycData['address']>> {
  const subdivisions = SUBDIVISIONS.get(place.country) ?? [];
  const subdivision = subdivisions.length === 0 ? fc.constant({}) : fc.constantFrom(...subdivisions).map((entry) => ({ state: entry.name, stateCode: entry.code.slice(3) }));
  const lines = fc.record({ addressLine1: fc.constantFrom('1 Main St', 'Flat 3/2, Rue de l’Église 7', '東京都千代田区1-1'), addressLine2: name, city: name });
  return fc.tuple(lines, subdivision).map(([given, part]) => ({
    ...given, ...part, country: place.country, locale: place.locale, ...(place.postalCode ? { postalCode: place.postalCode } : {}),
  }));
}

const answers = fc.record({
  legalFirstName: name, legalMiddleName: name, legalLastName: name, dateOfBirth: adultBirthday,
  employmentStatus: word(words.EmploymentStatus), mostRecentOccupation: name, occupation: word(words.OccupationCategory),
  sourceOfFunds: word(words.SourceOfFunds), accountPurpose: word(words.AccountPurpose),
  expectedMonthlyPaymentsUsd: word(words.ExpectedMonthlyPayments), isIntermediary: fc.boolean(), politicallyExposedPerson: fc.boolean(),
  annualIncome: word(words.AnnualIncome), netWorth: word(words.NetWorth), sourceOfNetWorth: word(words.SourceOfNetWorth),
  initialDepositType: word(words.InitialDepositType), expectedMonthlyDeposits: word(words.MonthlyTransactions),
  expectedMonthlyWithdrawals: word(words.MonthlyTransactions), digitalAssetWalletAddress: fc.stringMatching(/^0x[0-9a-f]{40}$/),
  notionalTradedEachMonth: fc.double({ min: 0, max: 1e12, noNaN: true }).map((amount) => amount + 0),
  isEntity: fc.boolean(), enterpriseName: name, countryOfIncorporation: fc.constantFrom(...NATIONALITIES), dateOfIncorporation: fc.constantFrom('1901-02-03', '2026-05-04'),
});

/** A person with every field filled and every field fit: of any nationality, half of them American, living in one of PLACES. */
export const person: fc.Arbitrary<KycData> = fc
  .tuple(answers, fc.oneof(fc.constant('US'), fc.constantFrom(...NATIONALITIES)), fc.constantFrom(...PLACES), fc.boolean())
  .chain(([given, nationality, place, livesAbroad]) => {
    // Without countryOfResidence the address tells it, so a home in the United States must be the residence too.
    const countryOfResidence = livesAbroad && place.country !== 'US' ? fc.constantFrom(...NATIONALITIES) : fc.constant(place.country);
    return countryOfResidence.chain((residence) =>
      fc.tuple(nationalId(nationality, residence), address(place)).map(([id, home]): KycData => ({
        ...given, ...id, nationality, countryOfResidence: residence, phoneNumber: place.phoneNumber, address: home,
      })));
  });

/** Any selection of the paths there are. */
export const somePaths: fc.Arbitrary<FieldPath[]> = fc.subarray([...FIELD_PATHS]);
export const transactionType = fc.constantFrom(null, 'INSTITUTIONAL_INDIVIDUAL' as const, 'EU_INDIVIDUAL' as const);
