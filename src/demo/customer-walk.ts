import { KYC_STATUS, PATCH_CUSTOMER, SUBMIT_DOCUMENT } from './operations.js';
import { LENA } from './people.js';
import { letTimePass, meet, stored, wanted, type CustomerState, type DocumentOutcome, type IdentityState, type Walk } from './walk.js';

/** The Customer API flow: a person's data, the photo id that is asked of everyone, ACTIVE. */
export async function walkCustomer(walk: Walk): Promise<void> {
  const { client, terminal, pictures } = walk;
  terminal.heading('1  Customer API: a customer with a photo id, from CREATED to ACTIVE');
  const { customerId, partnerUserId, statuses } = await meet(walk, 'lena', 'lena@example.com');

  terminal.note('All of the data at once. The answer comes at once too, and already says what else will be asked for.');
  terminal.asked('patchCustomer', `kycData of ${LENA.legalFirstName} ${LENA.legalLastName}, Berlin`);
  const { patchCustomer } = await client.ask<{ patchCustomer: { customer: CustomerState; identity: IdentityState } }>(PATCH_CUSTOMER, { customerId, kycData: LENA });
  const { identity } = patchCustomer;
  terminal.answered(`${identity.id}: ${identity.status}; wanted: ${wanted(identity.requirements)}`);
  await statuses.watchDocuments(identity.id);
  await letTimePass(walk, 60);
  await statuses.until({ identity: 'AWAITING_DOCUMENT_UPLOAD', customer: 'NEEDS_ADDITIONAL_INFORMATION' });

  terminal.note('A multipart request: the file is read as it arrives, judged by its bytes, and stored.');
  terminal.asked('submitDocument', `PASSPORT, ${pictures.good.name}`);
  const variables = { identityId: identity.id, selectedIdClass: 'PASSPORT', number: LENA.nationalIdNumber, issuingCountry: 'DE', frontPhoto: pictures.good };
  const { submitDocument } = await client.ask<{ submitDocument: DocumentOutcome }>(SUBMIT_DOCUMENT, variables);
  terminal.answered(`${submitDocument.document.id}: ${stored(submitDocument)}`);
  await letTimePass(walk, 60);
  await statuses.until({ identity: 'APPROVED', customer: 'ACTIVE' });

  terminal.note('Whether this person may transact, by the id that your own system knows them by:');
  terminal.asked('kycStatus', partnerUserId);
  const { kycStatus } = await client.ask<{ kycStatus: { status: string; verifiedAt: string | null } }>(KYC_STATUS, { partnerUserId });
  terminal.answered(`${kycStatus.status} since ${kycStatus.verifiedAt}`);
}
