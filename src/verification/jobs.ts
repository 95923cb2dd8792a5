import { systemPrincipal, type SystemActor } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import { consult, type Core, type UnitOfWork } from '../core/command.js';
import type { Job, JobKind } from '../core/jobs.js';
import { isOfErased } from '../customer/commands.js';
import { ERASE_FILES_JOB } from '../customer/erasure.js';
import { moveDocument, requirementSubject, DELETE_FILES_JOB, type DocumentCommands } from '../document/commands.js';
import { findingsOf } from '../document/mrz.js';
import { awaitsFiles, FETCH_DOCUMENT_JOB, makeDocuments, type DocumentFetches } from '../document/fetching.js';
import { documentsOf, storageKeysOf } from '../document/reads.js';
import { atStep, CONTINUE_JOB, EXPIRE_JOB, lockAttempt, moveAttempt, reportStuck, STUCK_JOB, type Attempt } from '../identity/commands.js';
import { missingFields, openDocumentDemands, type RequirementSubject } from '../kyc/requirements.js';
import type { IdClass } from '../kyc/vocabularies.js';
import { organizationOf } from '../organization/reads.js';
import { concludeDocuments, concludeEvaluation, concludeReview } from './evaluation.js';
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
      { name: CONTINUE_JOB, handle: (job) => this.#continue(stepOf(job, CONTINUE_JOB)) },
      { name: CONCLUDE_JOB, handle: (job) => this.#conclude(stepOf(job, CONCLUDE_JOB), job.isLastAttempt) },
      { name: EXPIRE_JOB, handle: (job) => this.#move(stepOf(job, EXPIRE_JOB), (unit, attempt) => moveAttempt(unit, attempt, 'expire', { errorDescription: NOT_COMPLETED })), unhurried: true },
      { name: STUCK_JOB, handle: (job) => this.#reportStuck(stepOf(job, STUCK_JOB)), unhurried: true },
      { name: FETCH_DOCUMENT_JOB, handle: (job) => this.#fetch(stepOf(job, FETCH_DOCUMENT_JOB), String(job.data['documentId']), String(job.data['concludeAt']), job.isLastAttempt) },
      { name: DELETE_FILES_JOB, handle: (job) => this.documents().deleteFiles(String(job.data['keys']).split(' ').filter(Boolean)), unhurried: true },
      { name: ERASE_FILES_JOB, handle: async (job) => this.documents().deleteFiles(await storageKeysOf(this.core().database, job.organizationId, String(job.data['customerId']))) },
    ];
    return kinds.map((kind) => ({ ...kind, handle: (job) => unlessErased(kind.handle(job)) }));
  }

  #move(step: Step, body: (unit: UnitOfWork, attempt: Attempt) => Promise<void> | void): Promise<void> {
    return atStep(this.core(), step.principal, step.identityId, step.step, body);
  }

  #reportStuck(step: Step): Promise<void> {
    return this.#move(step, (unit, attempt) => {
      this.core().log.warn({ identityId: step.identityId, status: attempt.identity.status }, 'an attempt is stuck');
      reportStuck(unit, attempt);
    });
  }

  /** Leaves at once a status that waits for nothing. */
  #continue(step: Step): Promise<void> {
    return this.#move(step, async (unit, attempt) => {
      if (attempt.identity.status === 'SIGNATURE_SUBMITTED') return moveAttempt(unit, attempt, 'finish');
      if (attempt.identity.status === 'INITIATING') return this.#evaluate(unit, attempt);
      await startChecks(unit, attempt);
      await this.#scheduleConclusion(unit, attempt);
    });
  }

  /** Begins an evaluation. Documents by URL are fetched first; who is last with that has the provider asked. */
  async #evaluate(unit: UnitOfWork, attempt: Attempt): Promise<void> {
    moveAttempt(unit, attempt, 'evaluate');
    const made = await makeDocuments(unit, attempt);
    if (made.length === 0) return this.#scheduleConclusion(unit, attempt);
    const concludeAt = await this.#conclusionTime(unit, attempt);
    const { id: identityId, step } = attempt.identity;
    for (const documentId of made) unit.enqueue({ name: FETCH_DOCUMENT_JOB, data: { identityId, step, documentId, concludeAt: concludeAt.toISOString() } });
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

  /** When the provider's answer to a step that begins now is there. */
  async #conclusionTime(unit: UnitOfWork, attempt: Attempt): Promise<Date> {
    const provider = this.providerFor(await organizationOf(unit));
    const status = attempt.identity.status as 'EVALUATING_SUBMISSION' | 'RECORDS_UPLOADED' | 'IN_REVIEW';
    return new Date(unit.organizationNow.getTime() + provider.seconds(status, providerSubject(attempt)) * MILLISECONDS_PER_SECOND);
  }

  /** Asks the provider, outside any transaction, and brings its answer in as a command. */
  async #conclude(step: Step, isLastAttempt: boolean): Promise<void> {
    const asked = await this.#read(step);
    if (asked === null) return;
    try {
      if (asked.status === 'EVALUATING_SUBMISSION') await this.#concludeEvaluation(step, asked.isIncomplete ? null : await asked.provider.evaluate(asked.subject));
      else if (asked.status === 'RECORDS_UPLOADED') await this.#concludeDocuments(step, await asked.provider.checkDocuments(asked.subject, asked.documents));
      else if (asked.status === 'IN_REVIEW') await this.#concludeReview(step);
    } catch (error) {
      if (!isLastAttempt || asked.status === 'IN_REVIEW') throw error;
      this.core().log.error({ identityId: step.identityId }, 'the provider failed for good');
      await this.#giveUp(step);
    }
  }

  /** What the provider is to be asked about; null when the attempt has moved on. */
  #read(step: Step) {
    return consult(this.core(), step.principal, async (unit) => {
      const attempt = await lockAttempt(unit, step.identityId);
      if (attempt.identity.step !== step.step) return null;
      const organization = await organizationOf(unit);
      const documents = await documentsOf(unit, step.identityId);
      const requirements = requirementSubject(attempt, organization.environment, documents.map(({ subject }) => subject));
      return {
        status: attempt.identity.status,
        provider: this.providerFor(organization),
        subject: providerSubject(attempt),
        isIncomplete: missingFields(requirements).length > 0,
        documents: documents.filter(({ document }) => document.status === 'PROCESSING').map(({ document }): ProviderDocument => ({
          id: document.id,
          selectedIdClass: document.selectedIdClass,
          findings: findingsOf({ mrz: document.mrz ?? null, number: document.number ?? null, expirationDate: document.expirationDate ?? null }, attempt.identity.kycData, unit.now),
        })),
      };
    });
  }

  #concludeEvaluation(step: Step, verdict: EvaluationVerdict | null): Promise<void> {
    return this.#move(step, async (unit, attempt) => {
      const { identity } = attempt;
      const { environment } = await organizationOf(unit);
      const documents = await documentsOf(unit, identity.id);
      const subject = requirementSubject(attempt, environment, documents.map((each) => each.subject));
      const conclusion = concludeEvaluation({ subject, verdict, needsPerson: identity.needsPerson, attemptsRemaining: identity.documentAttemptsRemaining });
      identity.demands = conclusion.demands;
      identity.evaluations += 1;
      if (verdict) identity.providerState = { ...verdict.state };
      moveAttempt(unit, attempt, conclusion.event, conclusion);
      await this.#scheduleConclusion(unit, attempt);
    });
  }

  #concludeDocuments(step: Step, verdicts: readonly DocumentVerdict[]): Promise<void> {
    return this.#move(step, async (unit, attempt) => {
      const documents = await documentsOf(unit, attempt.identity.id);
      const rejections: string[] = [];
      for (const { document } of documents) {
        const verdict = verdicts.find(({ documentId }) => documentId === document.id);
        if (!verdict || document.status !== 'PROCESSING') continue;
        if (verdict.reason !== null) rejections.push(verdict.reason);
        moveDocument(unit, attempt, document, verdict.reason === null ? 'approve' : 'reject', verdict.reason === null ? null : `${verdict.reason} ${ANOTHER_CLASS}`);
      }
      const event = concludeDocuments(rejections, attempt.identity.documentAttemptsRemaining);
      const { environment } = await organizationOf(unit);
      const open = openClasses(requirementSubject(attempt, environment, (await documentsOf(unit, attempt.identity.id)).map(({ subject }) => subject)));
      moveAttempt(unit, attempt, event, { errorDescription: rejections[0] ?? null, requiredDocuments: event === 'fail_documents' ? open : [] });
      await this.#scheduleConclusion(unit, attempt);
    });
  }

  #concludeReview(step: Step): Promise<void> {
    return this.#move(step, async (unit, attempt) => {
      const { environment } = await organizationOf(unit);
      const documents = await documentsOf(unit, attempt.identity.id);
      const event = concludeReview(requirementSubject(attempt, environment, documents.map(({ subject }) => subject)));
      moveAttempt(unit, attempt, event, { errorDescription: event === 'decline' ? (attempt.identity.errorDescription ?? null) : null });
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
