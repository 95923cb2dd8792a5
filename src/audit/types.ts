import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { AUDIT_KINDS, type AuditKind, type EntryRow } from '../core/audit-entry.js';
import { connectionOf } from '../core/connections.js';
import { DateTimeScalar } from '../core/scalars.js';

const kinds = Object.keys(AUDIT_KINDS) as AuditKind[];
const AuditKindEnum = Object.fromEntries(kinds.map((kind) => [kind, kind])) as Record<AuditKind, AuditKind>;
registerEnumType(AuditKindEnum, {
  name: 'AuditKind',
  description: 'What an entry of the audit trail records.',
  valuesConfig: Object.fromEntries(kinds.map((kind) => [kind, { description: AUDIT_KINDS[kind] }])),
});

@ObjectType('AuditEntry', {
  description: 'An entry of your organization\'s audit trail, written in the transaction of what it records and never changed: each holds the hash of the one before. It holds ids and names of fields, never a value of a person\'s, so that the chain still verifies when those are erased.',
  simpleResolvers: true,
})
export class AuditEntryObject {
  @Field(() => ID)
  id!: string;
  @Field(() => Int, { description: 'Its place in the chain: 1, 2, 3 … without gaps.' })
  position!: number;
  @Field(() => AuditKindEnum)
  kind!: AuditKind;
  @Field(() => String, { description: 'The root field that was asked, or the job.' })
  operation!: string;
  @Field(() => String, { description: 'The id of the key or the subject of the token; of what nobody asked for, the job.' })
  actor!: string;
  @Field(() => String, { description: 'OPERATOR, ADMIN, PARTNER, REVIEWER or APPLICANT; SYSTEM for jobs.' })
  role!: string;
  @Field(() => DateTimeScalar)
  occurredAt!: string;
  @Field(() => String, { nullable: true, description: 'The x-request-id of the answer; null for what no request brought about.' })
  requestId!: string | null;
  @Field(() => ID, { nullable: true })
  customerId!: string | null;
  @Field(() => [ID], { description: 'What it is about beside the customer and what its events name.' })
  subjects!: string[];
  @Field(() => [ID], { description: 'The events that were written in the same transaction. They are kept for 90 days.' })
  eventIds!: string[];
  @Field(() => [String], { description: 'Names of the fields that were revealed, of the rules that were changed, or of the table of what did not open.' })
  fields!: string[];
  @Field(() => String, { nullable: true, description: 'FORBIDDEN or UNAUTHENTICATED for a REFUSAL; null otherwise.' })
  code!: string | null;
  @Field(() => Int, { description: 'How often it happened: more than once for a REFUSAL or a SEAL_BROKEN that was repeated, and for data keys that were wrapped together.' })
  count!: number;
  @Field(() => String, {
    description: 'The entry as the chain holds it: canonical JSON (RFC 8785), whose SHA-256 is `hash` and whose `previous` is the hash of the entry before. `inputCommitment` is the HMAC-SHA256, under `salt`, of `input`, a line feed and the arguments of the root field as canonical JSON, files as null; `reasonCommitment`, of `reason`, a line feed and the reason.',
  })
  entry!: string;
  @Field(() => String)
  hash!: string;
  row!: EntryRow;
}

export const AuditEntryConnection = connectionOf('AuditEntry', AuditEntryObject);

@InputType('AuditFilter', { description: 'What is absent or null does not narrow.' })
export class AuditFilterInput {
  @Field(() => [AuditKindEnum], { nullable: true })
  kinds?: AuditKind[] | null;
  @Field(() => ID, { nullable: true })
  customerId?: string | null;
  @Field(() => String, { nullable: true, description: 'The id of a key, the subject of a token, or the name of a job.' })
  actor?: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'At or after.' })
  occurredAfter?: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Before.' })
  occurredBefore?: Date | null;
}
