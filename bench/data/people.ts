import { noise } from './seed.ts';

const FIRST_NAMES = ['Lena', 'Amara', 'Jonas', 'Mei', 'Luis', 'Zofia', 'Ibrahim', 'Chloé', 'Nikolai', 'Aroha'] as const;
const LAST_NAMES = ['Hoffmann', 'Okafor', 'Lindqvist', 'Chen', 'Álvarez', 'Nowak', 'Haddad', 'Dubois', 'Petrov', 'Ngata'] as const;
const NATIONAL_ID_DIGITS = 100_000_000;

/** What a generated customer is known by. */
export function contactOf(number: number) {
  const random = noise('contact', number);
  return {
    email: `person-${number}@example.com`,
    firstName: FIRST_NAMES[random % FIRST_NAMES.length] ?? null,
    lastName: LAST_NAMES[(random >>> 8) % LAST_NAMES.length] ?? null,
    partnerUserId: `user-${number}`,
  };
}

/** All that the Customer API asks of a resident of Germany, valid and complete. */
export function kycDataOf(number: number) {
  const { firstName, lastName } = contactOf(number);
  return {
    legalFirstName: firstName ?? '', legalLastName: lastName ?? '', phoneNumber: '+4915112345678', dateOfBirth: '1991-04-17', nationality: 'DE', countryOfResidence: 'DE',
    address: { addressLine1: `Torstraße ${(number % 200) + 1}`, city: 'Berlin', stateCode: 'BE', postalCode: '10119', country: 'DE', locale: 'de-DE' },
    nationalIdType: 'PASSPORT' as const, nationalIdNumber: `C${String(noise('national id', number) % NATIONAL_ID_DIGITS).padStart(8, '0')}`, nationalIdIssuingCountry: 'DE',
    employmentStatus: 'EMPLOYED' as const, mostRecentOccupation: 'Software engineer', sourceOfFunds: 'EMPLOYMENT' as const, accountPurpose: 'PERSONAL_USE' as const,
    expectedMonthlyPaymentsUsd: 'UNDER_10K' as const, isIntermediary: false,
  };
}
