import { PAGE } from './fields.ts';
import { ORGANIZATION_ID, pool } from './bare-http.ts';
import { BATCHED_SQL } from './sql.ts';

type Values = Readonly<Record<string, unknown>>;
export type CustomerRow = Values & { id: string; current_identity_id: string | null };
export type IdentityRow = Values & { id: string };
export type DocumentRow = Values & { id: string; identity_id: string };
export type FileRow = Values & { document_id: string };
export type SignatureRow = Values & { identity_id: string };

async function rowsOf<Row extends Values>(name: keyof typeof BATCHED_SQL, ...values: unknown[]): Promise<Row[]> {
  return (await pool.query<Row>({ name, text: BATCHED_SQL[name], values: [ORGANIZATION_ID, ...values] })).rows;
}

/** One prepared statement for all keys of a turn each: what the resolvers of every hand-written contender stand on. */
export const read = {
  customer: async (id: string): Promise<CustomerRow | null> => (await rowsOf<CustomerRow>('customer', [id]))[0] ?? null,
  /** One more than a page has, newest first. */
  page: (status: string, after: string | null): Promise<CustomerRow[]> => rowsOf<CustomerRow>('page', status, after, PAGE + 1),
  identities: async (ids: readonly (string | null)[]): Promise<(IdentityRow | null)[]> => {
    const byId = new Map((await rowsOf<IdentityRow>('identities', ids.filter((id) => id !== null))).map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id ?? '') ?? null);
  },
  documents: async (ids: readonly string[]): Promise<DocumentRow[][]> => grouped(ids, await rowsOf<DocumentRow>('documents', ids), (row) => row.identity_id),
  files: async (ids: readonly string[]): Promise<FileRow[][]> => grouped(ids, await rowsOf<FileRow>('files', ids), (row) => row.document_id),
  signatures: async (ids: readonly string[]): Promise<SignatureRow[][]> => grouped(ids, await rowsOf<SignatureRow>('signatures', ids), (row) => row.identity_id),
};

function grouped<Row>(ids: readonly string[], rows: readonly Row[], keyOf: (row: Row) => string): Row[][] {
  const groups = Map.groupBy(rows, keyOf);
  return ids.map((id) => groups.get(id) ?? []);
}
