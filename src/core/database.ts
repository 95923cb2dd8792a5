import { AsyncResource } from 'node:async_hooks';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { EntitySchema } from '@mikro-orm/core';
import { Migrator, type Migration } from '@mikro-orm/migrations';
import { MikroORM as PgliteORM, type PgliteConnection } from '@mikro-orm/pglite';
import { MikroORM as PostgreSqlORM, type PostgreSqlConnection, type SqlEntityManager } from '@mikro-orm/postgresql';
import { fromPglite, type ConstructorOptions } from 'pg-boss';
import type { Kysely } from 'kysely';
import { Client, Pool } from 'pg';
import { DATABASE_FAILED, endOnAbort } from './database-abort.js';
import { ListeningConnection, type Listener } from './listener.js';
import { ConfigError, type Config } from './config.js';
import { openKeyRing, type KeyManagement } from './crypto/key-ring.js';
import { PlainRows } from './crypto/plain-rows.js';
import type { SealedTable } from './crypto/sealed-table.js';
import { Sealing } from './crypto/sealing.js';
import { EntityTables } from './entity-table.js';
import { Vault } from './crypto/vault.js';
import type { Log } from './log.js';
import type { Statement, Statements } from './statement.js';
import { READ_SESSION, readsInOneTrip, readsInTransactions, type Scope, type ScopedReads } from './scoped-reads.js';
import { CUSTOMER_ROLE, TENANT_ROLE } from './tenancy.js';
import { beginBy, beginIn, transactIn, type Begin } from './transaction.js';
import { WorkingSet } from './working-set.js';
import { CONNECTION_TIMEOUT, GuardedClient, JOB_TIMEOUTS, TIMEOUTS } from './guarded-client.js';

/** One advisory lock for the migrations of all replicas; the number only has to be ours. */
const MIGRATION_LOCK = 4_951_120;
/** For commands: many may wait for one lock. */
const COMMAND_POOL_SIZE = 16;
/**
 * For reads, which wait for nothing: more than these few would not be answered sooner, since one process has no more under way
 * at once, and a server that works on more of them in turn does each in more time.
 */
const READ_POOL_SIZE = 6;
/** One holds the lock while another migrates. */
const MIGRATION_POOL_SIZE = 2;
/** For the queue's workers. */
const JOB_POOL_SIZE = 6;

/** Every page of PostgreSQL's cache is touched at a start, and PGlite's 128 MB would take a tenth of a second and the memory. */
const EMBEDDED_PARAMETERS = [...PGlite.defaultStartParams, '-c', 'shared_buffers=32MB'];

/** A query builder over the tables that the reading domain declares. */
export type Reader<Tables> = Kysely<Tables>;

/** The database, embedded or PostgreSQL, with the two ways in: one organization's rows, or the owner's rights. */
export interface Database {
  kind: 'pglite' | 'postgresql';
  /** A transaction that sees one organization's rows only, held to it by row-level security, with the entities that it works on; these `body` flushes itself. */
  transact<Result>(organizationId: string, body: (transaction: Statements, entities: WorkingSet) => Promise<Result>): Promise<Result>;
  /** A fresh unit of work with the owner's rights: for key look-up, jobs, the operator and migrations. */
  owner(): SqlEntityManager;
  /** The same database in which one customer's rows are all that `transact` and `read` find or may write; null: every customer's. */
  forCustomer(customerId: string | null): Database;
  /** Reads plain rows of one organization by one statement of fixed text, under the session role. */
  select<Row>(organizationId: string, statement: Statement, parameters: readonly unknown[]): Promise<Row[]>;
  /** Reads plain rows of one organization by a query builder, under the session role. */
  read<Tables, Result>(organizationId: string, query: (reader: Reader<Tables>) => Promise<Result>): Promise<Result>;
  /** Hears NOTIFY on a channel, through reconnects; `onGap` runs after each (re)connection: something may have been missed. */
  listen(channel: string, onPayload: (payload: string) => void, onGap: () => void): Promise<Listener>;
  /** How pg-boss reaches the same database. */
  jobConnection(): Promise<ConstructorOptions>;
  /** Opens and indexes the personal data of rows. */
  vault: Vault;
  /** Encrypts what was stored before there was encryption. */
  plainRows: PlainRows;
  close(): Promise<void>;
}

export interface DatabaseParts {
  entities: EntitySchema[];
  migrations: { name: string; class: new (...parameters: ConstructorParameters<typeof Migration>) => Migration }[];
  /** What of the entities is encrypted, parents before what belongs to them. */
  sealedTables: readonly SealedTable[];
}

/** Opens the database that the configuration names, brings its schema up to date and opens what is sealed in it. `keys` stand in for the key ring. */
export async function openDatabase(config: Config, parts: DatabaseParts, log: Log, keys?: KeyManagement): Promise<Database> {
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 });
  const seals = sealing(parts.sealedTables, keys ?? (await openKeyRing(config)), log);
  return config.databaseUrl === null ? openEmbedded(config.dataDirectory, parts, seals) : openPostgreSql(config.databaseUrl, parts, seals);
}

/** What encrypts between the entities and their rows; `open` reads the keys once the schema is up to date. */
function sealing(tables: readonly SealedTable[], keys: KeyManagement, log: Log) {
  let vault: Vault | null = null;
  const opened = (): Vault => {
    if (!vault) throw new Error('The vault has not been opened');
    return vault;
  };
  return {
    between: new Sealing(tables, opened),
    open: async (access: WaysIn): Promise<Pick<Database, 'vault' | 'plainRows'>> => {
      vault = await Vault.open(keys, access, log);
      return { vault, plainRows: new PlainRows(access, opened, tables) };
    },
  };
}

function ormOptions(parts: DatabaseParts) {
  return {
    entities: parts.entities,
    extensions: [Migrator],
    migrations: { migrationsList: parts.migrations, snapshot: false, snapshotName: 'schema', silent: true },
    forceUtcTimezone: true,
    validate: false,
    debug: false as const,
  };
}

/** Whether every migration has been run. The migrator would look for its table in views of the whole catalogue: a tenth of an embedded start. */
async function isMigrated(em: SqlEntityManager, { migrations }: DatabaseParts): Promise<boolean> {
  const [found] = await em.execute<{ table: string | null }[]>(`select to_regclass('mikro_orm_migrations') as "table"`);
  if (found?.table == null) return false;
  const run = new Set((await em.execute<{ name: string }[]>('select name from mikro_orm_migrations')).map(({ name }) => name));
  return migrations.every(({ name }) => run.has(name));
}

async function openEmbedded(dataDirectory: string, parts: DatabaseParts, { between, open }: ReturnType<typeof sealing>): Promise<Database> {
  const orm = await PgliteORM.init({ ...ormOptions(parts), dbName: join(dataDirectory, 'database'), driverOptions: { extensions: { endOnAbort }, startParams: EMBEDDED_PARAMETERS } });
  const client = await (orm.em.getConnection() as PgliteConnection).getNativeClient().catch((error: unknown) => {
    throw new ConfigError(DATABASE_FAILED, { cause: error });
  });
  const em = orm.em as unknown as SqlEntityManager;
  if (!(await isMigrated(em, parts))) await orm.migrator.up();
  const begin = beginBy(em);
  const access: Access = { em, begin, reads: readsInTransactions(begin), tables: new EntityTables(orm.getMetadata()), sealing: between };
  return withAccess(access, {
    kind: 'pglite',
    ...(await openOrClose(orm, () => open(waysIn(access)))),
    listen: async (channel, onPayload, onGap) => {
      // It calls from within the statement that commits: what is heard is not part of that request.
      const stop = await client.listen(channel, AsyncResource.bind(onPayload));
      onGap();
      return { close: () => stop() };
    },
    jobConnection: async () => ({ db: fromPglite(client), backend: 'pglite' }),
    close: () => orm.close(true),
  });
}

/** Says in one sentence why a database does not let us in, before the ORM tries and says more. */
async function requireReachable(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECTION_TIMEOUT });
  try {
    await client.connect();
  } catch (error) {
    throw new ConfigError(`DATABASE_URL names a database that cannot be used: ${(error as Error).message || (error as NodeJS.ErrnoException).code}.`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Brings the schema up to date, one replica at a time. A migration, and waiting for another's, take as long as they take. */
async function migrate(url: string, parts: DatabaseParts): Promise<void> {
  const orm = await PostgreSqlORM.init({ ...ormOptions(parts), clientUrl: url, pool: { min: 0, max: MIGRATION_POOL_SIZE }, driverOptions: { connectionTimeoutMillis: CONNECTION_TIMEOUT } });
  try {
    await (orm.em as unknown as SqlEntityManager).fork().transactional(async (holder) => {
      await holder.execute('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
      await orm.migrator.up();
    });
  } finally {
    await orm.close(true);
  }
}

async function openPostgreSql(url: string, parts: DatabaseParts, { between, open }: ReturnType<typeof sealing>): Promise<Database> {
  await requireReachable(url);
  await migrate(url, parts);
  const orm = await PostgreSqlORM.init({
    ...ormOptions(parts),
    clientUrl: url,
    pool: { min: 0, max: COMMAND_POOL_SIZE },
    // What is asked together goes out together.
    driverOptions: { ...TIMEOUTS, Client: GuardedClient, pipeline: true },
  });
  const commands = await (orm.em.getConnection() as PostgreSqlConnection).getNativeClient();
  const reads = new Pool({ ...commands.options, max: READ_POOL_SIZE, onConnect: (client) => client.query(READ_SESSION) });
  const jobs = new Pool({ connectionString: url, max: JOB_POOL_SIZE, ...JOB_TIMEOUTS, Client: GuardedClient });
  // What breaks while nobody uses it is replaced.
  for (const pool of [reads, jobs]) pool.on('error', () => undefined);
  const listening = new ListeningConnection(url);
  const access: Access = { em: orm.em as unknown as SqlEntityManager, begin: beginIn(commands), reads: readsInOneTrip(reads), tables: new EntityTables(orm.getMetadata()), sealing: between };
  const close = async (): Promise<void> => {
    await Promise.all([orm.close(true), reads.end(), jobs.end()]);
  };
  return withAccess(access, {
    kind: 'postgresql',
    ...(await openOrClose({ close }, () => open(waysIn(access)))),
    listen: (channel, onPayload, onGap) => listening.listen(channel, onPayload, onGap),
    jobConnection: async () => ({ db: { executeSql: (text, values) => jobs.query(text, values) } }),
    close,
  });
}

/** Lets go of the database where the key ring does not open it. */
async function openOrClose<Result>(orm: { close(force: boolean): Promise<void> }, open: () => Promise<Result>): Promise<Result> {
  try {
    return await open();
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

type WaysIn = Pick<Database, 'transact' | 'owner' | 'read' | 'select'>;

/** What the ways in are made of. */
interface Access {
  em: SqlEntityManager;
  begin: Begin;
  tables: EntityTables;
  sealing: Sealing;
  reads: ScopedReads;
}

/** The ways in to a database, for one customer or (null) for all of an organization. */
function waysIn({ em, begin, reads, tables, sealing: between }: Access, customerId: string | null = null): WaysIn {
  const scopeOf = (organizationId: string): Scope => ({ role: customerId === null ? TENANT_ROLE : CUSTOMER_ROLE, organizationId, customerId });
  return {
    transact: (organizationId, body) => transactIn(begin, scopeOf(organizationId), (transaction) => body(transaction, new WorkingSet(tables, between, transaction, organizationId))),
    owner: () => em.fork(),
    select: (organizationId, statement, parameters) => reads.select(scopeOf(organizationId), statement, parameters),
    read: (organizationId, query) => reads.read(scopeOf(organizationId), query),
  };
}

function withAccess(access: Access, connected: Omit<Database, keyof WaysIn | 'forCustomer'>, customerId: string | null = null): Database {
  const database: Database = { ...connected, ...waysIn(access, customerId), forCustomer: (only) => (only === customerId ? database : withAccess(access, connected, only)) };
  return database;
}
