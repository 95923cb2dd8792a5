import { Arg, Ctx, Field, FieldResolver, ObjectType, Query, Resolver, Root } from 'type-graphql';
import type { Core } from '../core/command.js';
import { comesByHostedPage } from '../core/caller.js';
import type { RequestContext } from '../core/context.js';
import { isErased } from '../core/crypto/sealed-table.js';
import { badInput } from '../core/errors.js';
import { columns, Needs, rows } from '../core/look-ahead.js';
import { CustomerObject } from '../customer/resolver.js';
import { documentsByIdentity, filesByDocument, subjectDocument } from '../document/reads.js';
import { IDENTITIES, identityById, identityPersonal } from '../identity/reads.js';
import { subjectOfGiven, checkGivenDocuments } from '../identity/given-documents.js';
import { KycDataInputFields } from '../identity/kyc-types.js';
import { IdentityObject } from '../identity/types.js';
import { mergeKycData } from '../kyc/fields.js';
import { freshSubject, missingSignatures, requirementsOf, type Requirement, type RequirementSubject } from '../kyc/requirements.js';
import { acceptedNationalIds } from '../kyc/sandbox.js';
import { validateKycData } from '../kyc/validation.js';
import * as vocabularies from '../kyc/vocabularies.js';
import { organizationById, readOrganization } from '../organization/reads.js';
import { transactionTypeOfToken } from '../organization/tokens.js';
import { signaturesByIdentity } from '../signature/reads.js';
import { Contract } from '../signature/resolver.js';
import type { IdentityRow } from '../identity/reads.js';

@ObjectType('Requirement', { description: 'One thing that still has to be provided.', simpleResolvers: true })
class RequirementObject {
  @Field(() => vocabularies.RequirementKind.values)
  kind!: vocabularies.RequirementKind;
  @Field(() => String, { nullable: true, description: 'Path in the input, such as kycData.address.postalCode; null for a document or a signature.' })
  field!: string | null;
  @Field(() => [vocabularies.IdClass.values], { nullable: true, description: 'Any one of these documents satisfies it.' })
  acceptedDocuments!: vocabularies.IdClass[] | null;
  @Field(() => Contract, { nullable: true, description: 'The contract to sign, with its text.' })
  contract!: Contract | null;
  @Field(() => vocabularies.RequirementCode.values)
  code!: vocabularies.RequirementCode;
  @Field(() => String)
  message!: string;
}

/** What requirements are made of, below an attempt. */
const REQUIREMENTS_NEED = [
  columns(IDENTITIES, 'rules'), columns(IDENTITIES, 'personal'), rows(documentsByIdentity, 'id', rows(filesByDocument, 'id')), rows(signaturesByIdentity, 'id'),
];

/** What an attempt still lacks; nothing of one that is approved, all signed, ended or erased. */
async function requirementsOfAttempt(context: RequestContext, row: IdentityRow): Promise<Requirement[]> {
  if (row.status === 'APPROVED' || row.status === 'SIGNATURE_SUBMITTED') return [];
  const [{ environment }, documents, signatures, { kycData, documentsByUrl }] = await Promise.all([
    context.load(organizationById, row.organization_id),
    context.load(documentsByIdentity, row.id),
    context.load(signaturesByIdentity, row.id),
    context.load(identityPersonal, row),
  ]);
  if (isErased(row)) return [];
  const files = await Promise.all(documents.map((document) => context.load(filesByDocument, document.id)));
  const subject: RequirementSubject = {
    kycData,
    transactionType: row.transaction_type,
    policy: row.policy,
    environment,
    documents: [...documents.map((document, index) => subjectDocument(document, files[index] ?? [])), ...documentsByUrl.map(subjectOfGiven)],
    signedContracts: signatures.map((signature) => signature.contract_type),
    hostedPage: row.hosted_page || comesByHostedPage(context.caller),
    demands: row.demands,
  };
  // Data and documents have been accepted by then, by the provider or by a person who looked away from some of it.
  return row.status === 'AWAITING_SIGNATURE' ? missingSignatures(subject) : requirementsOf(subject);
}

@Resolver()
export class DryRunResolver {
  constructor(private readonly core: Core) {}

  @Query(() => [RequirementObject], { description: 'What a person like this would have to provide, without creating anyone. Malformed data is BAD_USER_INPUT, as it would be.' })
  async requirements(
    @Ctx() context: RequestContext,
    @Arg('kycData', () => KycDataInputFields) kycData: KycDataInputFields,
    @Arg('transactionType', () => vocabularies.TransactionType.values, { nullable: true }) transactionType?: vocabularies.TransactionType | null,
  ): Promise<Requirement[]> {
    const { environment, policy } = await readOrganization(context.database, context.member.organizationId);
    const { faults, value } = validateKycData(kycData, {}, {
      now: this.core.clock.now(),
      minimumAge: policy.minimumAge,
      acceptedNationalIds: acceptedNationalIds(environment),
    });
    const documents = checkGivenDocuments(kycData.documents, { now: this.core.clock.now(), allowPrivateUrls: this.core.allowPrivateUrls }, faults);
    if (faults.length > 0) throw badInput(faults);
    return requirementsOf({ ...freshSubject(mergeKycData({}, value), transactionType ?? transactionTypeOfToken(context.caller), { environment, policy }, comesByHostedPage(context.caller)), documents: documents.map(subjectOfGiven) });
  }
}

@Resolver(() => IdentityObject)
export class IdentityRequirementResolver {
  @FieldResolver(() => [RequirementObject], { description: 'Everything that this attempt still lacks, all at once; empty once it has ended, or its data is erased.' })
  @Needs(...REQUIREMENTS_NEED)
  async requirements(@Root() identity: IdentityObject, @Ctx() context: RequestContext): Promise<Requirement[]> {
    if (identity.status === 'DECLINED' || identity.status === 'EXPIRED') return [];
    return requirementsOfAttempt(context, identity.row);
  }
}

@Resolver(() => CustomerObject)
export class CustomerRequirementResolver {
  @FieldResolver(() => [RequirementObject], {
    description: 'Everything that still stands between this customer and ACTIVE, all at once; empty when nothing does, and once the data is erased. After REJECTED or EXPIRED: what a further attempt would lack. While DEACTIVATED it stays listed and can be provided after reactivateCustomer; allowedActions says what may be asked now.',
  })
  @Needs(rows(identityById, 'current_identity_id', ...REQUIREMENTS_NEED))
  async requirements(@Root() customer: CustomerObject, @Ctx() context: RequestContext): Promise<Requirement[]> {
    if (customer.erasedAt !== null) return [];
    const row = customer.currentIdentityId === null ? null : await context.load(identityById, customer.currentIdentityId);
    if (row !== null && row.status !== 'DECLINED' && row.status !== 'EXPIRED') return requirementsOfAttempt(context, row);
    const { environment, policy } = await context.load(organizationById, context.member.organizationId);
    const kycData = row === null ? {} : (await context.load(identityPersonal, row)).kycData;
    return requirementsOf(freshSubject(kycData, transactionTypeOfToken(context.caller) ?? row?.transaction_type ?? null, { environment, policy }, comesByHostedPage(context.caller)));
  }
}
