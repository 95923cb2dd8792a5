import { vocabulary, type WordOf } from './vocabulary.js';

/**
 * The enumerations of the answers in KycData (schema.graphql; original wording from domain.md,
 * "Values of the Identity API's enumerations"). The words of the lifecycle are in statuses.ts.
 */
export * from './statuses.js';
export { isWordOf, vocabulary, wordsOf, type Vocabulary, type WordOf } from './vocabulary.js';

export const NationalIdType = vocabulary('NationalIdType', 'What kind of number nationalIdNumber is.', {
  SSN: 'United States Social Security number. US citizens give this one; it is assumed for them when the type is left out.',
  ITIN: 'United States Individual Taxpayer Identification Number. US residents who are not citizens give this or an SSN.',
  TIN: 'Tax number of the issuing country.',
  NATIONAL_ID: 'Number of the national identity register or identity card of the issuing country.',
  PASSPORT: 'Passport number of the issuing country.',
});
export type NationalIdType = WordOf<typeof NationalIdType>;

export const EmploymentStatus = vocabulary('EmploymentStatus', 'How the person is occupied at present.', {
  EMPLOYED: 'Works for an employer.',
  SELF_EMPLOYED: 'Works on their own account.',
  UNEMPLOYED: 'Has no work at present.',
  RETIRED: 'Has retired.',
  STUDENT: 'Studies.',
});
export type EmploymentStatus = WordOf<typeof EmploymentStatus>;

export const SourceOfFunds = vocabulary('SourceOfFunds', 'Where the money that is paid in comes from.', {
  EMPLOYMENT: 'Wages or salary.',
  BUSINESS: 'Income of a business.',
  INVESTMENTS: 'Returns on investments.',
  INHERITANCE: 'An inheritance.',
  SAVINGS: 'Savings.',
});
export type SourceOfFunds = WordOf<typeof SourceOfFunds>;

export const AccountPurpose = vocabulary('AccountPurpose', 'What the account is meant for.', {
  PERSONAL_USE: 'Personal payments.',
  BUSINESS_USE: 'Payments of a business.',
  INVESTMENT: 'Investing.',
});
export type AccountPurpose = WordOf<typeof AccountPurpose>;

export const ExpectedMonthlyPayments = vocabulary(
  'ExpectedMonthlyPayments',
  'How much the person expects to pay in a month, in US dollars. A GraphQL name cannot begin with a digit, hence FROM_.',
  {
    UNDER_10K: 'Less than $10,000. UNDER_10K in the REST vocabulary.',
    FROM_10K_TO_50K: '$10,000 to $50,000. 10K_TO_50K in the REST vocabulary.',
    FROM_50K_TO_100K: '$50,000 to $100,000. 50K_TO_100K in the REST vocabulary.',
    OVER_100K: 'More than $100,000. OVER_100K in the REST vocabulary.',
  },
);
export type ExpectedMonthlyPayments = WordOf<typeof ExpectedMonthlyPayments>;

export const OccupationCategory = vocabulary('OccupationCategory', 'The line of work of the person.', {
  AGRICULTURE: 'Agriculture',
  ART_DEALER_AUCTIONEER_IMPORT_EXPORT: 'Art Dealer / Auctioneer / Import / Export Company',
  FINANCIAL_SERVICES: 'Financial Services (Asset Mgmt., Bank, Broker Dealer, Commodities, Mutual Fund, Ins. Co)',
  CASINOS_AND_GAMBLING: 'Casinos and Gambling Establishments',
  CHARITY_NGO_NON_PROFIT: 'Charity/NGO/Non-Profit/Foundation/Endowment',
  COMPUTER_SOFTWARE_IT: 'Computer Programmer / Administrator / Software Engineer / IT or Software / Technology Company',
  CRYPTO_SERVICES: 'Crypto Services (ATM, Exchange, Lender, Coins/Token)',
  EDUCATION: 'Education / Teacher',
  EXTRACTIVE_INDUSTRY_JEWELS_METALS: 'Extractive Industry (Oil, Gas, etc.) / Jewels / Gemstones / Precious Metals',
  FAMILY_OFFICE: 'Family Office',
  FILM_TV_ENTERTAINMENT: 'Film / TV / Entertainment (not adult)',
  GOVERNMENT_STATE_OWNED: 'Government/State owned/Political Org. (i.e. Sovereign Wealth Fund)',
  HEALTHCARE: 'Healthcare',
  LAW_ENFORCEMENT_MILITARY: 'Law Enforcement / Military / Protective Services',
  MINER_MINING_POOL: 'Miner / Mining Pool',
  MONEY_SERVICE_BUSINESS: 'Money Service Business',
  OTHER: 'Other',
  PRIVATE_EQUITY_VENTURE_CAPITAL: 'Private Equity / Venture Capital',
  PROFESSIONAL_SERVICES: 'Professional Service Providers (lawyers accountants etc.)',
  REAL_ESTATE: 'Real estate brokers developers and appraisers',
  RECREATION_HOSPITALITY: 'Recreation / Hospitality',
  STUDENT_UNEMPLOYED_RETIRED: 'Student / Unemployed / Retired',
  TRADERS_TRADING: 'Traders / Trading (High Frequency, Proprietary, Market Maker)',
  OTHER_DEFAULT: 'Other - Default',
  WEAPONS_DEALERS: 'Weapons Dealers',
});
export type OccupationCategory = WordOf<typeof OccupationCategory>;

export const AnnualIncome = vocabulary('AnnualIncome', 'Income in a year, in US dollars.', {
  UNDER_50K: 'Under $50,000',
  FROM_50K_TO_100K: '$50,001 - $100,000',
  FROM_100K_TO_300K: '$100,001 - $300,000',
  FROM_300K_TO_500K: '$300,001 - $500,000',
  OVER_500K: '$500,001 and over',
});
export type AnnualIncome = WordOf<typeof AnnualIncome>;

export const NetWorth = vocabulary('NetWorth', 'What the person owns less what they owe, in US dollars.', {
  UNDER_100K: 'Under $100,000',
  FROM_100K_TO_500K: '$100,001 - $500,000',
  FROM_500K_TO_1M: '$500,001 - $1,000,000',
  FROM_1M_TO_5M: '$1,000,001 - $5,000,000',
  OVER_5M: '$5,000,001 and over',
});
export type NetWorth = WordOf<typeof NetWorth>;

export const SourceOfNetWorth = vocabulary('SourceOfNetWorth', 'How the person came by what they own.', {
  EMPLOYMENT_INCOME: 'Employment Income: Includes salaries, wages, and bonuses.',
  BUSINESS_INCOME: 'Business Income: Revenue from self-owned businesses or proceeds from the sale of a business.',
  LEGAL_AND_COMPENSATION_PAYMENTS:
    'Legal and Compensation Payments: Funds received from legal settlements, including insurance claims, divorce settlements, accident compensations, etc.',
  INHERITANCES_AND_GIFTS: 'Inheritances and Gifts: Money or assets received as an inheritance, gift, or through trust distributions.',
  INVESTMENT_EARNINGS:
    'Investment Earnings: Profits derived from investments such as cryptocurrencies, stocks, bonds, private equity, or venture capital.',
});
export type SourceOfNetWorth = WordOf<typeof SourceOfNetWorth>;

export const InitialDepositType = vocabulary('InitialDepositType', 'What the first deposit will be made in.', {
  FIAT_CURRENCY: 'Fiat Currency',
  CRYPTO_DIGITAL_ASSETS: 'Crypto / Digital Assets',
});
export type InitialDepositType = WordOf<typeof InitialDepositType>;

export const MonthlyTransactions = vocabulary('MonthlyTransactions', 'How many transactions the person expects in a month.', {
  FROM_0_TO_10: '0-10 Transactions',
  FROM_11_TO_20: '11-20 Transactions',
  FROM_21: '21+ Transactions',
});
export type MonthlyTransactions = WordOf<typeof MonthlyTransactions>;
