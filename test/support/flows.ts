import { jpeg } from '../files.js';
import type { ContractType, CreateCustomerInput, IdentityStatus, KycDataInput, SignatureInput, SubmitIdentityInput } from '../generated/graphql.js';
import type { Client } from './client.js';
import type { TestGateway, TestOrganization } from './gateway.js';
import { ADVANCE, CREATE_CUSTOMER, PATCH_IDENTITY, REVIEW, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES } from './operations.js';
import { CALIFORNIAN } from './people.js';

/** Seconds that each step lasts in the sandbox (domain.md, Sandbox). */
export const EVALUATION = 5;
export const DOCUMENT_CHECK = 10;
export const REVIEWING = 15;
/** Seconds that an attempt waits for its applicant under the default policy: thirty days. */
export const WAITING = 30 * 86_400;
/** What an institution's person signs under the default policy. */
export const CONTRACTS: readonly ContractType[] = ['CSA', 'MPA', 'MIC'];

/** A picture that no rule refuses, as a browser would send it; small, since most suites are not about it. */
export async function photo(name = 'front.jpg'): Promise<File> {
  return new File([await jpeg({ width: 320, height: 240 })], name, { type: 'image/jpeg' });
}

/** Moves the caller's sandbox forward; 0 lets happen what is due. */
export async function advance(client: Client, seconds: number): Promise<void> {
  await client.request(ADVANCE, { input: { seconds } });
}

/** A new customer. @returns its id. */
export async function newCustomer(partner: Client, input: CreateCustomerInput = { email: 'ada@example.com' }): Promise<string> {
  return (await partner.request(CREATE_CUSTOMER, { input })).createCustomer.customer.id;
}

/** Begins an attempt. @returns its id. */
export async function submit(partner: Client, customerId: string, kycData: KycDataInput, options: Omit<SubmitIdentityInput, 'customerId' | 'kycData'> = {}): Promise<string> {
  return (await partner.request(SUBMIT_IDENTITY, { input: { customerId, kycData, ...options } })).submitIdentity.identity.id;
}

/** Submits a passport. @returns the document's id. */
export async function submitPassport(partner: Client, identityId: string): Promise<string> {
  return (await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } })).submitDocument.document.id;
}

/** A signature that is complete. */
export function signature(contractType: ContractType, changes: Partial<SignatureInput> = {}): SignatureInput {
  return {
    contractType,
    contractVersion: '1.0',
    contractSignerNameFull: 'Grace Hopper',
    contractSignedDate: '2026-01-31T09:30:00Z',
    contractSignedIPAddress: '192.0.2.7',
    userAgreesToTerms: true,
    ...changes,
  };
}

export async function sign(partner: Client, identityId: string, contracts: readonly ContractType[] = CONTRACTS): Promise<void> {
  await partner.request(SUBMIT_SIGNATURES, { input: { identityId, signatures: contracts.map((contract) => signature(contract)) } });
}

/** Somebody in an organization of their own, so that moving its clock moves nobody else. */
export interface Applicant extends TestOrganization {
  customerId: string;
  identityId: string;
  documentId: string;
}

type Step = (applicant: Applicant) => Promise<unknown>;

const patch = (kycData: KycDataInput): Step => ({ partner, identityId }) => partner.request(PATCH_IDENTITY, { input: { identityId, kycData } });
const wait = (seconds: number): Step => ({ partner }) => advance(partner, seconds);
const patchCity = patch({ address: { city: 'Oakland' } });
const pass: Step = ({ partner, identityId }) => partner.request(PATCH_IDENTITY, { input: { identityId, debugStatus: 'PASSED' } });
const upload: Step = ({ partner, identityId }) => submitPassport(partner, identityId);
const decline: Step = ({ reviewer, identityId }) => reviewer.request(REVIEW, { input: { identityId, decision: 'DECLINE' } });

const UPLOADED = [pass, upload];
const REVIEWED = [...UPLOADED, wait(DOCUMENT_CHECK)];
const TO_SIGN = [...REVIEWED, wait(REVIEWING)];
const SIGNED: Step[] = [...TO_SIGN, ({ partner, identityId }) => sign(partner, identityId)];

/** How to come to each status from INCOMPLETE_VERIFICATIONS, so that there is a document in every one of them. */
const ROUTES: Readonly<Record<IdentityStatus, readonly Step[]>> = {
  INITIATING: [patchCity],
  EVALUATING_SUBMISSION: [patchCity, wait(0)],
  INPUT_ERROR: [patch({ address: { city: null } }), wait(EVALUATION)],
  SSN_ERROR: [patch({ nationalIdNumber: '111-11-1111' }), wait(EVALUATION)],
  AWAITING_DOCUMENT_UPLOAD: [patchCity, wait(EVALUATION)],
  RECORDS_UPLOADED: UPLOADED,
  INCOMPLETE_VERIFICATIONS: [],
  IN_REVIEW: REVIEWED,
  AWAITING_SIGNATURE: TO_SIGN,
  SIGNATURE_SUBMITTED: SIGNED,
  APPROVED: [...SIGNED, wait(0)],
  DECLINED: [...REVIEWED, decline],
  EXPIRED: [wait(WAITING)],
};
export const STATUSES = Object.keys(ROUTES) as IdentityStatus[];

/**
 * Brings a person of an institution, in an organization of their own, to a status, with a document that was refused on
 * the way. On a gateway without workers the person stays there.
 */
export async function bringTo(gateway: Pick<TestGateway, 'organization'>, status: IdentityStatus, given: { organization?: TestOrganization; partnerUserId?: string } = {}): Promise<Applicant> {
  const organization = given.organization ?? (await gateway.organization());
  const { partner } = organization;
  const customerId = await newCustomer(partner, { email: 'ada@example.com', partnerUserId: given.partnerUserId ?? null });
  const identityId = await submit(partner, customerId, CALIFORNIAN, { transactionType: 'INSTITUTIONAL_INDIVIDUAL', debugStatus: 'FAILED' });
  await advance(partner, EVALUATION);
  const documentId = await submitPassport(partner, identityId);
  const applicant = { ...organization, customerId, identityId, documentId };
  await advance(partner, DOCUMENT_CHECK);
  for (const step of ROUTES[status]) await step(applicant);
  return applicant;
}
