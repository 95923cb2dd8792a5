import { systemPrincipal, type SystemActor } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import { consult, execute, type Core, type UnitOfWork } from '../core/command.js';
import type { Job, JobKind } from '../core/jobs.js';
import { isOfErased } from '../customer/commands.js';
import { ERASE_FILES_JOB } from '../customer/erasure.js';
import { moveDocument, requirementSubject, DELETE_FILES_JOB, type DocumentCommands } from '../document/commands.js';
import { findingsOf } from '../document/mrz.js';
import { awaitsFiles, FETCH_DOCUMENT_JOB, makeDocuments, type DocumentFetches } from '../document/fetching.js';
import { documentsOf, storageKeysOf } from '../document/reads.js';
import { atStep, CONTINUE_JOB, lockAttempt, moveAttempt, reportStuck, type Attempt } from '../identity/commands.js';
import { EXPIRE_JOB, hasPassedDeadline, STUCK_JOB } from '../identity/deadline.js';
import { isWaiting } from '../identity/lifecycle.js';
import { missingFields, openDocumentDemands, type RequirementSubject } from '../kyc/requirements.js';
import type { IdClass, IdentityStatus } from '../kyc/vocabularies.js';
import { organizationOf } from '../organization/reads.js';
import { concludeDocuments, concludeEvaluation, concludeReview } from './evaluation.js';
import { lockWithFacts, type Facts } from './facts.js';
import type { DocumentVerdict, EvaluationVerdict, Provider, ProviderDocument, ProviderSubject } from './provider.js';

/** Asks the provider for its answer once a step has lasted as long as it takes. */
const CONCLUDE_JOB = 'verification.conclude';

/** The provider could not be asked, for good: a person decides. */
const PROVIDER_FAILED = 'An automatic check could not be made; a person will look at it.';
/** Nothing came from the customer for as long as policy waits. */
const NOT_COMPLETED = 'The time to complete this verification has passed.';
const ANOTHER_CLASS = 'Another class of document may be submitted instead.';

/** Which provider decides for an attempt's organization. */
export type ProviderChoice = (organization: { environment: 'SANDBOX' | 'LIVE'; policy: { provider: 'SANDBOX' | 'MANUAL' | null } }) => Provider;

/** A step that a job was made for. */
interface Step {
  principal: SystemActor;
  identityId: string;
  step: number;
}

/** What a provider is to be asked of an attempt at a step. */
interface Asked {
  step: Step;
  status: IdentityStatus;
  provider: Provider;
  subject: ProviderSubject;
  /** Required data is missing: it is not asked about half a person. */
  isIncomplete: boolean;
  documents: readonly ProviderDocument[];
}

/** What goes on with an attempt after each commit: evaluation, checks of documents, decisions of the provider, expiry. */
export class VerificationJobs {
  constructor(
    private readonly core: () => Core,
    private readonly providerFor: ProviderChoice,
    private readonly documents: () => DocumentCommands,
    private readonly fetches: () => DocumentFetches,
  ) {}

  /** Every kind of job of verification, with its handler. */
  kinds(): JobKind[] {
    const kinds: JobKind[] = [
      { name: CONTINUE_JOB, handle: (job) => this.#continue(stepOf(job, CONTINUE_JOB), job.isLastAttempt) },
      { name: CONCLUDE_JOB, handle: (job) => this.#concludeLater(stepOf(job, CONCLUDE_JOB), job.isLastAttempt) },
      { name: EXPIRE_JOB, handle: (job) => this.#lookAtDeadline(stepOf(job, EXPIRE_JOB), job.dueAt), unhurried: true },
      { name: STUCK_JOB, handle: (job) => this.#lookAtDeadline(stepOf(job, STUCK_JOB), job.dueAt), unhurried: true },
      { name: FETCH_DOCUMENT_JOB, handle: (job) => this.#fetch(stepOf(job, FETCH_DOCUMENT_JOB), String(job.data['documentId']), String(job.data['concludeAt']), job.isLastAttempt) },
      { name: DELETE_FILES_JOB, handle: (job) => this.documents().deleteFiles(String(job.data['keys']).split(' ').filter(Boolean)), unhurried: true },
      { name: ERASE_FILES_JOB, handle: async (job) => this.documents().deleteFiles(await storageKeysOf(this.core().database, job.organizationId, String(job.data['customerId']))) },
    ];
    return kinds.map((kind) => ({ ...kind, handle: (job) => unlessErased(kind.handle(job)) }));
  }

  #move(step: Step, body: (unit: UnitOfWork, attempt: Attempt) => Promise<void> | void): Promise<void> {
    return atStep(this.core(), step.principal, step.identityId, step.step, body);
  }

  /** What has waited for its customer for too long expires; that anything else stands for too long is said. */
  #lookAtDeadline({ principal, identityId, step }: Step, dueAt: Date | null): Promise<void> {
    return execute(this.core(), principal, async (unit) => {
      const attempt = await lockAttempt(unit, identityId);
      const { status } = attempt.identity;
      if (!hasPassedDeadline(unit, attempt.identity, { step, dueAt })) return;
      if (isWaiting(status)) return moveAttempt(unit, attempt, 'expire', { errorDescription: NOT_COMPLETED });
      this.core().log.warn({ identityId, status }, 'an attempt is stuck');
      reportStuck(unit, attempt);
    });
  }

  /** Leaves at once a status that waits for nothing, and where the provider's answer is due at once goes on to that. */
  async #continue(step: Step, isLastAttempt: boolean): Promise<void> {
    const asked = await execute(this.core(), step.principal, async (unit) => {
      const attempt = await lockAttempt(unit, step.identityId);
      if (attempt.identity.step === step.step) return this.#leave(unit, attempt);
      // An earlier try of this job has begun the evaluation, and may have come no further. Two that conclude it do no harm.
      const isBegun = attempt.identity.step === step.step + 1 && attempt.identity.status === 'EVALUATING_SUBMISSION';
      return isBegun && !(await awaitsFiles(unit, step.identityId)) ? this.#askOrSchedule(unit, attempt) : null;
    });
    if (asked) await this.#conclude(asked, isLastAttempt);
  }

  /** @returns what the provider is to be asked at once. */
  async #leave(unit: UnitOfWork, attempt: Attempt): Promise<Asked | null> {
    if (attempt.identity.status === 'INITIATING') return this.#evaluate(unit, attempt);
    if (attempt.identity.status === 'RECORDS_UPLOADED') {
      await startChecks(unit, attempt);
      return this.#askOrSchedule(unit, attempt);
    }
    moveAttempt(unit, attempt, 'finish');
    return null;
  }

  /** Begins an evaluation. Documents by URL are fetched first; who is last with that has the provider asked. */
  async #evaluate(unit: UnitOfWork, attempt: Attempt): Promise<Asked | null> {
    moveAttempt(unit, attempt, 'evaluate');
    const made = await makeDocuments(unit, attempt);
    if (made.length === 0) return this.#askOrSchedule(unit, attempt);
    const concludeAt = await this.#conclusionTime(unit, attempt);
    const { id: identityId, step } = attempt.identity;
    for (const documentId of made) unit.enqueue({ name: FETCH_DOCUMENT_JOB, data: { identityId, step, documentId, concludeAt: concludeAt.toISOString() } });
    return null;
  }

  async #fetch(step: Step, documentId: string, concludeAt: string, isLastAttempt: boolean): Promise<void> {
    await this.fetches().fetch(step.principal, step.identityId, documentId, isLastAttempt);
    await this.#move(step, async (unit, { identity }) => {
      if (await awaitsFiles(unit, identity.id)) return;
      unit.enqueue({ name: CONCLUDE_JOB, data: { identityId: identity.id, step: identity.step }, dueAt: new Date(concludeAt) });
    });
  }

  /** Has the provider asked when its step has lasted as long as it takes. Where a person decides, nobody is asked. */
  async #scheduleConclusion(unit: UnitOfWork, attempt: Attempt): Promise<void> {
    const { status, id, step } = attempt.identity;
    if (status !== 'EVALUATING_SUBMISSION' && status !== 'RECORDS_UPLOADED' && status !== 'IN_REVIEW') return;
    const provider = this.providerFor(await organizationOf(unit));
    if (status === 'IN_REVIEW' && !provider.decidesReviews) return;
    unit.enqueue({ name: CONCLUDE_JOB, data: { identityId: id, step }, dueAt: await this.#conclusionTime(unit, attempt) });
  }

  /** What the provider is to be asked, where its step takes no time: the job that is at work asks it. Else another will. */
  async #askOrSchedule(unit: UnitOfWork, attempt: Attempt): Promise<Asked | null> {
    const [organization, documents] = await Promise.all([organizationOf(unit), documentsOf(unit, attempt.identity.id)]);
    if ((await this.#conclusionTime(unit, attempt)) <= unit.organizationNow) return this.#askedOf(unit, { attempt, organization, documents });
    await this.#scheduleConclusion(unit, attempt);
    return null;
  }

  /** When the provider's answer to a step that begins now is there. */
  async #conclusionTime(unit: UnitOfWork, attempt: Attempt): Promise<Date> {
    const provider = this.providerFor(await organizationOf(unit));
    const status = attempt.identity.status as 'EVALUATING_SUBMISSION' | 'RECORDS_UPLOADED' | 'IN_REVIEW';
    return new Date(unit.organizationNow.getTime() + provider.seconds(status, providerSubject(attempt)) * MILLISECONDS_PER_SECOND);
  }

  /** Asks the provider, outside any transaction, and brings its answer in as a command. */
  async #conclude({ step, status, provider, subject, documents, isIncomplete }: Asked, isLastAttempt: boolean): Promise<void> {
    try {
      if (status === 'EVALUATING_SUBMISSION') await this.#concludeEvaluation(step, isIncomplete ? null : await provider.evaluate(subject));
      else if (status === 'RECORDS_UPLOADED') await this.#concludeDocuments(step, await provider.checkDocuments(subject, documents));
      else if (status === 'IN_REVIEW') await this.#concludeReview(step);
    } catch (error) {
      if (!isLastAttempt || status === 'IN_REVIEW') throw error;
      this.core().log.error({ identityId: step.identityId }, 'the provider failed for good');
      await this.#giveUp(step);
    }
  }

  /** Asks the provider of a step that has lasted as long as it takes, unless the attempt has moved on. */
  async #concludeLater(step: Step, isLastAttempt: boolean): Promise<void> {
    const asked = await consult(this.core(), step.principal, async (unit) => {
      const facts = await lockWithFacts(unit, step.identityId);
      return facts.attempt.identity.step === step.step ? this.#askedOf(unit, facts) : null;
    });
    if (asked) await this.#conclude(asked, isLastAttempt);
  }

  /** What the provider is to be asked of an attempt as it stands. */
  #askedOf(unit: UnitOfWork, { attempt, organization, documents }: Facts): Asked {
    const { identity } = attempt;
    const requirements = requirementSubject(attempt, organization.environment, documents.map(({ subject }) => subject));
    return {
      step: { principal: systemPrincipal(unit.organizationId, CONCLUDE_JOB), identityId: identity.id, step: identity.step },
      status: identity.status,
      provider: this.providerFor(organization),
      subject: providerSubject(attempt),
      isIncomplete: missingFields(requirements).length > 0,
      documents: documents.filter(({ document }) => document.status === 'PROCESSING').map(({ document }): ProviderDocument => ({
        id: document.id,
        selectedIdClass: document.selectedIdClass,
        findings: findingsOf({ mrz: document.mrz ?? null, number: document.number ?? null, expirationDate: document.expirationDate ?? null }, identity.kycData, unit.now),
      })),
    };
  }

  #concludeEvaluation(step: Step, verdict: EvaluationVerdict | null): Promise<void> {
    return this.#decide(step, async (unit, { attempt, organization, documents }) => {
      const { identity } = attempt;
      const subject = requirementSubject(attempt, organization.environment, documents.map((each) => each.subject));
      const conclusion = concludeEvaluation({ subject, verdict, needsPerson: identity.needsPerson, attemptsRemaining: identity.documentAttemptsRemaining });
      identity.demands = conclusion.demands;
      identity.evaluations += 1;
      if (verdict) identity.providerState = { ...verdict.state };
      moveAttempt(unit, attempt, conclusion.event, conclusion);
      await this.#scheduleConclusion(unit, attempt);
    });
  }

  #concludeDocuments(step: Step, verdicts: readonly DocumentVerdict[]): Promise<void> {
    return this.#decide(step, async (unit, { attempt, organization, documents }) => {
      const rejections: string[] = [];
      for (const { document } of documents) {
        const verdict = verdicts.find(({ documentId }) => documentId === document.id);
        if (!verdict || document.status !== 'PROCESSING') continue;
        if (verdict.reason !== null) rejections.push(verdict.reason);
        moveDocument(unit, attempt, document, verdict.reason === null ? 'approve' : 'reject', verdict.reason === null ? null : `${verdict.reason} ${ANOTHER_CLASS}`);
      }
      const event = concludeDocuments(rejections, attempt.identity.documentAttemptsRemaining);
      const open = openClasses(requirementSubject(attempt, organization.environment, (await documentsOf(unit, attempt.identity.id)).map(({ subject }) => subject)));
      moveAttempt(unit, attempt, event, { errorDescription: rejections[0] ?? null, requiredDocuments: event === 'fail_documents' ? open : [] });
      await this.#scheduleConclusion(unit, attempt);
    });
  }

  #concludeReview(step: Step): Promise<void> {
    return this.#decide(step, (unit, { attempt, organization, documents }) => {
      const event = concludeReview(requirementSubject(attempt, organization.environment, documents.map(({ subject }) => subject)));
      moveAttempt(unit, attempt, event, { errorDescription: event === 'decline' ? (attempt.identity.errorDescription ?? null) : null });
    });
  }

  /** Brings a decision in as a command, unless the attempt has moved on. */
  #decide({ principal, identityId, step }: Step, body: (unit: UnitOfWork, facts: Facts) => Promise<void> | void): Promise<void> {
    return execute(this.core(), principal, async (unit) => {
      const facts = await lockWithFacts(unit, identityId);
      if (facts.attempt.identity.step === step) await body(unit, facts);
    });
  }

  /** A check that gives up leads on to a person (domain.md, Events). */
  #giveUp(step: Step): Promise<void> {
    return this.#move(step, async (unit, attempt) => {
      const { identity, customer } = attempt;
      moveAttempt(unit, attempt, 'flag', { errorDescription: PROVIDER_FAILED });
      unit.record({ type: 'kyc.verification.error', customerId: customer.id, identityId: identity.id, newStatus: identity.status, version: identity.version, details: { kycStatus: customer.kycStatus } });
      await this.#scheduleConclusion(unit, attempt);
    });
  }
}

/** Lets a job end that comes to a customer whose data has been erased: there is nothing left for it to do. */
async function unlessErased(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isOfErased(error)) throw error;
  });
}

/** Puts the documents that have arrived under check. */
async function startChecks(unit: UnitOfWork, attempt: Attempt): Promise<void> {
  for (const { document } of await documentsOf(unit, attempt.identity.id)) {
    if (document.status === 'PENDING') moveDocument(unit, attempt, document, 'process');
  }
}

/** The classes of document that are still accepted for what is open. */
function openClasses(subject: RequirementSubject): IdClass[] {
  return [...new Set(openDocumentDemands(subject).flatMap((demand) => demand.acceptedDocuments ?? []))];
}

function providerSubject({ customer, identity }: Attempt): ProviderSubject {
  return {
    identityId: identity.id,
    email: customer.email ?? null,
    kycData: identity.kycData,
    transactionType: identity.transactionType ?? null,
    debugStatus: identity.debugStatus ?? null,
    debugFailureReason: identity.debugFailureReason ?? null,
    evaluations: identity.evaluations,
    documentSubmissions: identity.documentSubmissions,
    state: identity.providerState,
  };
}

function stepOf(job: Job, name: string): Step {
  return { principal: systemPrincipal(job.organizationId, name), identityId: String(job.data['identityId']), step: Number(job.data['step']) };
}
