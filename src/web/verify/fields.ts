/** How a field is asked for. */
export type FieldKind = 'text' | 'phone' | 'date' | 'country' | 'boolean' | 'amount' | 'number' | readonly string[];

/** The pages of the form, in their order. */
export const GROUPS = ['person', 'address', 'taxId', 'work', 'finances', 'company'] as const;
export type Group = (typeof GROUPS)[number];

/** A field of KycDataInput as the form shows it. */
export interface Field {
  group: Group;
  kind: FieldKind;
  /** WHATWG autofill (WCAG 2.2, 1.3.5). */
  autoComplete?: string;
  /** Asked for, but not needed, wherever this other field is asked for: people have second names and flats. */
  optionalWith?: string;
  /** Kept in memory alone, never in the browser's storage. */
  isSecret?: true;
}

const MONTHLY = ['FROM_0_TO_10', 'FROM_11_TO_20', 'FROM_21'] as const;
const OCCUPATIONS = [
  'AGRICULTURE', 'ART_DEALER_AUCTIONEER_IMPORT_EXPORT', 'FINANCIAL_SERVICES', 'CASINOS_AND_GAMBLING', 'CHARITY_NGO_NON_PROFIT', 'COMPUTER_SOFTWARE_IT',
  'CRYPTO_SERVICES', 'EDUCATION', 'EXTRACTIVE_INDUSTRY_JEWELS_METALS', 'FAMILY_OFFICE', 'FILM_TV_ENTERTAINMENT', 'GOVERNMENT_STATE_OWNED', 'HEALTHCARE',
  'LAW_ENFORCEMENT_MILITARY', 'MINER_MINING_POOL', 'MONEY_SERVICE_BUSINESS', 'PRIVATE_EQUITY_VENTURE_CAPITAL', 'PROFESSIONAL_SERVICES', 'REAL_ESTATE',
  'RECREATION_HOSPITALITY', 'STUDENT_UNEMPLOYED_RETIRED', 'TRADERS_TRADING', 'WEAPONS_DEALERS', 'OTHER', 'OTHER_DEFAULT',
] as const;

/** Every field that the API may ask for, in the order of the form: which of them are asked for, it says itself. */
export const FIELDS: Readonly<Record<string, Field>> = {
  'kycData.legalFirstName': { group: 'person', kind: 'text', autoComplete: 'given-name' },
  'kycData.legalMiddleName': { group: 'person', kind: 'text', autoComplete: 'additional-name', optionalWith: 'kycData.legalFirstName' },
  'kycData.legalLastName': { group: 'person', kind: 'text', autoComplete: 'family-name' },
  'kycData.dateOfBirth': { group: 'person', kind: 'date', autoComplete: 'bday' },
  'kycData.nationality': { group: 'person', kind: 'country' },
  'kycData.phoneNumber': { group: 'person', kind: 'phone', autoComplete: 'tel' },
  'kycData.address.country': { group: 'address', kind: 'country', autoComplete: 'country' },
  'kycData.address.addressLine1': { group: 'address', kind: 'text', autoComplete: 'address-line1' },
  'kycData.address.addressLine2': { group: 'address', kind: 'text', autoComplete: 'address-line2', optionalWith: 'kycData.address.addressLine1' },
  'kycData.address.postalCode': { group: 'address', kind: 'text', autoComplete: 'postal-code' },
  'kycData.address.city': { group: 'address', kind: 'text', autoComplete: 'address-level2' },
  'kycData.address.state': { group: 'address', kind: 'text', autoComplete: 'address-level1' },
  'kycData.countryOfResidence': { group: 'address', kind: 'country' },
  'kycData.nationalIdIssuingCountry': { group: 'taxId', kind: 'country' },
  'kycData.nationalIdType': { group: 'taxId', kind: ['SSN', 'ITIN', 'TIN', 'NATIONAL_ID', 'PASSPORT'] },
  'kycData.nationalIdNumber': { group: 'taxId', kind: 'number', isSecret: true },
  'kycData.employmentStatus': { group: 'work', kind: ['EMPLOYED', 'SELF_EMPLOYED', 'UNEMPLOYED', 'RETIRED', 'STUDENT'] },
  'kycData.mostRecentOccupation': { group: 'work', kind: 'text', autoComplete: 'organization-title' },
  'kycData.occupation': { group: 'work', kind: OCCUPATIONS },
  'kycData.sourceOfFunds': { group: 'finances', kind: ['EMPLOYMENT', 'BUSINESS', 'INVESTMENTS', 'INHERITANCE', 'SAVINGS'] },
  'kycData.accountPurpose': { group: 'finances', kind: ['PERSONAL_USE', 'BUSINESS_USE', 'INVESTMENT'] },
  'kycData.expectedMonthlyPaymentsUsd': { group: 'finances', kind: ['UNDER_10K', 'FROM_10K_TO_50K', 'FROM_50K_TO_100K', 'OVER_100K'] },
  'kycData.isIntermediary': { group: 'finances', kind: 'boolean' },
  'kycData.politicallyExposedPerson': { group: 'finances', kind: 'boolean' },
  'kycData.annualIncome': { group: 'finances', kind: ['UNDER_50K', 'FROM_50K_TO_100K', 'FROM_100K_TO_300K', 'FROM_300K_TO_500K', 'OVER_500K'] },
  'kycData.netWorth': { group: 'finances', kind: ['UNDER_100K', 'FROM_100K_TO_500K', 'FROM_500K_TO_1M', 'FROM_1M_TO_5M', 'OVER_5M'] },
  'kycData.sourceOfNetWorth': { group: 'finances', kind: ['EMPLOYMENT_INCOME', 'BUSINESS_INCOME', 'LEGAL_AND_COMPENSATION_PAYMENTS', 'INHERITANCES_AND_GIFTS', 'INVESTMENT_EARNINGS'] },
  'kycData.initialDepositType': { group: 'finances', kind: ['FIAT_CURRENCY', 'CRYPTO_DIGITAL_ASSETS'] },
  'kycData.expectedMonthlyDeposits': { group: 'finances', kind: MONTHLY },
  'kycData.expectedMonthlyWithdrawals': { group: 'finances', kind: MONTHLY },
  'kycData.digitalAssetWalletAddress': { group: 'finances', kind: 'text' },
  'kycData.notionalTradedEachMonth': { group: 'finances', kind: 'amount' },
  'kycData.isEntity': { group: 'company', kind: 'boolean' },
  'kycData.enterpriseName': { group: 'company', kind: 'text', autoComplete: 'organization' },
  'kycData.countryOfIncorporation': { group: 'company', kind: 'country' },
  'kycData.dateOfIncorporation': { group: 'company', kind: 'date' },
};

/** Asked for by the API, answered by the page: the language that the person reads here, and what `state` says already. */
export const ANSWERED_BY_PAGE: ReadonlySet<string> = new Set(['kycData.address.locale', 'kycData.address.stateCode']);

/** The fields of a form that asks for `required`, with the optional ones that belong beside them, in the form's order. */
export function fieldsToShow(required: ReadonlySet<string>): string[] {
  const known = Object.keys(FIELDS).filter((path) => {
    const { optionalWith } = FIELDS[path]!;
    return required.has(path) || (optionalWith !== undefined && required.has(optionalWith));
  });
  // A field that this page does not know yet is still asked for, as a text.
  const others = [...required].filter((path) => !(path in FIELDS) && !ANSWERED_BY_PAGE.has(path));
  const state = required.has('kycData.address.stateCode') && !known.includes('kycData.address.state') ? ['kycData.address.state'] : [];
  return [...known, ...state, ...others];
}

/** How a field is asked for; one that this page does not know, as a text of the last group there is. */
export function fieldOf(path: string): Field {
  return FIELDS[path] ?? { group: 'finances', kind: 'text' };
}

/** ISO 3166-1 alpha-2; the browser knows their names in every language. */
const COUNTRY_CODES =
  'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ ' +
  'DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP ' +
  'KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM ' +
  'PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ ' +
  'UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW';

/** Every country by its name in a language, sorted as its readers expect. */
export function countries(locale: string): { code: string; name: string }[] {
  const names = new Intl.DisplayNames([locale], { type: 'region' });
  const collator = new Intl.Collator(locale);
  return COUNTRY_CODES.split(' ').map((code) => ({ code, name: names.of(code) ?? code })).sort((one, other) => collator.compare(one.name, other.name));
}
