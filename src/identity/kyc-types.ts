import { Field, Float, InputType, ObjectType } from 'type-graphql';
import { CountryCodeScalar, DateScalar, URLScalar } from '../core/scalars.js';
import { completeKycData, type AddressPatch, type KycData, type KycDataPatch } from '../kyc/fields.js';
import { MASKED_KYC_FIELDS } from '../kyc/personal-data.js';
import * as vocabularies from '../kyc/vocabularies.js';
import type { DocumentByUrl, KycDataGiven } from './given-documents.js';

/** An address, the same on the way in and out. */
@ObjectType('Address', { simpleResolvers: true })
@InputType('AddressInput', { description: 'Absent leaves a stored value alone; null clears it.' })
export class AddressFields implements AddressPatch {
  @Field(() => String, { nullable: true, description: 'Street and number.' })
  addressLine1?: string | null;
  @Field(() => String, { nullable: true })
  addressLine2?: string | null;
  @Field(() => String, { nullable: true })
  city?: string | null;
  @Field(() => String, { nullable: true, description: 'Name of the state or province; fills stateCode and is filled from it.' })
  state?: string | null;
  @Field(() => String, { nullable: true, description: 'ISO 3166-2, with or without the country, such as CA or US-CA.' })
  stateCode?: string | null;
  @Field(() => String, { nullable: true })
  postalCode?: string | null;
  @Field(() => CountryCodeScalar, { nullable: true })
  country?: string | null;
  @Field(() => String, { nullable: true, description: 'BCP 47, such as de-DE.' })
  locale?: string | null;
}

/** What is known of a person, the same on the way in and out. */
@ObjectType('KycData', { description: 'What is known of the person in this attempt.', simpleResolvers: true })
@InputType()
export class KycDataFields implements KycDataPatch {
  @Field(() => String, { nullable: true, description: 'First name as on the identity document.' })
  legalFirstName?: string | null;
  @Field(() => String, { nullable: true })
  legalMiddleName?: string | null;
  @Field(() => String, { nullable: true, description: 'Last name as on the identity document.' })
  legalLastName?: string | null;
  @Field(() => String, { nullable: true, description: 'E.164, such as +4930901820.' })
  phoneNumber?: string | null;
  @Field(() => DateScalar, { nullable: true })
  dateOfBirth?: string | null;
  @Field(() => CountryCodeScalar, { nullable: true, description: 'Citizenship.' })
  nationality?: string | null;
  @Field(() => CountryCodeScalar, { nullable: true, description: 'Absent: the country of the address.' })
  countryOfResidence?: string | null;
  @Field(() => AddressFields, { nullable: true })
  address?: AddressFields | null;
  @Field(() => vocabularies.NationalIdType.values, { nullable: true, description: 'Defaults to SSN for US citizens.' })
  nationalIdType?: vocabularies.NationalIdType | null;
  @Field(() => String, { nullable: true, description: 'On output masked: its last characters alone are shown.' })
  nationalIdNumber?: string | null;
  @Field(() => CountryCodeScalar, { nullable: true })
  nationalIdIssuingCountry?: string | null;
  @Field(() => vocabularies.EmploymentStatus.values, { nullable: true })
  employmentStatus?: vocabularies.EmploymentStatus | null;
  @Field(() => String, { nullable: true, description: 'In the person\'s own words; `occupation` does as well.' })
  mostRecentOccupation?: string | null;
  @Field(() => vocabularies.OccupationCategory.values, { nullable: true })
  occupation?: vocabularies.OccupationCategory | null;
  @Field(() => vocabularies.SourceOfFunds.values, { nullable: true })
  sourceOfFunds?: vocabularies.SourceOfFunds | null;
  @Field(() => vocabularies.AccountPurpose.values, { nullable: true })
  accountPurpose?: vocabularies.AccountPurpose | null;
  @Field(() => vocabularies.ExpectedMonthlyPayments.values, { nullable: true })
  expectedMonthlyPaymentsUsd?: vocabularies.ExpectedMonthlyPayments | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether the person acts for others.' })
  isIntermediary?: boolean | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether the person holds or held a prominent public function, or is close to one who does. Once declared, a person decides the attempt.' })
  politicallyExposedPerson?: boolean | null;
  @Field(() => vocabularies.AnnualIncome.values, { nullable: true })
  annualIncome?: vocabularies.AnnualIncome | null;
  @Field(() => vocabularies.NetWorth.values, { nullable: true })
  netWorth?: vocabularies.NetWorth | null;
  @Field(() => vocabularies.SourceOfNetWorth.values, { nullable: true })
  sourceOfNetWorth?: vocabularies.SourceOfNetWorth | null;
  @Field(() => vocabularies.InitialDepositType.values, { nullable: true })
  initialDepositType?: vocabularies.InitialDepositType | null;
  @Field(() => vocabularies.MonthlyTransactions.values, { nullable: true })
  expectedMonthlyDeposits?: vocabularies.MonthlyTransactions | null;
  @Field(() => vocabularies.MonthlyTransactions.values, { nullable: true })
  expectedMonthlyWithdrawals?: vocabularies.MonthlyTransactions | null;
  @Field(() => String, { nullable: true })
  digitalAssetWalletAddress?: string | null;
  @Field(() => Float, { nullable: true, description: 'In US dollars.' })
  notionalTradedEachMonth?: number | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether the person acts for an enterprise; then its name, country and date of incorporation are required.' })
  isEntity?: boolean | null;
  @Field(() => String, { nullable: true })
  enterpriseName?: string | null;
  @Field(() => CountryCodeScalar, { nullable: true })
  countryOfIncorporation?: string | null;
  @Field(() => DateScalar, { nullable: true })
  dateOfIncorporation?: string | null;
}

@InputType('KycDocumentInput', { description: 'A document by URL. Its files are fetched after the mutation has answered; what cannot be fetched becomes a document REJECTED with the reason.' })
export class KycDocumentFields implements DocumentByUrl {
  @Field(() => vocabularies.IdClass.values)
  type!: vocabularies.IdClass;
  @Field(() => String, { nullable: true })
  number?: string | null;
  @Field(() => CountryCodeScalar, { nullable: true })
  issuingCountry?: string | null;
  @Field(() => DateScalar, { nullable: true })
  issueDate?: string | null;
  @Field(() => DateScalar, { nullable: true, description: 'A document that has expired is refused.' })
  expirationDate?: string | null;
  @Field(() => URLScalar, { description: 'https, on the public internet; a JPEG, PNG or PDF of at most 15 MB. Of a utility bill, bank statement or lease: the first page.' })
  frontImageUrl!: string;
  @Field(() => URLScalar, { nullable: true, description: 'Needed where the class has a back.' })
  backImageUrl?: string | null;
}

@InputType('KycDataInput', { description: 'Absent leaves a stored value alone; null clears it. A masked value sent back is BAD_USER_INPUT.' })
export class KycDataInputFields extends KycDataFields implements KycDataGiven {
  @Field(() => [KycDocumentFields], { nullable: true, description: "By URL; appended to the attempt's documents. All that come together spend one document attempt." })
  documents?: KycDocumentFields[] | null;
}

/** Characters of a number that are shown; of a short one fewer, so that most of it stays hidden. */
const SHOWN = 4;

/** A number as it is shown: `***-**-6789`. At least half of its characters, and never fewer than two, are hidden. */
export function mask(number: string): string {
  const shown = Math.min(SHOWN, Math.floor(number.length / 2), Math.max(0, number.length - 2));
  const hidden = number.slice(0, number.length - shown).replace(/[^\s-]/gu, '*');
  return hidden + number.slice(number.length - shown);
}

/** What a caller sees of stored data: completed by what follows from it, with official numbers masked. */
export function kycDataView(data: KycData): KycDataFields {
  const completed = completeKycData(data);
  const masked = MASKED_KYC_FIELDS.flatMap((name) => (completed[name] === undefined ? [] : [[name, mask(String(completed[name]))]]));
  return { ...completed, ...(Object.fromEntries(masked) as Partial<KycDataFields>) };
}
