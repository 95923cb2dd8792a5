import type { KycDataInput } from '../generated/graphql.js';

/** A resident of Germany: all that the Customer API asks for. */
export const GERMAN: KycDataInput = {
  legalFirstName: 'Ada',
  legalLastName: 'Lovelace',
  phoneNumber: '+4930901820',
  dateOfBirth: '1990-01-31',
  nationality: 'DE',
  address: { addressLine1: 'Unter den Linden 1', city: 'Berlin', stateCode: 'BE', postalCode: '10117', country: 'DE', locale: 'de-DE' },
  nationalIdType: 'PASSPORT',
  nationalIdNumber: 'C01X00T47',
  nationalIdIssuingCountry: 'DE',
  employmentStatus: 'EMPLOYED',
  mostRecentOccupation: 'Analyst',
  sourceOfFunds: 'EMPLOYMENT',
  accountPurpose: 'PERSONAL_USE',
  expectedMonthlyPaymentsUsd: 'UNDER_10K',
  isIntermediary: false,
};

/** A US citizen in California: all that the institutional flow asks for, with no document step. */
export const CALIFORNIAN: KycDataInput = {
  legalFirstName: 'Grace',
  legalLastName: 'Hopper',
  dateOfBirth: '1986-12-09',
  nationality: 'US',
  countryOfResidence: 'US',
  address: { addressLine1: '1 Market Street', city: 'San Francisco', stateCode: 'CA', postalCode: '94105', country: 'US' },
  nationalIdType: 'SSN',
  nationalIdNumber: '123-45-6789',
  politicallyExposedPerson: false,
};
