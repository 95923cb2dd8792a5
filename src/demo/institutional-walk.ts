import { IDENTITY, PATCH_IDENTITY, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES, UPDATE_DOCUMENT } from './operations.js';
import { MAYA } from './people.js';
import { letTimePass, meet, stored, wanted, type DocumentOutcome, type IdentityState, type Newcomer, type Walk } from './walk.js';

/** The institutional flow: documents, a check that fails, a better picture, three signatures, APPROVED. */
export async function walkInstitution(walk: Walk): Promise<void> {
  const { terminal } = walk;
  terminal.heading('2  Institutional: a failed check, a re-upload and three signatures, to APPROVED');
  const newcomer = await meet(walk, 'maya', 'maya@example.com');
  const identityId = await submit(walk, newcomer);
  const documentId = await upload(walk, newcomer, identityId);
  await replace(walk, newcomer, identityId, documentId);
  await sign(walk, newcomer, identityId);
}

async function submit(walk: Walk, { customerId, statuses }: Newcomer): Promise<string> {
  const { client, terminal } = walk;
  terminal.note('debugStatus FAILED tells the sandbox to fail every check of documents, and so to ask for some.');
  terminal.asked('submitIdentity', 'INSTITUTIONAL_INDIVIDUAL, debugStatus FAILED');
  const { submitIdentity } = await client.ask<{ submitIdentity: { identity: IdentityState } }>(SUBMIT_IDENTITY, {
    customerId, kycData: MAYA, transactionType: 'INSTITUTIONAL_INDIVIDUAL', debugStatus: 'FAILED',
  });
  const { identity } = submitIdentity;
  terminal.answered(`${identity.id}: ${identity.status}; wanted: ${wanted(identity.requirements)}`);
  await statuses.watchDocuments(identity.id);
  await letTimePass(walk, 60);
  await statuses.until({ identity: 'AWAITING_DOCUMENT_UPLOAD', customer: 'NEEDS_ADDITIONAL_INFORMATION' });
  return identity.id;
}

async function upload(walk: Walk, { statuses }: Newcomer, identityId: string): Promise<string> {
  const { client, terminal, pictures } = walk;
  terminal.note('A poor picture is taken all the same: warnings say what a reviewer may object to.');
  terminal.asked('submitDocument', `PASSPORT, ${pictures.poor.name}`);
  const { submitDocument } = await client.ask<{ submitDocument: DocumentOutcome }>(SUBMIT_DOCUMENT, { identityId, selectedIdClass: 'PASSPORT', frontPhoto: pictures.poor });
  terminal.answered(`${submitDocument.document.id}: ${stored(submitDocument)}`);
  await letTimePass(walk, 60);
  await statuses.until({ identity: 'INCOMPLETE_VERIFICATIONS', customer: 'NEEDS_ADDITIONAL_INFORMATION', document: 'REJECTED' });
  return submitDocument.document.id;
}

async function replace(walk: Walk, { statuses }: Newcomer, identityId: string, documentId: string): Promise<void> {
  const { client, terminal, pictures } = walk;
  terminal.note('debugStatus PASSED from here on; by itself it moves nothing. The document keeps its id and gets new files.');
  terminal.asked('patchIdentity', 'debugStatus PASSED');
  const { patchIdentity } = await client.ask<{ patchIdentity: { identity: { status: string; debugStatus: string } } }>(PATCH_IDENTITY, { identityId, debugStatus: 'PASSED' });
  terminal.answered(`${patchIdentity.identity.status}, debugStatus ${patchIdentity.identity.debugStatus}`);
  terminal.asked('updateDocument', `PASSPORT, ${pictures.good.name}`);
  const { updateDocument } = await client.ask<{ updateDocument: DocumentOutcome }>(UPDATE_DOCUMENT, { documentId, selectedIdClass: 'PASSPORT', frontPhoto: pictures.good });
  terminal.answered(`${stored(updateDocument)}; attempts left: ${updateDocument.identity.documentAttemptsRemaining}`);
  await letTimePass(walk, 60);
  await statuses.until({ identity: 'AWAITING_SIGNATURE', customer: 'UNDER_REVIEW', document: 'APPROVED' });
}

interface Contract {
  type: string;
  version: string;
  title: string;
}

async function sign(walk: Walk, { statuses }: Newcomer, identityId: string): Promise<void> {
  const { client, terminal } = walk;
  terminal.note('The contracts in force are among the requirements. They may be signed one by one or together.');
  terminal.asked('identity', 'requirements');
  const { identity } = await client.ask<{ identity: IdentityState }>(IDENTITY, { identityId });
  terminal.answered(`wanted: ${wanted(identity.requirements)}`);
  const [first, ...others] = identity.requirements.flatMap(({ contract }) => contract ?? []);
  await submitSignatures(walk, identityId, first ? [first] : []);
  await submitSignatures(walk, identityId, others);
  // Nothing is left to wait for: the gateway completes it by itself.
  await statuses.until({ identity: 'APPROVED', customer: 'ACTIVE' });
}

async function submitSignatures({ client, terminal }: Walk, identityId: string, contracts: readonly Contract[]): Promise<void> {
  terminal.asked('submitSignatures', contracts.map(({ type, version }) => `${type} ${version}`).join(', '));
  const signatures = contracts.map(({ type, version }) => ({
    contractType: type,
    contractVersion: version,
    contractSignerNameFull: `${MAYA.legalFirstName} ${MAYA.legalLastName}`,
    // A clock that runs a little ahead of the gateway's must not sign in the future, which is refused.
    contractSignedDate: new Date(Date.now() - 60_000).toISOString(),
    contractSignedIPAddress: '203.0.113.7',
    userAgreesToTerms: true,
  }));
  const { submitSignatures: outcome } = await client.ask<{ submitSignatures: { identity: { status: string; signaturesRequired: string[] } } }>(SUBMIT_SIGNATURES, { identityId, signatures });
  const { status, signaturesRequired } = outcome.identity;
  terminal.answered(signaturesRequired.length > 0 ? `${status}; still to sign: ${signaturesRequired.join(', ')}` : status);
}
