import type { FieldFault } from '../core/errors.js';
import { PLACEHOLDER_CONTRACTS, transactionKey, type ContractText, type ContractWording, type TransactionKey } from './contracts.js';
import { fault, validateText } from './text.js';
import { vocabulary, type ContractType, type TransactionType, type WordOf } from './vocabularies.js';

export { TRANSACTION_KEYS, transactionKey, type ContractText, type ContractWording, type TransactionKey } from './contracts.js';

export const PhotoIdRule = vocabulary('PhotoIdRule', 'Who is asked for a government photo id.', {
  EVERYONE: 'Everyone.',
  UNLESS_US_CITIZEN: 'Everyone but US citizens who are not politically exposed; in a sandbox those of them who live in New York are asked too.',
});
export type PhotoIdRule = WordOf<typeof PhotoIdRule>;

export const Liveness = vocabulary('Liveness', 'Who is asked for a selfie beside the photo id.', {
  NEVER: 'Nobody.',
  HOSTED_PAGE: 'Whoever goes through the hosted page.',
  ALWAYS: 'Everyone who is asked for a photo id.',
});
export type Liveness = WordOf<typeof Liveness>;

export const IdempotencyMode = vocabulary('IdempotencyMode', 'What a repeated Idempotency-Key with the same request is answered.', {
  REPLAY: 'The objects that came of the first request.',
  STRICT: 'IDEMPOTENCY_KEY_EXISTS, as the bank KYC API does.',
});
export type IdempotencyMode = WordOf<typeof IdempotencyMode>;

export const ProviderName = vocabulary('ProviderName', 'Who decides what the gateway itself cannot.', {
  SANDBOX: 'The sandbox provider, by magic values.',
  MANUAL: 'A reviewer; the gateway\'s own checks decide documents.',
});
export type ProviderName = WordOf<typeof ProviderName>;

/** What image files of documents have to keep to (domain.md, Documents). */
export interface ImageRules {
  /** Bytes of one file. */
  maxBytes: number;
  /** Pixels of each side. */
  minPixels: number;
  maxPdfPages: number;
}

/** The rules of one organization, as data (domain.md: "Policy is data, one record per organization"). No number of it is written twice. */
export interface Policy {
  /** Which contracts have to be signed. */
  contractsRequired: Record<TransactionKey, ContractType[]>;
  /** The version in force of each contract. */
  contracts: Record<ContractType, ContractWording>;
  photoId: Record<TransactionKey, PhotoIdRule>;
  liveness: Liveness;
  /** Submissions of documents before a person decides. */
  documentAttempts: number;
  /** Days that an identity may wait for its applicant. */
  waitingExpiryDays: number;
  /** Hours that an attempt may stay in a status that the gateway or a reviewer has to leave, before an event says so. */
  stuckAfterHours: number;
  /** Years. */
  minimumAge: number;
  image: ImageRules;
  /** null: the environment's own, SANDBOX or MANUAL. */
  provider: ProviderName | null;
  /** Whether a pass still goes to a person. */
  reviewAfterPass: boolean;
  idempotency: IdempotencyMode;
  /** Days after which the data of a customer that was closed is erased; null keeps it. */
  retentionDays: number | null;
}

/** What holds for an organization that has said nothing (domain.md: Evaluation, Documents). */
export const DEFAULT_POLICY: Policy = {
  contractsRequired: { INSTITUTIONAL_INDIVIDUAL: ['CSA', 'MPA', 'MIC'], EU_INDIVIDUAL: ['CSA'], NONE: [] },
  contracts: PLACEHOLDER_CONTRACTS,
  photoId: { INSTITUTIONAL_INDIVIDUAL: 'UNLESS_US_CITIZEN', EU_INDIVIDUAL: 'UNLESS_US_CITIZEN', NONE: 'EVERYONE' },
  liveness: 'HOSTED_PAGE',
  documentAttempts: 3,
  waitingExpiryDays: 30,
  stuckAfterHours: 72,
  minimumAge: 18,
  image: { maxBytes: 15 * 1_048_576, minPixels: 200, maxPdfPages: 10 },
  provider: null,
  reviewAfterPass: false,
  idempotency: 'REPLAY',
  retentionDays: null,
};

/** The contracts that a policy asks to be signed for a transaction type, with the wording in force. */
export function contractsFor(policy: Policy, transactionType: TransactionType | null): ContractText[] {
  return policy.contractsRequired[transactionKey(transactionType)].map((type) => ({ type, ...policy.contracts[type] }));
}

type Settable<T> = { [Name in keyof T]?: T[Name] | null | undefined };

/** A partial update of a policy, as its input has it: absent keeps, null goes back to the default; what a list does not name keeps too. */
export type PolicyPatch = Settable<Omit<Policy, 'contractsRequired' | 'contracts' | 'photoId' | 'image'>> & {
  contractsRequired?: readonly { transactionType?: TransactionType | null; contracts: readonly ContractType[] }[] | null | undefined;
  contracts?: readonly ContractText[] | null | undefined;
  photoId?: readonly { transactionType?: TransactionType | null; rule: PhotoIdRule }[] | null | undefined;
  image?: Settable<ImageRules> | null | undefined;
};

interface Range {
  readonly from: number;
  readonly to: number;
}

/** More would let one person try documents at random. */
const DOCUMENT_ATTEMPTS: Range = { from: 1, to: 20 };
/** Days. Data older than a year says little of a person. */
const WAITING_EXPIRY_DAYS: Range = { from: 1, to: 365 };
/** Hours: a year. */
const STUCK_AFTER_HOURS: Range = { from: 1, to: 8_760 };
/** Years. Younger people may not hold an account of their own anywhere that KYC is asked. */
const MINIMUM_AGE: Range = { from: 13, to: 99 };
/** Bytes. Under 100 KB no photo of a document is legible; 15 MiB is what the gateway reads at all. */
const IMAGE_MAX_BYTES: Range = { from: 100_000, to: 15 * 1_048_576 };
/** Pixels a side. No phone's camera gives more in its short side than the upper end. */
const IMAGE_MIN_PIXELS: Range = { from: 1, to: 2_000 };
const PDF_MAX_PAGES: Range = { from: 1, to: 100 };
/** Days: a century. */
const RETENTION_DAYS: Range = { from: 1, to: 36_500 };

/** UTF-16 code units. */
const CONTRACT_VERSION_MAX_LENGTH = 32;
const CONTRACT_TITLE_MAX_LENGTH = 300;
const CONTRACT_TEXT_MAX_LENGTH = 200_000;

/**
 * Merges a partial update into a policy, with every fault at once (paths such as `policy.documentAttempts`). The
 * policy it returns is to be stored only while there are no faults. Neither argument is changed.
 */
export function mergePolicy(current: Policy, patch: PolicyPatch): { faults: FieldFault[]; policy: Policy } {
  const faults: FieldFault[] = [];
  const policy = structuredClone(current);
  const integer = (name: 'documentAttempts' | 'waitingExpiryDays' | 'stuckAfterHours' | 'minimumAge', range: Range) => {
    policy[name] = settle(policy[name], patch[name], DEFAULT_POLICY[name], (value) => checkInteger(`policy.${name}`, value, range, faults));
  };
  integer('documentAttempts', DOCUMENT_ATTEMPTS);
  integer('waitingExpiryDays', WAITING_EXPIRY_DAYS);
  integer('stuckAfterHours', STUCK_AFTER_HOURS);
  integer('minimumAge', MINIMUM_AGE);
  policy.retentionDays = settle(policy.retentionDays, patch.retentionDays, null, (value) => value !== null && checkInteger('policy.retentionDays', value, RETENTION_DAYS, faults));
  policy.liveness = settle(policy.liveness, patch.liveness, DEFAULT_POLICY.liveness);
  policy.idempotency = settle(policy.idempotency, patch.idempotency, DEFAULT_POLICY.idempotency);
  policy.provider = settle(policy.provider, patch.provider, null);
  policy.reviewAfterPass = settle(policy.reviewAfterPass, patch.reviewAfterPass, DEFAULT_POLICY.reviewAfterPass);
  mergeImageRules(policy, patch.image, faults);
  mergePhotoId(policy, patch.photoId, faults);
  mergeWordings(policy, patch.contracts, faults);
  mergeRequiredContracts(policy, patch.contractsRequired, faults);
  return { faults, policy };
}

/** The value after a patch: absent keeps, null goes back to the default, what does not pass is left out. */
function settle<T>(current: T, given: T | null | undefined, byDefault: T, passes: (value: T) => boolean = () => true): T {
  if (given === undefined) return current;
  if (given === null) return byDefault;
  return passes(given) ? given : current;
}

function mergeImageRules(policy: Policy, patch: PolicyPatch['image'], faults: FieldFault[]): void {
  if (patch === undefined) return;
  const ranges: Record<keyof ImageRules, Range> = { maxBytes: IMAGE_MAX_BYTES, minPixels: IMAGE_MIN_PIXELS, maxPdfPages: PDF_MAX_PAGES };
  for (const name of Object.keys(ranges) as (keyof ImageRules)[]) {
    const given = patch === null ? null : patch[name];
    policy.image[name] = settle(policy.image[name], given, DEFAULT_POLICY.image[name], (value) => checkInteger(`policy.image.${name}`, value, ranges[name], faults));
  }
}

function mergePhotoId(policy: Policy, patch: PolicyPatch['photoId'], faults: FieldFault[]): void {
  if (patch === null) policy.photoId = structuredClone(DEFAULT_POLICY.photoId);
  const keys = (patch ?? []).map(({ transactionType }) => transactionKey(transactionType ?? null));
  refuseRepetition(keys, (index) => `policy.photoId.${index}.transactionType`, faults);
  patch?.forEach(({ rule }, index) => (policy.photoId[keys[index]!] = rule));
}

function mergeWordings(policy: Policy, patch: PolicyPatch['contracts'], faults: FieldFault[]): void {
  if (patch === null) policy.contracts = structuredClone(DEFAULT_POLICY.contracts);
  refuseRepetition((patch ?? []).map(({ type }) => type), (index) => `policy.contracts.${index}.type`, faults);
  patch?.forEach(({ type, ...wording }, index) => {
    const part = (name: keyof ContractWording, maxLength: number, multiline: boolean): string => {
      const checked = validateText(`policy.contracts.${index}.${name}`, wording[name], { maxLength, multiline });
      faults.push(...checked.faults);
      return checked.value ?? '';
    };
    policy.contracts[type] = {
      version: part('version', CONTRACT_VERSION_MAX_LENGTH, false),
      title: part('title', CONTRACT_TITLE_MAX_LENGTH, false),
      text: part('text', CONTRACT_TEXT_MAX_LENGTH, true),
    };
  });
}

function mergeRequiredContracts(policy: Policy, patch: PolicyPatch['contractsRequired'], faults: FieldFault[]): void {
  if (patch === null) policy.contractsRequired = structuredClone(DEFAULT_POLICY.contractsRequired);
  const keys = (patch ?? []).map(({ transactionType }) => transactionKey(transactionType ?? null));
  refuseRepetition(keys, (index) => `policy.contractsRequired.${index}.transactionType`, faults);
  patch?.forEach(({ contracts }, index) => {
    refuseRepetition(contracts, (at) => `policy.contractsRequired.${index}.contracts.${at}`, faults);
    policy.contractsRequired[keys[index]!] = [...contracts];
  });
}

/** Of two entries for one thing the later would silently win. */
function refuseRepetition(keys: readonly string[], pathAt: (index: number) => string, faults: FieldFault[]): void {
  keys.forEach((key, index) => {
    if (keys.indexOf(key) < index) faults.push(fault(pathAt(index), 'duplicate', 'An earlier entry of this list says the same: give each once.'));
  });
}

function checkInteger(path: string, value: number, range: Range, faults: FieldFault[]): boolean {
  if (Number.isInteger(value) && value >= range.from && value <= range.to) return true;
  faults.push(fault(path, 'out_of_range', `A whole number from ${range.from} to ${range.to} is expected.`));
  return false;
}
