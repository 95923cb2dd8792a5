import { subdivisionByCode, subdivisionsNamed } from './countries.js';
import { dashedTaxNumber } from './national-ids.js';
import type {
  AccountPurpose, AnnualIncome, EmploymentStatus, ExpectedMonthlyPayments, InitialDepositType, MonthlyTransactions,
  NationalIdType, NetWorth, OccupationCategory, SourceOfFunds, SourceOfNetWorth,
} from './vocabularies.js';

/** An address as it is kept: what was given, normalised. */
export interface Address {
  addressLine1?: string;
  addressLine2?: string;
  city?: string;
  state?: string;
  /** ISO 3166-2 without the country: `CA`, not `US-CA`. */
  stateCode?: string;
  postalCode?: string;
  /** ISO 3166-1 alpha-2, as every country here. */
  country?: string;
  locale?: string;
}

/**
 * What is known of a person, as it is kept: only what was given, normalised; dates as YYYY-MM-DD. What follows
 * from other answers is not kept but derived by completeKycData, so it cannot go stale.
 */
export interface KycData {
  legalFirstName?: string;
  legalMiddleName?: string;
  legalLastName?: string;
  phoneNumber?: string;
  dateOfBirth?: string;
  nationality?: string;
  countryOfResidence?: string;
  address?: Address;
  nationalIdType?: NationalIdType;
  nationalIdNumber?: string;
  nationalIdIssuingCountry?: string;
  employmentStatus?: EmploymentStatus;
  mostRecentOccupation?: string;
  occupation?: OccupationCategory;
  sourceOfFunds?: SourceOfFunds;
  accountPurpose?: AccountPurpose;
  expectedMonthlyPaymentsUsd?: ExpectedMonthlyPayments;
  isIntermediary?: boolean;
  politicallyExposedPerson?: boolean;
  annualIncome?: AnnualIncome;
  netWorth?: NetWorth;
  sourceOfNetWorth?: SourceOfNetWorth;
  initialDepositType?: InitialDepositType;
  expectedMonthlyDeposits?: MonthlyTransactions;
  expectedMonthlyWithdrawals?: MonthlyTransactions;
  digitalAssetWalletAddress?: string;
  notionalTradedEachMonth?: number;
  isEntity?: boolean;
  enterpriseName?: string;
  countryOfIncorporation?: string;
  dateOfIncorporation?: string;
}

type Patch<T> = { [Name in keyof T]?: T[Name] | null | undefined };
/** A change of an address: absent keeps, null clears. */
export type AddressPatch = Patch<Address>;
/** A change of KycData: absent keeps, null clears, the address merges and null clears all of it (schema.graphql, KycDataInput). */
export type KycDataPatch = Patch<Omit<KycData, 'address'>> & { address?: AddressPatch | null | undefined };

/** The name of a field of KycData that is not itself an object. */
export type FieldName = Exclude<keyof KycData, 'address'>;
export type AddressFieldName = keyof Address;

// Records, so that the compiler misses none of the fields.
const FIELD_NAME_RECORD: Record<FieldName, true> = {
  legalFirstName: true, legalMiddleName: true, legalLastName: true, phoneNumber: true, dateOfBirth: true, nationality: true,
  countryOfResidence: true, nationalIdType: true, nationalIdNumber: true, nationalIdIssuingCountry: true, employmentStatus: true,
  mostRecentOccupation: true, occupation: true, sourceOfFunds: true, accountPurpose: true, expectedMonthlyPaymentsUsd: true,
  isIntermediary: true, politicallyExposedPerson: true, annualIncome: true, netWorth: true, sourceOfNetWorth: true,
  initialDepositType: true, expectedMonthlyDeposits: true, expectedMonthlyWithdrawals: true, digitalAssetWalletAddress: true,
  notionalTradedEachMonth: true, isEntity: true, enterpriseName: true, countryOfIncorporation: true, dateOfIncorporation: true,
};
const ADDRESS_FIELD_NAME_RECORD: Record<AddressFieldName, true> = {
  addressLine1: true, addressLine2: true, city: true, state: true, stateCode: true, postalCode: true, country: true, locale: true,
};
export const FIELD_NAMES = Object.keys(FIELD_NAME_RECORD) as FieldName[];
export const ADDRESS_FIELD_NAMES = Object.keys(ADDRESS_FIELD_NAME_RECORD) as AddressFieldName[];

/** The path of a field in the input, as in Requirement.field and FieldFault.path. */
export type FieldPath = `kycData.${FieldName}` | `kycData.address.${AddressFieldName}`;

/** Every path there is. */
export const FIELD_PATHS: readonly FieldPath[] = [
  ...FIELD_NAMES.map((name) => `kycData.${name}` as const),
  ...ADDRESS_FIELD_NAMES.map((name) => `kycData.address.${name}` as const),
];
const FIELD_PATH_SET: ReadonlySet<string> = new Set(FIELD_PATHS);

/** Whether a text is the path of a field, such as a reviewer may ask to be entered again. */
export function isFieldPath(path: string): path is FieldPath {
  return FIELD_PATH_SET.has(path);
}

/** The value at a path of KycData or of a patch: undefined where absent, null where a patch clears it. */
export function valueAt(data: KycData | KycDataPatch, path: FieldPath): unknown {
  const [, first = '', second] = path.split('.');
  if (second === undefined) return data[first as FieldName];
  return data.address?.[second as AddressFieldName];
}

/**
 * The data with a patch over it: absent keeps, null clears, the address merges. Neither argument is changed.
 * `state` and `stateCode` are one fact in two words: a patch that changes one of them alone replaces the fact,
 * so the other is dropped (and derived anew) rather than left to contradict it.
 */
export function mergeKycData(current: KycData, patch: KycDataPatch): KycData {
  const { address: before, ...fields } = current;
  const merged: KycData = overlay(fields, patch, FIELD_NAMES);
  const address = patch.address === null ? {} : mergeAddress(before ?? {}, patch.address ?? {});
  return Object.keys(address).length === 0 ? merged : { ...merged, address };
}

function mergeAddress(current: Address, patch: AddressPatch): Address {
  const merged = overlay(current, patch, ADDRESS_FIELD_NAMES);
  const changes = (name: 'state' | 'stateCode') => patch[name] !== undefined && (patch[name] ?? undefined) !== current[name];
  if (changes('state') && patch.stateCode === undefined) delete merged.stateCode;
  if (changes('stateCode') && patch.state === undefined) delete merged.state;
  return merged;
}

function overlay<T extends object>(current: T, patch: Patch<T>, names: readonly (keyof T)[]): T {
  const merged = { ...current };
  for (const name of names) {
    const value = patch[name];
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = value as T[typeof name];
  }
  return merged;
}

/**
 * The data with what follows from it: state and stateCode fill each other from ISO 3166-2, nationalIdType is
 * SSN for US citizens who gave none, and US tax numbers have their dashes (domain.md, Evaluation 2). For
 * reading and evaluating; never store the result, or the derived answers outlive what they were derived from.
 */
export function completeKycData(data: KycData): KycData {
  const completed: KycData = { ...data };
  if (data.address) completed.address = completeAddress(data.address);
  const nationalIdType = data.nationalIdType ?? (data.nationality === 'US' ? 'SSN' : undefined);
  if (!nationalIdType) return completed;
  completed.nationalIdType = nationalIdType;
  if (data.nationalIdNumber !== undefined && (nationalIdType === 'SSN' || nationalIdType === 'ITIN')) {
    completed.nationalIdNumber = dashedTaxNumber(data.nationalIdNumber) ?? data.nationalIdNumber;
  }
  return completed;
}

function completeAddress(address: Address): Address {
  const { country, state, stateCode } = address;
  if (country === undefined) return address;
  if (state === undefined && stateCode !== undefined) {
    const subdivision = subdivisionByCode(country, stateCode);
    return subdivision ? { ...address, state: subdivision.name } : address;
  }
  if (state !== undefined && stateCode === undefined) {
    const [subdivision, another] = subdivisionsNamed(country, state);
    // A name that two subdivisions share decides nothing: the code stays missing, and is asked for.
    return subdivision && !another ? { ...address, stateCode: subdivision.code } : address;
  }
  return address;
}
