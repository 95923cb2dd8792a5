import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/core/database.js';
import type { Listener } from '../../src/core/listener.js';
import { newRequestScope, requestScope } from '../../src/core/request-scope.js';
import type { Statements } from '../../src/core/statement.js';
import { useGateway } from '../support/gateway.js';

// What a command sends and does not wait for is part of its transaction all the same: all of it happens, or nothing.

const INSERT = 'insert into idempotency_key (scope, key, organization_id, digest, created_at) values ($1, $2, $3, $4, $5)';
const SCOPE = 'transactions';
/** More than a driver has under way at once. */
const SENT = 8;
const CHANNEL = 'kyc_gateway_test';
const UNIQUE_VIOLATION = '23505';

describe('what is sent in a transaction', () => {
  let database: Database;
  const gateway = useGateway({}, { workers: false, database: (opened) => (database = opened) });
  let organizationId: string;
  let transactions = 0;
  let listening: Listener | undefined;

  beforeAll(async () => {
    organizationId = (await gateway.organization()).id;
  });

  afterAll(() => {
    console.log(`transactions: ${transactions} with statements that nobody waited for`);
    expect(transactions).toBeGreaterThan(3);
  });

  function transact(body: (transaction: Statements) => Promise<void>): Promise<void> {
    transactions += 1;
    return database.transact(organizationId, body);
  }

  function insert(transaction: Statements, ...keys: readonly string[]): void {
    for (const key of keys) transaction.send(INSERT, [SCOPE, key, organizationId, 'digest', new Date().toISOString()]);
  }

  const keysOf = (name: string): string[] => Array.from({ length: SENT }, (_, number) => `${name} ${number}`);

  /** The keys with this name that are there once whatever still runs has run. */
  async function stored(name: string): Promise<number> {
    await transact(async (transaction) => void (await transaction.run('select 1', [])));
    const rows = await database.owner().execute<{ key: string }[]>('select key from idempotency_key where scope = ? and key like ?', [SCOPE, `${name} %`]);
    return rows.length;
  }

  it('has happened when it has committed', async () => {
    await transact(async (transaction) => insert(transaction, ...keysOf('committed')));
    expect(await stored('committed')).toBe(SENT);
  });

  it('is gone when the body throws, however much of it has yet to be run', async () => {
    const thrown = transact(async (transaction) => {
      await transaction.run('select 1', []);
      insert(transaction, ...keysOf('thrown'));
      throw new Error('The body has thought better of it');
    });
    await expect(thrown).rejects.toThrow('thought better');
    expect(await stored('thrown')).toBe(0);
  });

  it('is gone when one of it fails, which is why the transaction fails, and nothing behind it happens', async () => {
    const failed = transact(async (transaction) => {
      const [first = '', ...others] = keysOf('failed');
      insert(transaction, first, first, ...others);
    });
    await expect(failed).rejects.toMatchObject({ code: UNIQUE_VIOLATION });
    expect(await stored('failed')).toBe(0);
  });

  it('makes what is waited for later fail by its own reason', async () => {
    const failed = transact(async (transaction) => {
      insert(transaction, 'reason 1', 'reason 1', 'reason 2');
      await transaction.run('select 1', []);
    });
    await expect(failed).rejects.toMatchObject({ code: UNIQUE_VIOLATION });
    expect(await stored('reason')).toBe(0);
  });

  it('is heard by who listens, apart from the request that has sent it', async () => {
    const heard = new Promise<unknown[]>((resolve, reject) => {
      database.listen(CHANNEL, (payload) => resolve([payload, requestScope.getStore()]), () => undefined).then((listener) => {
        listening = listener;
        requestScope.run(newRequestScope('request'), () => transact(async (transaction) => transaction.send('select pg_notify($1, $2)', [CHANNEL, 'said']))).catch(reject);
      }, reject);
    });
    expect(await heard).toEqual(['said', undefined]);
    await listening?.close();
  });
});
