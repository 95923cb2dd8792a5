import { DemoError, Refusal } from './client.js';
import { IDENTITY, PATCH_CUSTOMER } from './operations.js';
import { LENA } from './people.js';
import { letTimePass, meet, type CustomerState, type IdentityState, type Walk } from './walk.js';

const NEW_NUMBER = '+4915112345679';
/** Longer than the five minutes that test-delay@example.com takes. */
const AFTER_THE_DELAY = 600;

/** A patch while UNDER_REVIEW: refused with its facts, and nothing has changed. */
export async function walkRefusal(walk: Walk): Promise<void> {
  const { client, terminal } = walk;
  terminal.heading('3  A patch that the state does not allow: PATCH_NOT_ALLOWED, and its facts');
  const { customerId, statuses } = await meet(walk, 'delayed', `test-delay+${walk.run}@example.com`);

  terminal.note('The e-mail address test-delay@ makes the sandbox take five minutes to evaluate: time to be too late.');
  terminal.asked('patchCustomer', `kycData of ${LENA.legalFirstName} ${LENA.legalLastName}, Berlin`);
  const { identity } = await patch(walk, customerId, LENA);
  terminal.answered(`${identity.id}: ${identity.status}`);
  await statuses.until({ customer: 'UNDER_REVIEW' });

  terminal.asked('patchCustomer', `phoneNumber ${NEW_NUMBER}`);
  const refusal = await patch(walk, customerId, { phoneNumber: NEW_NUMBER }).then(
    () => null,
    (error: unknown) => error,
  );
  if (refusal === null) throw new DemoError('The gateway took a patch while UNDER_REVIEW, where PATCH_NOT_ALLOWED was due.');
  if (!(refusal instanceof Refusal) || refusal.code !== 'PATCH_NOT_ALLOWED') throw refusal;
  const { code, ...facts } = refusal.extensions;
  terminal.refused(String(code), refusal.message, facts);

  const after = await client.ask<{ identity: { customer: { kycData: { phoneNumber: string } } } }>(IDENTITY, { identityId: identity.id });
  terminal.asked('identity', 'customer.kycData.phoneNumber');
  terminal.answered(`${after.identity.customer.kycData.phoneNumber}, as before: a refusal changes nothing`);

  terminal.note('Once the evaluation is over and the customer is asked for more, the same patch is taken.');
  await letTimePass(walk, AFTER_THE_DELAY);
  await statuses.until({ identity: 'AWAITING_DOCUMENT_UPLOAD', customer: 'NEEDS_ADDITIONAL_INFORMATION' });
  terminal.asked('patchCustomer', `phoneNumber ${NEW_NUMBER}`);
  const accepted = await patch(walk, customerId, { phoneNumber: NEW_NUMBER });
  terminal.answered(`${accepted.identity.status}: evaluated anew, with all that was given before`);
  await statuses.until({ customer: 'UNDER_REVIEW' });
}

async function patch({ client }: Walk, customerId: string, kycData: Readonly<Record<string, unknown>>): Promise<{ customer: CustomerState; identity: IdentityState }> {
  return (await client.ask<{ patchCustomer: { customer: CustomerState; identity: IdentityState } }>(PATCH_CUSTOMER, { customerId, kycData })).patchCustomer;
}
