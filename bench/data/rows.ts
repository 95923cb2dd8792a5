import { createHash } from 'node:crypto';
import type { DataKey } from '../../src/core/crypto/cipher.js';
import type { SealedTable } from '../../src/core/crypto/sealed-table.js';
import type { NewDataKey, Vault } from '../../src/core/crypto/vault.js';
import { cipher, personalData, policies, policy, sealedTable } from './built.ts';
import type { Row } from './copying.ts';
import { contactOf, kycDataOf } from './people.ts';
import { idOf, noise, pick } from './seed.ts';
import type { Sizes } from './sizes.ts';

// The rows of every table, each made from its number alone, so that a child knows its parent's id.

const END = Date.parse('2026-01-01T00:00:00Z');
const YEAR_MILLISECONDS = 365 * 86_400_000;
/** One organization has most of the customers, so that its list has 1,000 pages of one status; the others share the rest. */
const LARGEST_SHARE = 0.7;
/** Where customers stand: their attempt's status with its projection. */
const STANDINGS = {
  IN_REVIEW: { weight: 77, status: 'UNDER_REVIEW', kycStatus: 'PENDING' },
  APPROVED: { weight: 13, status: 'ACTIVE', kycStatus: 'VERIFIED' },
  AWAITING_DOCUMENT_UPLOAD: { weight: 7, status: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'PENDING' },
  DECLINED: { weight: 3, status: 'REJECTED', kycStatus: 'FAILED' },
} as const;
const WEIGHTS = Object.fromEntries(Object.entries(STANDINGS).map(([word, { weight }]) => [word, weight])) as Record<keyof typeof STANDINGS, number>;
const POLICY = JSON.stringify(policy.DEFAULT_POLICY);
const POLICY_ID = policies.idOfPolicy(policy.DEFAULT_POLICY);
const CONTRACTS = ['CSA', 'MPA'] as const;

/** Makes the rows; it holds the data keys of the customers that it has made. */
export class Rows {
  readonly #sizes: Sizes;
  readonly #vault: Vault;
  readonly #keys: DataKey[] = [];

  // What every child of theirs repeats.
  readonly #organizationIds: readonly string[];
  readonly #customerIds: readonly string[];
  readonly #identityIds: readonly string[];
  readonly #times: readonly string[];

  constructor(sizes: Sizes, vault: Vault) {
    this.#sizes = sizes;
    this.#vault = vault;
    this.#organizationIds = Array.from({ length: sizes.organizations }, (_, number) => idOf('org', number, END - YEAR_MILLISECONDS));
    this.#customerIds = Array.from({ length: sizes.customers }, (_, number) => idOf('cus', number, this.#moment(number)));
    this.#identityIds = Array.from({ length: sizes.identities }, (_, number) => idOf('idn', number, this.#moment(number)));
    this.#times = this.#customerIds.map((_, number) => new Date(this.#moment(number)).toISOString());
  }

  organizationId(number: number): string {
    return this.#organizationIds[number] ?? '';
  }

  customerId(number: number): string {
    return this.#customerIds[number] ?? '';
  }

  /** The organization that a customer belongs to: number 0 is the largest. */
  organizationOf(customer: number): number {
    const others = this.#sizes.organizations - 1;
    return noise('organization', customer) % 1_000 < LARGEST_SHARE * 1_000 ? 0 : 1 + (noise('other', customer) % others);
  }

  *organizations(): Generator<Row> {
    for (let number = 0; number < this.#sizes.organizations; number += 1) {
      yield { id: this.organizationId(number), name: `Organization ${number}`, environment: 'SANDBOX', policy_id: POLICY_ID, created_at: this.#time(0) };
    }
  }

  /** Every organization's policy, under which all of its attempts began. */
  *policies(): Generator<Row> {
    for (let number = 0; number < this.#sizes.organizations; number += 1) yield { organization_id: this.organizationId(number), id: POLICY_ID, rules: POLICY };
  }

  *ledgers(): Generator<Row> {
    for (let number = 0; number < this.#sizes.organizations; number += 1) yield { organization_id: this.organizationId(number) };
  }

  /** The data key of every customer, wrapped by the gateway's own key management. */
  *dataKeys(wrapped: readonly (Pick<NewDataKey, 'key_id' | 'wrapped'>)[]): Generator<Row> {
    for (const [number, { key_id, wrapped: secret }] of wrapped.entries()) {
      yield { customer_id: this.customerId(number), organization_id: this.#organization(number), id: this.#key(number).id, key_id, wrapped: secret, created_at: this.#time(number) };
    }
  }

  /** A new data key for each customer. */
  makeKeys(): readonly { customerId: string; secret: Buffer }[] {
    return Array.from({ length: this.#sizes.customers }, (_, number) => {
      this.#keys[number] = cipher.newDataKey();
      return { customerId: this.customerId(number), secret: this.#key(number).secret.export() };
    });
  }

  *customers(): Generator<Row> {
    for (let number = 0; number < this.#sizes.customers; number += 1) {
      const id = this.customerId(number);
      const { word, status, kycStatus } = standingOf(number);
      const contact = contactOf(number);
      yield {
        id, organization_id: this.#organization(number), type: 'INDIVIDUAL', status, kyc_status: kycStatus, identity_status: word, document_attempts_remaining: 2, has_documents: true,
        verified_at: status === 'ACTIVE' ? this.#time(number) : null, current_identity_id: this.#identityId(number), version: 4, created_at: this.#time(number), updated_at: this.#time(number),
        ...this.#sealed(personalData.CUSTOMER_TABLE, number, id, contact),
      };
    }
  }

  *identities(): Generator<Row> {
    for (let number = 0; number < this.#sizes.identities; number += 1) {
      const id = this.#identityId(number);
      const personal = { kycData: kycDataOf(number), signer: {}, documentsByUrl: [], providerState: {} };
      yield {
        id, organization_id: this.#organization(number), customer_id: this.customerId(number), status: standingOf(number).word, step: 5, transaction_type: 'EU_INDIVIDUAL', policy_id: POLICY_ID,
        demands: '{"fields":[],"documents":[]}', evaluations: 1, document_submissions: 1, document_attempts_remaining: 2, needs_person: true, version: 5,
        created_at: this.#time(number), updated_at: this.#time(number), ...this.#sealed(personalData.IDENTITY_TABLE, number, id, personal),
      };
    }
  }

  *documents(): Generator<Row> {
    for (let number = 0; number < this.#sizes.documents; number += 1) {
      const customer = this.#customerOfDocument(number);
      const id = this.#documentId(number);
      const personal = { number: `C${number}`, issuingCountry: 'DE', issueDate: '2020-01-31', expirationDate: '2030-01-30' };
      yield {
        id, organization_id: this.#organization(customer), identity_id: this.#identityId(customer), customer_id: this.customerId(customer),
        selected_id_class: number < this.#sizes.identities ? 'PASSPORT' : 'UTILITY_BILL', status: 'APPROVED', submission: 1, version: 3, created_at: this.#time(customer), updated_at: this.#time(customer),
        sealed: this.#seal(personalData.DOCUMENT_TABLE, customer, id, personal),
      };
    }
  }

  *files(): Generator<Row> {
    for (let number = 0; number < this.#sizes.files; number += 1) {
      const document = number % this.#sizes.documents;
      const customer = this.#customerOfDocument(document);
      const id = idOf('fup', number, this.#moment(customer));
      const personal = { fileName: `photo-${number}.jpg`, sha256: createHash('sha256').update(String(number)).digest('hex') };
      yield {
        id, organization_id: this.#organization(customer), document_id: this.#documentId(document), customer_id: this.customerId(customer), document_type: number < this.#sizes.documents ? 'FRONT_PHOTO' : 'SELFIE',
        file_size: 200_000 + (noise('size', number) % 2_000_000), mime_type: 'image/jpeg', width: 1476, height: 1039, upload_status: 'UPLOADED', storage_key: `bench/${id}`, encrypted: true, warnings: '[]', created_at: this.#time(customer),
        sealed: this.#seal(personalData.FILE_TABLE, customer, id, personal),
      };
    }
  }

  *signatures(): Generator<Row> {
    for (let number = 0; number < this.#sizes.signatures; number += 1) {
      const customer = number % this.#sizes.identities;
      const id = idOf('sig', number, this.#moment(customer));
      const personal = { contractSignerNameFull: 'Lena Hoffmann', contractSignedIPAddress: '192.0.2.1' };
      yield {
        id, organization_id: this.#organization(customer), identity_id: this.#identityId(customer), customer_id: this.customerId(customer),
        contract_type: CONTRACTS[Math.floor(number / this.#sizes.identities) % CONTRACTS.length] ?? '', contract_version: '1.0', contract_signed_date: this.#time(customer), created_at: this.#time(customer),
        sealed: this.#seal(personalData.SIGNATURE_TABLE, customer, id, personal),
      };
    }
  }

  #identityId(customer: number): string {
    return this.#identityIds[customer] ?? '';
  }

  #documentId(number: number): string {
    return idOf('doc', number, this.#moment(this.#customerOfDocument(number)));
  }

  /** Everybody has one document, and every other customer a second: all pages of a list hold as many. */
  #customerOfDocument(number: number): number {
    const { identities } = this.#sizes;
    return number < identities ? number : ((number - identities) * 2) % identities;
  }

  #organization(customer: number): string {
    return this.organizationId(this.organizationOf(customer));
  }

  /** Milliseconds: customers come evenly over a year. */
  #moment(customer: number): number {
    return END - YEAR_MILLISECONDS + Math.floor((customer / this.#sizes.customers) * YEAR_MILLISECONDS);
  }

  #time(customer: number): string {
    return this.#times[customer] ?? '';
  }

  #key(customer: number): DataKey {
    const key = this.#keys[customer];
    if (!key) throw new Error('The keys are made first');
    return key;
  }

  #seal(table: SealedTable, customer: number, rowId: string, personal: object): Buffer {
    const place = { organizationId: this.#organization(customer), table: table.table, column: sealedTable.SEALED_COLUMN, rowId };
    return cipher.seal(this.#key(customer), place, Buffer.from(sealedTable.textOf(table, personal)));
  }

  /** The ciphertext of a row with its blind indexes. */
  #sealed(table: SealedTable, customer: number, rowId: string, personal: object): Row {
    const indexes = Object.values(table.indexes).map(({ column, purpose, valueOf }) => {
      const value = valueOf(personal as Record<string, unknown>);
      return [column, value == null ? null : this.#vault.index(this.#organization(customer), purpose, value)];
    });
    return { sealed: this.#seal(table, customer, rowId, personal), ...(Object.fromEntries(indexes) as Row) };
  }
}

function standingOf(customer: number) {
  const word = pick(WEIGHTS, noise('standing', customer));
  return { word, ...STANDINGS[word] };
}
