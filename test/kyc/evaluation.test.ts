import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isInOurHands, step } from '../../src/identity/lifecycle.js';
import { PHOTO_ID_DEMAND, PROOF_OF_ADDRESS_CLASSES, PROOF_OF_ADDRESS_DEMAND } from '../../src/kyc/demands.js';
import { fileTypesOf, unmetBySubmission, type SubjectDocument, type SubmittedDocument } from '../../src/kyc/document-demands.js';
import { FIELD_PATHS, mergeKycData, type FieldPath, type KycData } from '../../src/kyc/fields.js';
import { DEFAULT_POLICY, type Policy } from '../../src/kyc/policy.js';
import { meetFieldDemands, missingFields, requestByReviewer, requirementsOf, withoutFieldDemand, type Requirement, type RequirementSubject } from '../../src/kyc/requirements.js';
import { validateKycData } from '../../src/kyc/validation.js';
import type { IdClass, IdentityStatus } from '../../src/kyc/vocabularies.js';
import { concludeDocuments, concludeEvaluation, concludeReview } from '../../src/verification/evaluation.js';
import type { EvaluationVerdict } from '../../src/verification/provider.js';
import { CONTEXT, person, pick, somePaths, subjectOf, transactionType } from './people.js';

const PEOPLE = 1_500;
/** Times that a person is asked for something: fields twice or thrice, documents and their replacement, what a reviewer wants, signatures. */
const MOST_ROUNDS = 12;

const verdict = (outcome: EvaluationVerdict['outcome'], demands: EvaluationVerdict['demands'] = []): EvaluationVerdict => ({ outcome, demands, errorDescription: null, state: {} });
/** What a provider may answer to somebody who passes in the end. */
const VERDICTS = [verdict('PASS'), verdict('PASS', [PHOTO_ID_DEMAND]), verdict('PASS', [PHOTO_ID_DEMAND, PROOF_OF_ADDRESS_DEMAND]), verdict('FLAG'), verdict('SSN_MISMATCH')];

/** What a reviewer does first; afterwards it approves. */
type Review = { documents: IdClass[] } | { fields: FieldPath[] } | null;
const review: fc.Arbitrary<Review> = fc.oneof(
  fc.constant(null),
  fc.constantFrom<IdClass>('PASSPORT', 'VISA', 'UTILITY_BILL', 'STATE_ID').map((idClass) => ({ documents: [idClass] })),
  fc.constantFrom(...FIELD_PATHS).map((path) => ({ fields: [path] })),
);
const policies: fc.Arbitrary<Policy> = fc.record({
  liveness: fc.constantFrom('NEVER' as const, 'ALWAYS' as const),
  photoId: fc.constantFrom(DEFAULT_POLICY.photoId, { ...DEFAULT_POLICY.photoId, NONE: 'UNLESS_US_CITIZEN' as const, EU_INDIVIDUAL: 'EVERYONE' as const }),
  reviewAfterPass: fc.boolean(),
  contractsRequired: fc.constantFrom(DEFAULT_POLICY.contractsRequired, { ...DEFAULT_POLICY.contractsRequired, NONE: ['WVR' as const] }),
}).map((changes) => ({ ...DEFAULT_POLICY, ...changes }));

/** The submission that meets what is listed of documents, made from the list alone. */
function submissionFor(listed: readonly Requirement[]): SubmittedDocument {
  const accepted = listed.flatMap(({ acceptedDocuments }) => (acceptedDocuments ? [acceptedDocuments] : []));
  const isProof = (idClass: IdClass): boolean => (PROOF_OF_ADDRESS_CLASSES as readonly IdClass[]).includes(idClass);
  const proofs = accepted.filter((classes) => classes.some(isProof));
  const others = accepted.filter((classes) => !classes.some(isProof));
  const common = others[0]?.filter((idClass) => others.every((classes) => classes.includes(idClass))) ?? [];
  // A person whose photo id has been accepted and who owes a selfie alone shows it beside the id once more.
  const idClass = common[0] ?? others[0]?.[0] ?? proofs[0]?.[0] ?? 'PASSPORT';
  const besides = [...(proofs.length > 0 ? (['PROOF_OF_RESIDENCY'] as const) : []), ...(listed.some(({ kind }) => kind === 'SELFIE') ? (['SELFIE'] as const) : [])];
  return { idClass, fileTypes: [...new Set([...fileTypesOf(idClass), ...besides])] };
}

/** Somebody on the way through an attempt, by the pure code that decides each step of it. */
class Walk {
  status: IdentityStatus = 'INITIATING';
  readonly visited = new Set<IdentityStatus>();
  documents: SubjectDocument[] = [];
  submissions = 0;
  attemptsRemaining = DEFAULT_POLICY.documentAttempts;
  needsPerson = false;

  constructor(
    public subject: RequirementSubject,
    private readonly answers: KycData,
    private readonly verdicts: EvaluationVerdict[],
    private readonly reviews: Review[],
    private rejections: number,
  ) {}

  /** Lets happen what happens by itself. */
  settle(): void {
    while (isInOurHands(this.status)) {
      this.visited.add(this.status);
      if (this.status === 'INITIATING') this.status = step(this.status, 'evaluate');
      else if (this.status === 'EVALUATING_SUBMISSION') this.#evaluate();
      else if (this.status === 'RECORDS_UPLOADED') this.#check();
      else if (this.status === 'IN_REVIEW') this.#review();
      else this.status = step(this.status, 'finish');
      if (this.subject.kycData.politicallyExposedPerson === true || this.status === 'IN_REVIEW') this.needsPerson = true;
    }
    this.visited.add(this.status);
  }

  #evaluate(): void {
    const said = missingFields(this.subject).length > 0 ? null : (this.verdicts.shift() ?? verdict('PASS'));
    const { event, demands } = concludeEvaluation({ subject: this.subject, verdict: said, needsPerson: this.needsPerson, attemptsRemaining: this.attemptsRemaining });
    this.subject = { ...this.subject, demands };
    this.status = step(this.status, event);
  }

  #check(): void {
    const rejected = this.rejections > 0 && this.attemptsRemaining > 1;
    if (rejected) this.rejections -= 1;
    this.#setDocuments(this.documents.map((document) => (document.status === 'PENDING' ? { ...document, status: rejected ? 'REJECTED' : 'APPROVED' } : document)));
    this.status = step(this.status, concludeDocuments(rejected ? ['Blurred.'] : [], this.attemptsRemaining));
  }

  #review(): void {
    const asked = this.reviews.shift() ?? null;
    if (asked === null) {
      this.status = step(this.status, concludeReview(this.subject));
      return;
    }
    this.subject = { ...this.subject, demands: requestByReviewer(this.subject.demands, asked, this.submissions) };
    if ('documents' in asked) this.attemptsRemaining = Math.max(1, this.attemptsRemaining);
    this.status = step(this.status, 'documents' in asked ? 'request_information' : 'request_correction');
  }

  /** Gives exactly what is listed of one kind: the fields first, since a patch has them evaluated; then documents; then signatures. */
  meet(listed: readonly Requirement[]): void {
    const fields = listed.flatMap(({ field }) => (field ? [field] : []));
    if (this.status === 'AWAITING_SIGNATURE') {
      expect(listed.every(({ kind }) => kind === 'SIGNATURE')).toBe(true);
      this.subject = { ...this.subject, signedContracts: listed.map(({ contract }) => contract!.type) };
      this.status = step(this.status, 'complete_signatures');
    } else if (fields.length > 0) this.#patch(fields);
    else this.#submit(listed);
  }

  #patch(fields: readonly FieldPath[]): void {
    const { faults, value } = validateKycData(pick(this.answers, fields), this.subject.kycData, CONTEXT);
    expect(faults).toEqual([]);
    const demands = this.status === 'SSN_ERROR' ? withoutFieldDemand(this.subject.demands, 'kycData.nationalIdNumber') : this.subject.demands;
    this.subject = { ...this.subject, kycData: mergeKycData(this.subject.kycData, value), demands: meetFieldDemands(demands, value) };
    this.status = step(this.status, 'patch');
  }

  #submit(listed: readonly Requirement[]): void {
    const submitted = submissionFor(listed.filter(({ kind }) => kind === 'DOCUMENT' || kind === 'SELFIE'));
    expect(unmetBySubmission(this.subject, submitted)).toEqual([]);
    this.submissions += 1;
    this.attemptsRemaining -= 1;
    this.#setDocuments([...this.documents, { ...submitted, status: 'PENDING', submission: this.submissions }]);
    this.status = step(this.status, 'receive_documents');
  }

  #setDocuments(documents: SubjectDocument[]): void {
    this.documents = documents;
    this.subject = { ...this.subject, documents };
  }
}

test('meeting exactly what is listed leads past evaluation, documents, review and signatures to APPROVED, whoever it is', { timeout: 120_000 }, () => {
  const statuses = new Map<IdentityStatus, number>();
  let rounds = 0;
  fc.assert(
    fc.property(
      person, somePaths, transactionType, policies, fc.constantFrom('SANDBOX' as const, 'LIVE' as const), fc.array(fc.constantFrom(...VERDICTS), { maxLength: 3 }), fc.array(review, { maxLength: 2 }), fc.integer({ min: 0, max: 1 }),
      (answers, known, type, policy, environment, verdicts, reviews, rejections) => {
        // Nobody is asked again for what they do not have, such as the state of a country without states.
        const askable = reviews.map((each) => (each && 'fields' in each && Object.keys(pick(answers, each.fields)).length === 0 ? null : each));
        const walk = new Walk(subjectOf({ kycData: mergeKycData({}, pick(answers, known)), transactionType: type, policy, environment }), answers, [...verdicts], askable, rejections);
        walk.settle();
        for (let round = 0; walk.status !== 'APPROVED'; round += 1) {
          expect(['INPUT_ERROR', 'SSN_ERROR', 'AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS', 'AWAITING_SIGNATURE']).toContain(walk.status);
          const listed = requirementsOf(walk.subject).filter(({ kind }) => walk.status !== 'AWAITING_SIGNATURE' || kind === 'SIGNATURE');
          expect(listed.length, walk.status).toBeGreaterThan(0);
          expect(round, JSON.stringify([walk.status, listed.map(({ kind, field, code }) => [kind, field, code])])).toBeLessThan(MOST_ROUNDS);
          walk.meet(listed);
          walk.settle();
          rounds += 1;
        }
        expect(requirementsOf(walk.subject)).toEqual([]);
        for (const status of walk.visited) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      },
    ),
    { numRuns: PEOPLE },
  );
  console.log(`past evaluation: ${PEOPLE} people in ${rounds} rounds; ${[...statuses].map(([status, count]) => `${status} ${count}`).join(', ')}`);
  for (const status of ['INPUT_ERROR', 'SSN_ERROR', 'AWAITING_DOCUMENT_UPLOAD', 'RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS', 'IN_REVIEW', 'AWAITING_SIGNATURE'] as const) {
    expect(statuses.get(status), status).toBeGreaterThan(50);
  }
  expect(rounds).toBeGreaterThan(2 * PEOPLE);
});
