import { Arg, Ctx, FieldResolver, Int, Query, Resolver } from 'type-graphql';
import { DEFAULT_PAGE, type Connection } from '../core/connections.js';
import type { EntryRow } from '../core/audit-entry.js';
import type { RequestContext } from '../core/context.js';
import { badInput } from '../core/errors.js';
import { Parent } from '../core/objects.js';
import { auditOpening, auditPage } from './reads.js';
import { AuditEntryConnection, AuditEntryObject, AuditFilterInput } from './types.js';

/** The members of an entry that are shown as they are. */
type Members = Pick<AuditEntryObject, 'id' | 'operation' | 'role' | 'requestId' | 'subjects' | 'fields' | 'code' | 'count'> & { events: string[] };

/** An entry as it is shown. */
function entryView(row: EntryRow): AuditEntryObject {
  const { id, operation, role, requestId, subjects, fields, code, count, events } = JSON.parse(row.entry) as Members;
  return {
    id,
    position: Number(row.position),
    kind: row.kind,
    operation,
    actor: row.actor,
    role,
    occurredAt: row.occurred_at,
    requestId,
    customerId: row.customer_id,
    subjects,
    eventIds: events,
    fields,
    code,
    count,
    entry: row.entry,
    hash: row.hash,
    row,
  };
}

@Resolver(() => AuditEntryObject)
export class AuditResolver {
  @Query(() => AuditEntryConnection, {
    description: 'Who has done what in your organization, newest first: every command, whoever or whatever gave it, every refusal of rights, every reveal, file read, change of keys and of policy. The operator verifies and exports the chain: `npm run gateway -- audit verify`.',
  })
  async auditTrail(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true }) after?: string | null,
    @Arg('filter', () => AuditFilterInput, { nullable: true }) filter?: AuditFilterInput | null,
  ): Promise<Connection<AuditEntryObject>> {
    const { customerId, actor } = filter ?? {};
    const faults = Object.entries({ customerId, actor }).flatMap(([name, value]) =>
      value == null || (value.isWellFormed() && !value.includes('\0')) ? [] : [{ path: `filter.${name}`, code: 'malformed_text', message: 'This names nobody and nothing.' }],
    );
    if (faults.length > 0) throw badInput(faults);
    return auditPage(context.database, context.member.organizationId, { first, after }, filter ?? {}, entryView);
  }

  @FieldResolver(() => String, { nullable: true, description: "The reason that the caller gave; null where none is asked, and once the customer's data is erased." })
  async reason(@Parent() entry: AuditEntryObject, @Ctx() context: RequestContext): Promise<string | null> {
    return (await context.load(auditOpening, entry.row)).reason;
  }

  @FieldResolver(() => String, { nullable: true, description: "In hexadecimal: opens the entry's commitments to who has what was said. Null where there are none, and once the customer's data is erased." })
  async salt(@Parent() entry: AuditEntryObject, @Ctx() context: RequestContext): Promise<string | null> {
    return (await context.load(auditOpening, entry.row)).salt;
  }
}
