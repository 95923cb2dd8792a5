import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { FieldFault } from '../core/errors.js';
import { addressFaults } from './addresses.js';
import { countryCodeOf, subdivisionByCode } from './countries.js';
import { calendarDate, dayOf, hasReachedAge } from './dates.js';
import {
  ADDRESS_FIELD_NAMES, FIELD_NAMES, completeKycData, mergeKycData,
  type AddressFieldName, type AddressPatch, type FieldName, type KycData, type KycDataPatch,
} from './fields.js';
import { canonicalLocale } from './locales.js';
import { dashedTaxNumber, isPossibleNationalId } from './national-ids.js';
import { fault, isMasked, validateName, validateText, type Checked } from './text.js';
import * as words from './vocabularies.js';

/** What validation needs to know beside the data. */
export interface ValidationContext {
  /** The organization's clock. */
  readonly now: Date;
  /** Years; of the organization's policy. */
  readonly minimumAge: number;
  /** The sandbox's magic SSNs, as digits or with dashes; empty in LIVE. They are matched before validation (domain.md, Sandbox). */
  readonly acceptedNationalIds: ReadonlySet<string>;
  /** The path of the patch within the mutation's input; `kycData` unless told. */
  readonly basePath?: string;
}

/** Every fault at once. `value` is the normalised patch, to be stored only while there are no faults. */
export interface ValidatedPatch {
  readonly faults: FieldFault[];
  readonly value: KycDataPatch;
}

type Check = (path: string, value: unknown, context: ValidationContext) => Checked<unknown>;

// Maximum lengths in UTF-16 code units: what real values have, with room.
/** Bangkok's ceremonial name has 168 letters. */
const CITY_MAX_LENGTH = 200;
const ADDRESS_LINE_MAX_LENGTH = 300;
const SUBDIVISION_MAX_LENGTH = 100;
/** ISO 3166-2 has at most three characters after the country's two and a hyphen. */
const SUBDIVISION_CODE_MAX_LENGTH = 6;
/** The longest in use have ten or eleven. */
const POSTAL_CODE_MAX_LENGTH = 16;
const NATIONAL_ID_MAX_LENGTH = 64;
const OCCUPATION_MAX_LENGTH = 200;
/** The longest addresses in use (Monero, Cardano) have 106 and some 115 letters. */
const WALLET_ADDRESS_MAX_LENGTH = 256;
/** BCP 47 allows for 35 and more; what is known to Intl is shorter. */
const LOCALE_MAX_LENGTH = 64;
/** More than any form of writing takes; E.164 itself has a plus and at most fifteen digits. */
const PHONE_NUMBER_MAX_LENGTH = 40;
const PHONE_NUMBER = /^\+[1-9]\d{1,14}$/;
/** The oldest person alive was born after it. */
const EARLIEST_BIRTH = '1900-01-01';

const text = (maxLength: number): Check => onText((path, value) => validateText(path, value, { maxLength }));
const name: Check = onText(validateName);
const oneOf = <Word extends string>(vocabulary: words.Vocabulary<Word>): Check => (path, value) =>
  words.isWordOf(vocabulary, value) ? accepted(value) : refused(path, 'unknown_value', `This is not one of the values of ${vocabulary.name}.`);

const FIELD_CHECKS: Readonly<Record<FieldName, Check>> = {
  legalFirstName: name,
  legalMiddleName: name,
  legalLastName: name,
  phoneNumber: onText(checkPhoneNumber),
  dateOfBirth: onText(checkDateOfBirth),
  nationality: onText(checkCountry),
  countryOfResidence: onText(checkCountry),
  nationalIdType: oneOf(words.NationalIdType),
  nationalIdNumber: onText(checkNationalIdNumber),
  nationalIdIssuingCountry: onText(checkCountry),
  employmentStatus: oneOf(words.EmploymentStatus),
  mostRecentOccupation: text(OCCUPATION_MAX_LENGTH),
  occupation: oneOf(words.OccupationCategory),
  sourceOfFunds: oneOf(words.SourceOfFunds),
  accountPurpose: oneOf(words.AccountPurpose),
  expectedMonthlyPaymentsUsd: oneOf(words.ExpectedMonthlyPayments),
  isIntermediary: checkBoolean,
  politicallyExposedPerson: checkBoolean,
  annualIncome: oneOf(words.AnnualIncome),
  netWorth: oneOf(words.NetWorth),
  sourceOfNetWorth: oneOf(words.SourceOfNetWorth),
  initialDepositType: oneOf(words.InitialDepositType),
  expectedMonthlyDeposits: oneOf(words.MonthlyTransactions),
  expectedMonthlyWithdrawals: oneOf(words.MonthlyTransactions),
  digitalAssetWalletAddress: text(WALLET_ADDRESS_MAX_LENGTH),
  notionalTradedEachMonth: checkAmount,
  isEntity: checkBoolean,
  enterpriseName: name,
  countryOfIncorporation: onText(checkCountry),
  dateOfIncorporation: onText(checkPastDate),
};

const ADDRESS_CHECKS: Readonly<Record<AddressFieldName, Check>> = {
  addressLine1: text(ADDRESS_LINE_MAX_LENGTH),
  addressLine2: text(ADDRESS_LINE_MAX_LENGTH),
  city: text(CITY_MAX_LENGTH),
  state: text(SUBDIVISION_MAX_LENGTH),
  stateCode: upperCased(SUBDIVISION_CODE_MAX_LENGTH),
  postalCode: upperCased(POSTAL_CODE_MAX_LENGTH),
  country: onText(checkCountry),
  locale: onText(checkLocale),
};

/**
 * Validates a patch of KycData against what is already known (domain.md, Evaluation 1): every malformed field at
 * once, and each field that does not fit another (subdivision and postal code of their country, national id of its
 * type and issuing country) by the patch merged over `current`. No fault repeats a value. Idempotent: the value it
 * returns validates to itself.
 */
export function validateKycData(patch: KycDataPatch, current: KycData, context: ValidationContext): ValidatedPatch {
  const basePath = context.basePath ?? 'kycData';
  const fields = checkEach<KycDataPatch>(patch, FIELD_NAMES, FIELD_CHECKS, basePath, context);
  const value: KycDataPatch = fields.value;
  const faults = fields.faults;
  if (patch.address === null) value.address = null;
  if (patch.address) {
    const address = checkEach<AddressPatch>(patch.address, ADDRESS_FIELD_NAMES, ADDRESS_CHECKS, `${basePath}.address`, context);
    value.address = address.value;
    faults.push(...address.faults);
  }
  const faulty = new Set(faults.map((each) => each.path));
  // A field is judged by another only where that one is well-formed: no fault may follow from a fault.
  if (value.address && !faulty.has(`${basePath}.address.country`)) faults.push(...fitAddress(value.address, value, current, basePath));
  const idFaulty = ['nationalIdType', 'nationalIdIssuingCountry', 'nationality'].some((each) => faulty.has(`${basePath}.${each}`));
  if (!idFaulty) faults.push(...fitNationalId(value, current, context, basePath));
  return { faults, value };
}

function checkEach<P extends object>(
  patch: P, names: readonly (keyof P & string)[], checks: Readonly<Partial<Record<keyof P, Check>>>, basePath: string, context: ValidationContext,
): { faults: FieldFault[]; value: P } {
  const faults: FieldFault[] = [];
  const value = {} as P;
  for (const each of names) {
    const given = patch[each];
    const check = checks[each];
    if (given === undefined || !check) continue;
    if (given === null) {
      value[each] = given;
      continue;
    }
    const result = check(`${basePath}.${each}`, given, context);
    if (result.faults.length > 0) faults.push(...result.faults);
    else value[each] = result.value as P[typeof each];
  }
  return { faults, value };
}

/** Puts stateCode into the form that is stored and judges the address; `address` is part of `value`. */
function fitAddress(address: AddressPatch, value: KycDataPatch, current: KycData, basePath: string): FieldFault[] {
  const merged = mergeKycData(current, value).address ?? {};
  if (address.stateCode && merged.country) {
    address.stateCode = subdivisionByCode(merged.country, address.stateCode)?.code ?? address.stateCode;
  }
  return addressFaults(merged, address, `${basePath}.address`);
}

/**
 * Judges the national id by its type and issuing country. A patch that gives none of the three is not judged: when a
 * nationality makes the default type SSN, what no longer fits is asked for again (requirements.ts), not refused.
 */
function fitNationalId(value: KycDataPatch, current: KycData, context: ValidationContext, basePath: string): FieldFault[] {
  const touched = (each: FieldName) => value[each] !== undefined;
  const data = completeKycData(mergeKycData(current, value));
  const { nationalIdType: type, nationalIdNumber: number, nationalIdIssuingCountry: country } = data;
  const faults: FieldFault[] = [];
  const isUnitedStates = type === 'SSN' || type === 'ITIN';
  if (isUnitedStates && country !== undefined && country !== 'US' && (touched('nationalIdType') || touched('nationalIdIssuingCountry'))) {
    faults.push(fault(`${basePath}.nationalIdIssuingCountry`, 'invalid', 'SSN and ITIN are issued by the United States: US.'));
  }
  if (number === undefined || !(touched('nationalIdType') || touched('nationalIdNumber') || touched('nationalIdIssuingCountry'))) return faults;
  const isMagic = type !== 'ITIN' && isAcceptedUnseen(number, context);
  if (!isMagic && !isPossibleNationalId(type, number, country)) {
    faults.push(fault(`${basePath}.nationalIdNumber`, 'invalid', 'No number of this type and country can have this form.'));
  } else if (value.nationalIdNumber != null && isUnitedStates) {
    value.nationalIdNumber = number;
  }
  return faults;
}

function isAcceptedUnseen(number: string, context: ValidationContext): boolean {
  const dashed = dashedTaxNumber(number);
  return dashed !== undefined && (context.acceptedNationalIds.has(dashed) || context.acceptedNationalIds.has(dashed.replaceAll('-', '')));
}

function accepted<T>(value: T): Checked<T> {
  return { faults: [], value };
}

function refused(path: string, code: string, message: string): Checked<undefined> {
  return { faults: [fault(path, code, message)], value: undefined };
}

function onText(check: (path: string, value: string, context: ValidationContext) => Checked<unknown>): Check {
  return (path, value, context) => (typeof value === 'string' ? check(path, value, context) : refused(path, 'invalid', 'A text is expected.'));
}

/** Codes of letters and digits: ASCII only, for the upper case of other letters may be longer than they are. */
function upperCased(maxLength: number): Check {
  return onText((path, value) => {
    const checked = validateText(path, value, { maxLength });
    return { ...checked, value: checked.value.replace(/[a-z]/g, (letter) => letter.toUpperCase()) };
  });
}

/** Runs a check on a text that has passed as one of at most `maxLength`. */
function onShortText(path: string, value: string, maxLength: number, check: (text: string) => Checked<unknown>): Checked<unknown> {
  const checked = validateText(path, value, { maxLength });
  return checked.faults.length > 0 ? checked : check(checked.value);
}

function checkPhoneNumber(path: string, value: string): Checked<unknown> {
  return onShortText(path, value, PHONE_NUMBER_MAX_LENGTH, (number) => {
    // Possible, not valid: numbering plans open ranges faster than any table of them follows.
    const parsed = PHONE_NUMBER.test(number) ? parsePhoneNumberFromString(number) : undefined;
    return parsed?.isPossible() ? accepted(parsed.number) : refused(path, 'invalid', 'A possible phone number in E.164 form is expected: a plus, the country code and the number, without spaces.');
  });
}

function checkCountry(path: string, value: string): Checked<unknown> {
  const code = countryCodeOf(value.trim());
  return code ? accepted(code) : refused(path, 'unknown_country', 'A country of ISO 3166-1 is expected: its alpha-2 or alpha-3 code.');
}

function checkLocale(path: string, value: string): Checked<unknown> {
  return onShortText(path, value, LOCALE_MAX_LENGTH, (tag) => {
    const locale = canonicalLocale(tag);
    return locale ? accepted(locale) : refused(path, 'unsupported_locale', 'A locale of BCP 47 with a known language and region is expected, such as en-US.');
  });
}

function checkNationalIdNumber(path: string, value: string): Checked<unknown> {
  if (isMasked(value)) return refused(path, 'masked', 'This is the masked form in which numbers are shown. Leave the field out, or give the whole number.');
  return validateText(path, value, { maxLength: NATIONAL_ID_MAX_LENGTH });
}

function checkPastDate(path: string, value: string, context: ValidationContext): Checked<unknown> {
  const date = calendarDate(value.trim());
  if (!date) return refused(path, 'invalid', 'A calendar date is expected: YYYY-MM-DD.');
  return date > dayOf(context.now) ? refused(path, 'in_future', 'The date is in the future.') : accepted(date);
}

function checkDateOfBirth(path: string, value: string, context: ValidationContext): Checked<unknown> {
  const checked = checkPastDate(path, value, context);
  if (checked.faults.length > 0) return checked;
  const date = String(checked.value);
  if (date < EARLIEST_BIRTH) return refused(path, 'out_of_range', 'The date is too long ago for a date of birth.');
  return hasReachedAge(date, context.minimumAge, dayOf(context.now)) ? checked : refused(path, 'too_young', `The person has to be at least ${context.minimumAge} years old.`);
}

function checkBoolean(path: string, value: unknown): Checked<unknown> {
  return typeof value === 'boolean' ? accepted(value) : refused(path, 'invalid', 'true or false is expected.');
}

function checkAmount(path: string, value: unknown): Checked<unknown> {
  // Adding zero makes -0, which JSON would change, into 0.
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? accepted(value + 0) : refused(path, 'invalid', 'An amount of zero or more is expected.');
}
