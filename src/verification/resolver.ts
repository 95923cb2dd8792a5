import { Arg, Ctx, Field, FieldResolver, ObjectType, Query, Resolver } from 'type-graphql';
import type { Core } from '../core/command.js';
import { comesByHostedPage } from '../core/caller.js';
import { allLoaded, whenLoaded, type Loaded, type RequestContext } from '../core/context.js';
import { isErased } from '../core/crypto/sealed-table.js';
import { badInput } from '../core/errors.js';
import { columns, Needs, rows } from '../core/look-ahead.js';
import { Parent } from '../core/objects.js';
import { ORGANIZATION_COLUMN } from '../core/row-reads.js';
import { CustomerObject } from '../customer/resolver.js';
import { DOCUMENTS, documentsByIdentity, filesByDocument, subjectDocument } from '../document/reads.js';
import { IDENTITIES, identityById, identityPersonal } from '../identity/reads.js';
import { subjectOfGiven, checkGivenDocuments } from '../identity/given-documents.js';
import { KycDataInputFields } from '../identity/kyc-types.js';
import { IdentityObject } from '../identity/types.js';
import { mergeKycData } from '../kyc/fields.js';
import { freshSubject, missingSignatures, requirementsOf, type Requirement, type RequirementSubject, type SubjectDocument } from '../kyc/requirements.js';
import { acceptedNationalIds } from '../kyc/sandbox.js';
import { validateKycData } from '../kyc/validation.js';
import * as vocabularies from '../kyc/vocabularies.js';
import { policyById } from '../organization/policies.js';
import { loadOrganization, organizationById, readOrganization } from '../organization/reads.js';
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

/** What requirements are made of: the organization … */
const ORGANIZATION_NEED = rows(organizationById, ORGANIZATION_COLUMN);
/** … and what is below an attempt. */
const ATTEMPT_NEEDS = [
  columns(IDENTITIES, 'rules'), columns(IDENTITIES, 'personal'), rows(documentsByIdentity, 'id', columns(DOCUMENTS, 'submission'), rows(filesByDocument, 'id')), rows(signaturesByIdentity, 'id'),
];

/** What an attempt still lacks; nothing of one that is approved, all signed, ended or erased. */
function requirementsOfAttempt(context: RequestContext, row: IdentityRow): Loaded<Requirement[]> {
  if (row.status === 'APPROVED' || row.status === 'SIGNATURE_SUBMITTED') return [];
  const parts = allLoaded([loadOrganization(context), context.load(policyById, row.policy_id), documentsOf(context, row.id), context.load(signaturesByIdentity, row.id), context.load(identityPersonal, row)]);
  return whenLoaded(parts, ([{ environment }, policy, documents, signatures, { kycData, documentsByUrl }]) => {
    if (isErased(row)) return [];
    const subject: RequirementSubject = {
      kycData,
      transactionType: row.transaction_type,
      policy,
      environment,
      documents: [...documents, ...documentsByUrl.map(subjectOfGiven)],
      signedContracts: signatures.map((signature) => signature.contract_type),
      hostedPage: row.hosted_page || comesByHostedPage(context.caller),
      demands: row.demands,
    };
    // Data and documents have been accepted by then, by the provider or by a person who looked away from some of it.
    return row.status === 'AWAITING_SIGNATURE' ? missingSignatures(subject) : requirementsOf(subject);
  });
}

/** The documents of an attempt as its evaluation sees them. */
function documentsOf(context: RequestContext, identityId: string): Loaded<SubjectDocument[]> {
  return whenLoaded(context.load(documentsByIdentity, identityId), (documents) =>
    allLoaded(documents.map((document) => whenLoaded(context.load(filesByDocument, document.id), (files) => subjectDocument(document, files)))),
  );
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
  @Needs(ORGANIZATION_NEED, ...ATTEMPT_NEEDS)
  requirements(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<Requirement[]> {
    if (identity.status === 'DECLINED' || identity.status === 'EXPIRED') return [];
    return requirementsOfAttempt(context, identity.row);
  }
}

@Resolver(() => CustomerObject)
export class CustomerRequirementResolver {
  @FieldResolver(() => [RequirementObject], {
    description: 'Everything that still stands between this customer and ACTIVE, all at once; empty when nothing does, and once the data is erased. After REJECTED or EXPIRED: what a further attempt would lack. While DEACTIVATED it stays listed and can be provided after reactivateCustomer; allowedActions says what may be asked now.',
  })
  @Needs(ORGANIZATION_NEED, rows(identityById, 'current_identity_id', ...ATTEMPT_NEEDS))
  requirements(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): Loaded<Requirement[]> {
    if (customer.erasedAt !== null) return [];
    return whenLoaded(customer.currentIdentityId === null ? null : context.load(identityById, customer.currentIdentityId), (row) => {
      if (row !== null && row.status !== 'DECLINED' && row.status !== 'EXPIRED') return requirementsOfAttempt(context, row);
      const known = allLoaded([loadOrganization(context), row === null ? { kycData: {} } : context.load(identityPersonal, row)]);
      return whenLoaded(known, ([{ environment, policy }, { kycData }]) =>
        requirementsOf(freshSubject(kycData, transactionTypeOfToken(context.caller) ?? row?.transaction_type ?? null, { environment, policy }, comesByHostedPage(context.caller))),
      );
    });
  }
}
