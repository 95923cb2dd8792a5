import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { KycDataInput } from '../generated/graphql.js';
import type { Client } from '../support/client.js';
import { useGateway } from '../support/gateway.js';
import { newCustomer } from '../support/flows.js';
import { PATCH_CUSTOMER, SNAPSHOT, SUBMIT_IDENTITY } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

const gateway = useGateway();

const KYC_DATA = graphql(`
  query KycDataOf($id: ID!) {
    customer(id: $id) {
      firstName
      lastName
      partnerUserId
      kycData {
        legalFirstName legalMiddleName legalLastName phoneNumber dateOfBirth nationality countryOfResidence
        address { addressLine1 addressLine2 city state stateCode postalCode country locale }
        nationalIdType nationalIdNumber nationalIdIssuingCountry employmentStatus mostRecentOccupation occupation
        sourceOfFunds accountPurpose expectedMonthlyPaymentsUsd isIntermediary politicallyExposedPerson
        annualIncome netWorth sourceOfNetWorth initialDepositType expectedMonthlyDeposits expectedMonthlyWithdrawals
        digitalAssetWalletAddress notionalTradedEachMonth isEntity enterpriseName countryOfIncorporation dateOfIncorporation
      }
    }
  }
`);

const DRY_RUN = graphql(`
  query DryRun($kycData: KycDataInput!, $transactionType: TransactionType) {
    requirements(kycData: $kycData, transactionType: $transactionType) {
      kind
      field
      code
      acceptedDocuments
      contract { type version title text }
    }
  }
`);

/** Every field of both vocabularies, as a partner may send it. */
const EVERYTHING: KycDataInput = {
  ...GERMAN,
  legalMiddleName: 'King',
  dateOfBirth: '1990-01-31T23:30:00-05:00',
  nationality: 'deu',
  countryOfResidence: 'DEU',
  address: { ...GERMAN.address, addressLine2: '2. Hof' },
  occupation: 'COMPUTER_SOFTWARE_IT',
  politicallyExposedPerson: false,
  annualIncome: 'FROM_50K_TO_100K',
  netWorth: 'UNDER_100K',
  sourceOfNetWorth: 'EMPLOYMENT_INCOME',
  initialDepositType: 'FIAT_CURRENCY',
  expectedMonthlyDeposits: 'FROM_0_TO_10',
  expectedMonthlyWithdrawals: 'FROM_21',
  digitalAssetWalletAddress: 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq',
  notionalTradedEachMonth: 1234.5,
  isEntity: true,
  enterpriseName: 'Analytical Engines',
  countryOfIncorporation: 'GBR',
  dateOfIncorporation: '2001-02-03',
};

async function kycDataOf(partner: Client, id: string) {
  return (await partner.request(KYC_DATA, { id })).customer?.kycData;
}

describe('KYC data', () => {
  it('every field of both vocabularies is stored and read back, normalised', async () => {
    const { partner } = await gateway.organization();
    const id = await newCustomer(partner);
    await partner.request(SUBMIT_IDENTITY, { input: { customerId: id, kycData: EVERYTHING } });
    expect(await kycDataOf(partner, id)).toEqual({
      ...EVERYTHING,
      dateOfBirth: '1990-01-31',
      nationality: 'DE',
      countryOfResidence: 'DE',
      countryOfIncorporation: 'GB',
      nationalIdNumber: '*****0T47',
      address: { ...EVERYTHING.address, state: 'Berlin' },
    });
  });

  it('absent keeps, null clears, nested objects merge', async () => {
    const { partner } = await gateway.organization();
    const id = await newCustomer(partner, { email: 'test-rejected@example.com' });
    await partner.request(PATCH_CUSTOMER, { input: { customerId: id, kycData: { legalFirstName: 'Ada', legalMiddleName: 'King', address: { city: 'Berlin', addressLine1: 'A 1' } } } });
    await partner.request(graphql(`mutation Settle { advanceSandboxClock(input: { seconds: 5 }) { now } }`), {});
    await partner.request(PATCH_CUSTOMER, { input: { customerId: id, kycData: { legalMiddleName: null, address: { city: 'Potsdam' } } } });
    expect(await kycDataOf(partner, id)).toMatchObject({ legalFirstName: 'Ada', legalMiddleName: null, address: { city: 'Potsdam', addressLine1: 'A 1' } });
  });

  it('a masked value sent back is refused, and changes nothing', async () => {
    const { partner } = await gateway.organization();
    const id = await newCustomer(partner);
    const before = await partner.request(SNAPSHOT, { id });
    const facts = await partner.refusal(PATCH_CUSTOMER, { input: { customerId: id, kycData: { nationalIdNumber: '***-**-6789' } } });
    expect(facts.code).toBe('BAD_USER_INPUT');
    expect(facts.fields?.map(({ path, code }) => ({ path, code }))).toEqual([{ path: 'kycData.nationalIdNumber', code: 'masked' }]);
    expect(await partner.request(SNAPSHOT, { id })).toEqual(before);
  });

  it('seven faults, found by the schema and by the rules, are listed as seven: by variables, by literals and by both', async () => {
    const { partner } = await gateway.organization();
    const id = await newCustomer(partner);
    const before = await partner.request(SNAPSHOT, { id });
    const kycData = {
      legalFirstName: '   ',
      phoneNumber: '030 12345',
      dateOfBirth: '1990-13-45',
      nationality: 'Narnia',
      employmentStatus: 'PIRATE',
      isIntermediary: 'perhaps',
      nationalIdType: 'SSN',
      nationalIdNumber: '666-12-1234',
    } as unknown as KycDataInput;
    const { status, errors } = await partner.send(SUBMIT_IDENTITY, { input: { customerId: id, kycData } });
    expect(status).toBe(400);
    expect(errors).toHaveLength(1);
    const fields = errors![0]!.extensions!['fields'] as { path: string; message: string }[];
    const paths = ['dateOfBirth', 'employmentStatus', 'isIntermediary', 'legalFirstName', 'nationalIdNumber', 'nationality', 'phoneNumber'];
    expect(fields.map(({ path }) => path).sort()).toEqual(paths.map((path) => `kycData.${path}`));
    const sorted = (faults: { path: string }[]) => faults.toSorted((one, other) => one.path.localeCompare(other.path));
    const literal = (value: unknown): string => (typeof value === 'object' && value !== null ? `{ ${Object.entries(value).map(([name, inner]) => `${name}: ${literal(inner)}`).join(', ')} }` : value === 'SSN' ? 'SSN' : JSON.stringify(value));
    const { nationality, legalFirstName, ...others } = kycData;
    const documents = [
      { query: `mutation { submitIdentity(input: { customerId: "${id}", kycData: ${literal(kycData)} }) { identity { id } } }`, variables: {} },
      {
        query: `mutation ($customerId: ID!, $nationality: CountryCode, $name: String = "Ada") {
          submitIdentity(input: { customerId: $customerId, kycData: { nationality: $nationality, legalFirstName: $name, ${literal(others).slice(1)} }) { identity { id } }
        }`,
        variables: { customerId: id, nationality, name: legalFirstName },
      },
    ];
    for (const body of documents) {
      const answer = await partner.post(body);
      expect(answer.status).toBe(400);
      expect(answer.json.errors).toHaveLength(1);
      const { extensions, message } = answer.json.errors![0]!;
      expect({ ...extensions, fields: sorted(extensions.fields!) }).toEqual({ ...errors![0]!.extensions, fields: sorted(fields), requestId: expect.any(String) });
      expect(message).toBe(errors![0]!.message);
      expect(answer.text).not.toMatch(/030 12345|1990-13-45|Narnia|PIRATE|perhaps|666-12-1234/);
    }
    for (const value of ['030 12345', '1990-13-45', 'Narnia', 'PIRATE', 'perhaps', '666-12-1234']) expect(JSON.stringify(errors)).not.toContain(value);
    expect(await partner.request(SNAPSHOT, { id })).toEqual(before);
  });

  it('a field too many and one too few are faults of the input, by variables and by literals', async () => {
    const { partner } = await gateway.organization();
    const query = 'mutation ($input: PatchCustomerInput!) { patchCustomer(input: $input) { customer { id } } }';
    const byVariables = await partner.post({ query, variables: { input: { kycData: { shoeSize: 43, legalFirstName: 5, nationality: 'Narnia' } } } });
    const byLiterals = await partner.post({ query: 'mutation { patchCustomer(input: { kycData: { shoeSize: 43, legalFirstName: 5, nationality: "Narnia" } }) { customer { id } } }' });
    for (const { status, json } of [byVariables, byLiterals]) {
      expect(status).toBe(400);
      expect(json.errors).toHaveLength(1);
      expect(json.errors![0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(json.errors![0]!.extensions.fields?.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
        'customerId required', 'kycData.legalFirstName invalid', 'kycData.nationality invalid', 'kycData.shoeSize unknown_field',
      ]);
    }
    const faultsOf = ({ json }: typeof byLiterals) => json.errors![0]!.extensions.fields!.toSorted((one, other) => one.path.localeCompare(other.path));
    expect(faultsOf(byLiterals)).toEqual(faultsOf(byVariables));
    const fragment = (first: string) => `fragment F on CustomerConnection { nodes { id events(first: ${first}) { nodes { id } } } }`;
    const inFragment = await partner.post({ query: `{ customers(first: 5) { ...F } } ${fragment('"CANARY"')}` });
    const byVariable = await partner.post({ query: `query Q($count: Int!) { customers(first: 5) { ...F } } ${fragment('$count')}`, variables: { count: 'CANARY' } });
    expect(faultsOf(inFragment)).toEqual([{ path: 'first', code: 'invalid', message: 'Expected a value of type Int.' }]);
    expect(faultsOf(byVariable)).toEqual(faultsOf(inFragment));
    const both = await partner.post({ query: 'mutation { patchCustomer(input: { kycData: { nationality: "Narnia" } }) { customer { shoeSize } } }' });
    expect(both.json.errors?.map(({ extensions }) => extensions.code)).toContain('GRAPHQL_VALIDATION_FAILED');
  });

  it('a fault has the path of the input, whatever the variables are called and wherever the value stands', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const query = `mutation ($customer: ID!, $phone: String, $birth: Date, $code: CountryCode) {
      patchCustomer(input: { customerId: $customer, kycData: { phoneNumber: $phone, dateOfBirth: $birth, address: { country: $code } } }) { customer { id } }
    }`;
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { ...partner.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { customer: customerId, phone: 'bad', birth: 'nope', code: 'Narnia' } }),
    });
    const { errors } = (await response.json()) as { errors: { extensions: { fields: { path: string }[] } }[] };
    expect(errors[0]?.extensions.fields.map(({ path }) => path).sort()).toEqual(['kycData.address.country', 'kycData.dateOfBirth', 'kycData.phoneNumber']);
    const literal = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { ...partner.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ requirements(kycData: { address: { country: "Narnia" } }) { kind } }' }),
    });
    const refused = (await literal.json()) as { errors: { extensions: { code: string; fields: { path: string }[] } }[] };
    expect(refused.errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'kycData.address.country' }] });
  });

  it('strict refuses what is incomplete and stores nothing; otherwise it becomes requirements', async () => {
    const { partner } = await gateway.organization();
    const id = await newCustomer(partner);
    const before = await partner.request(SNAPSHOT, { id });
    const kycData = { ...GERMAN, legalLastName: undefined, address: { ...GERMAN.address, postalCode: undefined } };
    const facts = await partner.refusal(SUBMIT_IDENTITY, { input: { customerId: id, kycData, strict: true } });
    expect(facts.fields?.map(({ path, code }) => ({ path, code }))).toEqual([
      { path: 'kycData.legalLastName', code: 'required' },
      { path: 'kycData.address.postalCode', code: 'required' },
    ]);
    expect(await partner.request(SNAPSHOT, { id })).toEqual(before);
    await partner.request(SUBMIT_IDENTITY, { input: { customerId: id, kycData, strict: false } });
    const { customer } = await partner.request(SNAPSHOT, { id });
    expect(customer?.requirements.filter(({ kind }) => kind === 'FIELD').map(({ field }) => field)).toEqual(['kycData.legalLastName', 'kycData.address.postalCode']);
  });

  it('the dry run lists what a person like this would have to provide, and creates nobody', async () => {
    const { partner } = await gateway.organization();
    const { requirements } = await partner.request(DRY_RUN, { kycData: GERMAN, transactionType: 'EU_INDIVIDUAL' });
    expect(requirements.map(({ kind, field, contract }) => field ?? contract?.type ?? kind)).toEqual(['kycData.politicallyExposedPerson', 'DOCUMENT', 'CSA']);
    expect(requirements.at(-1)?.contract).toMatchObject({ version: '1.0' });
    const refused = await partner.refusal(DRY_RUN, { kycData: { phoneNumber: 'x', nationality: 'Narnia' } });
    expect(refused.fields?.map(({ path }) => path).sort()).toEqual(['kycData.nationality', 'kycData.phoneNumber']);
  });
});
