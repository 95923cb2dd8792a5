import { ORGANIZATION_ID, pool, serveBare } from './bare-http.ts';
import { CUSTOMER_SQL, PAGE_SQL } from './sql.ts';

// The floor: bare node:http and one prepared statement, whose text is the answer.

serveBare(async ({ query, variables }) => {
  const statement = query.startsWith('query Q1') ? { name: 'q1', text: CUSTOMER_SQL, values: [ORGANIZATION_ID, variables['id']] } : { name: 'q2', text: PAGE_SQL, values: [ORGANIZATION_ID, variables['after'] ?? null] };
  const { rows } = await pool.query<{ answer: string }>(statement);
  return rows[0]?.answer ?? '{"data":null,"errors":[]}';
});
