import { sql, type Kysely, type RawBuilder } from 'kysely';
import { seal, type DataKey } from './cipher.js';
import type { PlainSource } from './plain-sweep.js';
import { belongsTo, plainOf, SEALED_COLUMN, textOf, type SealedRow, type SealedTable } from './sealed-table.js';
import type { KeyStore, KeyTables, Unprepared, Vault } from './vault.js';

interface PlainCustomer {
  id: string;
  organization_id: string;
}

type Row = SealedRow & Record<string, unknown>;

/**
 * Encrypts the rows that were stored before there was encryption: a customer with all that belongs to it at a time, when
 * a command comes to it or when the job that goes through all of them does.
 */
export class PlainRows implements PlainSource<PlainCustomer> {
  readonly table = 'customer';
  readonly #byName: ReadonlyMap<string, SealedTable>;

  constructor(
    private readonly store: KeyStore,
    private readonly vault: () => Vault,
    private readonly tables: readonly SealedTable[],
  ) {
    this.#byName = new Map(tables.map((table) => [table.table, table]));
  }

  /** Makes ready what a command has met and could not wait for. */
  async prepare({ needed }: Unprepared, organizationId: string): Promise<void> {
    if ('table' in needed) await this.sealCustomer(organizationId, await this.#customerOf(needed.table, needed.rowId));
    else if (await this.#isPlain(needed.customerId)) await this.sealCustomer(organizationId, needed.customerId);
    else await this.vault().keyOf(organizationId, needed.customerId);
  }

  /** Customers of whom something is stored in the plain, in the order of their ids. */
  async next(after: string, limit: number): Promise<PlainCustomer[]> {
    const owners = this.tables.map((table) => sql`select ${this.#ownerOf(table, sql.ref(`${table.table}.${table.owner.column}`))} from ${sql.table(table.table)} where sealed is null and ${sql.ref(table.owner.column)} is not null`);
    const { rows } = await sql<PlainCustomer>`select id, organization_id from customer where id > ${after} and id in (${sql.join(owners, sql` union all `)}) order by id limit ${limit}`.execute(this.#reader());
    return rows;
  }

  async seal(customer: PlainCustomer): Promise<void> {
    await this.sealCustomer(customer.organization_id, customer.id);
  }

  /** Encrypts what a customer's rows hold in the plain. Done twice, or by two at once, it is the same as once. */
  async sealCustomer(organizationId: string, customerId: string): Promise<void> {
    const key = await this.#dataKey(organizationId, customerId);
    await this.store.owner().transactional(async (em) => {
      const transaction = em.getKysely() as unknown as Kysely<unknown>;
      await sql`select id from customer where id = ${customerId} for update`.execute(transaction);
      for (const table of this.tables) {
        const { rows } = await sql<Row>`select * from ${sql.table(table.table)} where sealed is null and ${belongsTo(this.tables, table, customerId)} for update`.execute(transaction);
        for (const row of rows) await this.#sealRow(transaction, table, row, { organizationId, customerId, key });
      }
    });
  }

  async #sealRow(transaction: Kysely<unknown>, table: SealedTable, row: Row, owner: { organizationId: string; customerId: string; key: DataKey | null }): Promise<void> {
    const { organizationId, customerId, key } = owner;
    const personal = plainOf(table, row);
    const place = { organizationId, table: table.table, column: SEALED_COLUMN, rowId: row.id };
    const set = (column: string, value: unknown): RawBuilder<unknown> => sql`${sql.ref(column)} = ${value}`;
    const changes = [
      set(SEALED_COLUMN, key ? seal(key, place, Buffer.from(textOf(table, personal))) : Buffer.alloc(0)),
      ...Object.values(table.fields).map(({ plainColumn }) => set(plainColumn, null)),
      ...Object.values(table.indexes).map(({ column, purpose, valueOf }) => {
        const value = key ? valueOf(personal) : null;
        return set(column, value == null ? null : this.vault().index(organizationId, purpose, value));
      }),
      ...(table.owner.column === 'id' ? [] : [set('customer_id', customerId)]),
    ];
    await sql`update ${sql.table(table.table)} set ${sql.join(changes)} where id = ${row.id}`.execute(transaction);
  }

  /** The customer's data key, which is made where there is none yet; null once it has been destroyed. */
  async #dataKey(organizationId: string, customerId: string): Promise<DataKey | null> {
    const reader = this.#reader() as unknown as Kysely<KeyTables>;
    const existing = await reader.selectFrom('data_key').select('id').where('customer_id', '=', customerId).executeTakeFirst();
    if (!existing) {
      const made = await this.vault().makeKey(customerId);
      await reader
        .insertInto('data_key')
        .values({ ...made, customer_id: customerId, organization_id: organizationId, created_at: new Date().toISOString(), destroyed_at: null })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      // Another may have been first: theirs counts, and is what keyOf reads.
    }
    return this.vault().keyOf(organizationId, customerId);
  }

  /** Whether a customer is stored in the plain: it has no data key yet. */
  async #isPlain(customerId: string): Promise<boolean> {
    const { rows } = await sql`select 1 from customer where id = ${customerId} and sealed is null`.execute(this.#reader());
    return rows.length > 0;
  }

  /** The customer of a row, from what its owner's column says. */
  #ownerOf({ owner }: SealedTable, value: RawBuilder<unknown>): RawBuilder<unknown> {
    if (owner.parent === undefined) return value;
    const parent = this.#byName.get(owner.parent)!;
    return sql`(select ${this.#ownerOf(parent, sql.ref(`${parent.table}.${parent.owner.column}`))} from ${sql.table(parent.table)} where ${sql.ref(`${parent.table}.id`)} = ${value})`;
  }

  async #customerOf(table: SealedTable, rowId: string): Promise<string> {
    if (table.owner.column === 'id') return rowId;
    const { rows } = await sql<{ owner: string }>`select ${sql.ref(table.owner.column)} as owner from ${sql.table(table.table)} where id = ${rowId}`.execute(this.#reader());
    const [found] = rows;
    if (!found) throw new Error(`A row of ${table.table} has gone`);
    return table.owner.parent === undefined ? found.owner : this.#customerOf(this.#byName.get(table.owner.parent)!, found.owner);
  }

  #reader(): Kysely<unknown> {
    return this.store.owner().getKysely() as unknown as Kysely<unknown>;
  }
}
