import type { Cluster } from '../machine/postgres.ts';

/** What createCustomer and submitIdentity leave of each customer. */
const EVENTS = ['customer.created', 'identity.status_changed', 'kyc.verification.submitted', 'customer.state_changed'] as const;
const COMMANDS = 2;
/** Bytes of what opens an entry of the trail, encrypted. */
const OPENING_BYTES = 120;

/** Of the customers' own order, so that positions have no holes. */
const PLACE = 'row_number() over (partition by c.organization_id order by c.id, n)';
/** The role PARTNER's key of an organization. */
const ACTOR = "replace(c.organization_id, 'org_', 'key_')";

const STATEMENTS = [
  // Within what is kept: the gateway sweeps what is older as soon as it starts.
  `insert into event (organization_id, position, id, type, customer_id, new_status, version, details, actor, occurred_at)
    select c.organization_id, ${PLACE}, 'evt_' || substr(c.id, 5, 24) || n || '0', (array['${EVENTS.join("', '")}'])[n], c.id, 'UNDER_REVIEW', 1, '{}', ${ACTOR}, now() - interval '1 day'
    from customer c, generate_series(1, ${EVENTS.length}) as n`,
  `insert into audit_entry (organization_id, position, kind, actor, customer_id, occurred_at, entry, hash)
    select organization_id, position, 'COMMAND', actor, customer_id, now() - interval '1 day', entry, encode(sha256(convert_to(entry, 'UTF8')), 'hex')
    from (
      select c.organization_id, ${PLACE} as position, ${ACTOR} as actor, c.id as customer_id,
        jsonb_build_object('format', 1, 'organizationId', c.organization_id, 'customerId', c.id, 'number', n, 'actor', ${ACTOR}, 'inputCommitment', encode(sha256(convert_to(c.id, 'UTF8')), 'hex'), 'requestId', md5(c.id || n)::uuid)::text as entry
      from customer c, generate_series(1, ${COMMANDS}) as n
    ) as entries`,
  `insert into audit_opening (organization_id, position, customer_id, sealed)
    select organization_id, position, customer_id, substring(decode(repeat(hash, ${Math.ceil(OPENING_BYTES / 32)}), 'hex') from 1 for ${OPENING_BYTES}) from audit_entry`,
  // The last digit is 0, as that of ids.
  `insert into idempotency_key (scope, key, organization_id, digest, outcome, created_at)
    select c.organization_id || ' PARTNER', left(md5(c.id || n)::uuid::text, -1) || '0', c.organization_id, encode(sha256(convert_to(c.id || n, 'UTF8')), 'hex'), jsonb_build_object('ids', array[c.id], 'number', null), now() - random() * interval '12 hours'
    from customer c, generate_series(1, ${COMMANDS}) as n`,
  `update organization_ledger l set
    position = (select coalesce(max(e.position), 0) from event e where e.organization_id = l.organization_id),
    audit_position = (select coalesce(max(e.position), 0) from audit_entry e where e.organization_id = l.organization_id),
    audit_hash = coalesce((select e.hash from audit_entry e where e.organization_id = l.organization_id order by e.position desc limit 1), l.audit_hash)`,
];

/**
 * Gives every customer the events, entries of the trail and Idempotency-Keys of its two first commands. Positions are as the
 * ledgers say, and what is kept for a day is younger. Entries do not name the hash of the one before: the chain does not verify.
 */
export async function addHistories(cluster: Cluster, database: string): Promise<void> {
  for (const statement of STATEMENTS) await cluster.psql(database, `set session_replication_role = replica; ${statement}`);
  await cluster.psql(database, 'vacuum analyze');
}
