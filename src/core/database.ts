import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EntitySchema } from '@mikro-orm/core';
import { Migrator, type Migration } from '@mikro-orm/migrations';
import { MikroORM as PgliteORM, type PgliteConnection } from '@mikro-orm/pglite';
import { MikroORM as PostgreSqlORM, type SqlEntityManager } from '@mikro-orm/postgresql';
import { fromPglite, type ConstructorOptions } from 'pg-boss';
import type { Kysely } from 'kysely';
import { Client } from 'pg';
import { listenPostgreSql, type Listener } from './listener.js';
import { ConfigError, type Config } from './config.js';
import { CONNECTION_TIMEOUT, GuardedClient, JOB_TIMEOUTS, TIMEOUTS } from './guarded-client.js';

/**
 * The role that every statement on behalf of an organization runs under. It owns nothing and has no privilege but
 * the grants of the migrations, so row-level security holds for it even where the gateway's own user is a superuser.
 */
export const TENANT_ROLE = 'kyc_gateway_tenant';
/** The role of statements on behalf of one customer: the other's rights, and policies that leave it nothing but that customer's rows. */
export const CUSTOMER_ROLE = 'kyc_gateway_customer';
/** The session variables that the policies of row-level security compare with. */
export const ORGANIZATION_SETTING = 'kyc_gateway.organization_id';
export const CUSTOMER_SETTING = 'kyc_gateway.customer_id';

/** One advisory lock for the migrations of all replicas; the number only has to be ours. */
const MIGRATION_LOCK = 4_951_120;
const POOL_SIZE = 20;
/** One holds the lock while another migrates. */
const MIGRATION_POOL_SIZE = 2;
/** pg-boss needs one connection for its listener and a few for its workers. */
const JOB_POOL_SIZE = 6;

/** A query builder over the tables that the reading domain declares. */
export type Reader<Tables> = Kysely<Tables>;

/** The database, embedded or PostgreSQL, with the two ways in: one organization's rows, or the owner's rights. */
export interface Database {
  kind: 'pglite' | 'postgresql';
  /** A fresh unit of work that sees one organization's rows only, held to it by filter and by row-level security. */
  scoped(organizationId: string): SqlEntityManager;
  /** A fresh unit of work with the owner's rights: for key look-up, jobs, the operator and migrations. */
  owner(): SqlEntityManager;
  /** The same database in which one customer's rows are all that `scoped` and `read` find or may write; null: every customer's. */
  forCustomer(customerId: string | null): Database;
  /** Reads plain rows of one organization in a short transaction under the session role. */
  read<Tables, Result>(organizationId: string, query: (reader: Reader<Tables>) => Promise<Result>): Promise<Result>;
  /** Hears NOTIFY on a channel, through reconnects; `onGap` runs after each (re)connection: something may have been missed. */
  listen(channel: string, onPayload: (payload: string) => void, onGap: () => void): Promise<Listener>;
  /** How pg-boss reaches the same database. */
  jobConnection(): Promise<ConstructorOptions>;
  close(): Promise<void>;
}

export interface DatabaseParts {
  entities: EntitySchema[];
  migrations: { name: string; class: new (...parameters: ConstructorParameters<typeof Migration>) => Migration }[];
}

/** Opens the database that the configuration names and brings its schema up to date. */
export async function openDatabase(config: Config, parts: DatabaseParts): Promise<Database> {
  return config.databaseUrl === null ? openEmbedded(config.dataDirectory, parts) : openPostgreSql(config.databaseUrl, parts);
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

async function openEmbedded(dataDirectory: string, parts: DatabaseParts): Promise<Database> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const orm = await PgliteORM.init({ ...ormOptions(parts), dbName: join(dataDirectory, 'database') });
  const client = await (orm.em.getConnection() as PgliteConnection).getNativeClient();
  await orm.migrator.up();
  return withAccess(orm.em as unknown as SqlEntityManager, {
    kind: 'pglite',
    listen: async (channel, onPayload, onGap) => {
      const stop = await client.listen(channel, onPayload);
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

async function openPostgreSql(url: string, parts: DatabaseParts): Promise<Database> {
  await requireReachable(url);
  await migrate(url, parts);
  const orm = await PostgreSqlORM.init({
    ...ormOptions(parts),
    clientUrl: url,
    pool: { min: 0, max: POOL_SIZE },
    driverOptions: { ...TIMEOUTS, Client: GuardedClient },
  });
  const em = orm.em as unknown as SqlEntityManager;
  return withAccess(em, {
    kind: 'postgresql',
    listen: (channel, onPayload, onGap) => listenPostgreSql(url, channel, onPayload, onGap),
    jobConnection: async () => ({ connectionString: url, max: JOB_POOL_SIZE, ...JOB_TIMEOUTS, Client: GuardedClient }) as ConstructorOptions,
    close: () => orm.close(true),
  });
}

type Connected = Omit<Database, 'scoped' | 'owner' | 'read' | 'forCustomer'>;

/** The ways in to a database, for one customer or (null) for all of an organization. */
function withAccess(em: SqlEntityManager, connected: Connected, customerId: string | null = null): Database {
  const session = customerId === null ? { role: TENANT_ROLE } : { role: CUSTOMER_ROLE, variables: { [CUSTOMER_SETTING]: customerId } };
  const scoped = (organizationId: string): SqlEntityManager => {
    const fork = em.fork({ session });
    fork.setFilterParams('tenant', { organizationId });
    return fork;
  };
  return {
    ...connected,
    scoped,
    owner: () => em.fork(),
    forCustomer: (only) => withAccess(em, connected, only),
    read: (organizationId, query) => scoped(organizationId).transactional((transaction) => query(transaction.getKysely() as never), { readOnly: true }),
  };
}
