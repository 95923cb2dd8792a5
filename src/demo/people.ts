/** All that the Customer API asks of a resident of Germany. */
export const LENA = {
  legalFirstName: 'Lena',
  legalLastName: 'Hoffmann',
  phoneNumber: '+4915112345678',
  dateOfBirth: '1991-04-17',
  nationality: 'DE',
  countryOfResidence: 'DE',
  address: { addressLine1: 'Torstraße 140', city: 'Berlin', stateCode: 'BE', postalCode: '10119', country: 'DE', locale: 'de-DE' },
  nationalIdType: 'PASSPORT',
  nationalIdNumber: 'C01X00T47',
  nationalIdIssuingCountry: 'DE',
  employmentStatus: 'EMPLOYED',
  mostRecentOccupation: 'Software engineer',
  sourceOfFunds: 'EMPLOYMENT',
  accountPurpose: 'PERSONAL_USE',
  expectedMonthlyPaymentsUsd: 'UNDER_10K',
  isIntermediary: false,
} as const;

/** All that the institutional flow asks of a US citizen in California, who by the rules alone would have no document step. */
export const MAYA = {
  legalFirstName: 'Maya',
  legalLastName: 'Carter',
  dateOfBirth: '1986-09-02',
  nationality: 'US',
  countryOfResidence: 'US',
  address: { addressLine1: '580 California Street', city: 'San Francisco', stateCode: 'CA', postalCode: '94104', country: 'US' },
  nationalIdType: 'SSN',
  nationalIdNumber: '123-45-6789',
  politicallyExposedPerson: false,
} as const;
