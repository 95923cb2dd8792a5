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
import { openKeyRing, type KeyManagement } from './crypto/key-ring.js';
import { PlainRows } from './crypto/plain-rows.js';
import type { SealedTable } from './crypto/sealed-table.js';
import { SealingSubscriber } from './crypto/sealing.js';
import { Vault } from './crypto/vault.js';
import type { Log } from './log.js';

/**
 * The role that every statement on behalf of an organization runs under. It owns nothing and has no privilege but
 * the grants of the migrations, so row-level security holds for it even where the gateway's own user is a superuser.
 */
export const TENANT_ROLE = 'kyc_gateway_tenant';
/** The session variable that the policies of row-level security compare with. */
export const ORGANIZATION_SETTING = 'kyc_gateway.organization_id';

/** One advisory lock for the migrations of all replicas; the number only has to be ours. */
const MIGRATION_LOCK = 4_951_120;
/** Below the 10 s in which every request is to end. */
const STATEMENT_TIMEOUT_MILLISECONDS = 8_000;
/** Lets the server's own time-out speak first: its error says what happened. */
const MILLISECONDS_OF_GRACE = 500;
const CONNECTION_TIMEOUT_MILLISECONDS = 5_000;
const POOL_SIZE = 20;
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
  /** Reads plain rows of one organization in a short transaction under the session role. */
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
    subscriber: new SealingSubscriber(tables, opened),
    open: async (access: ReturnType<typeof accessTo>): Promise<Pick<Database, 'vault' | 'plainRows'>> => {
      vault = await Vault.open(keys, access, log);
      return { vault, plainRows: new PlainRows(access, opened, tables) };
    },
  };
}

function ormOptions(parts: DatabaseParts, subscriber: SealingSubscriber) {
  return {
    entities: parts.entities,
    subscribers: [subscriber],
    extensions: [Migrator],
    migrations: { migrationsList: parts.migrations, snapshot: false, snapshotName: 'schema', silent: true },
    forceUtcTimezone: true,
    validate: false,
    debug: false as const,
  };
}

async function openEmbedded(dataDirectory: string, parts: DatabaseParts, { subscriber, open }: ReturnType<typeof sealing>): Promise<Database> {
  const orm = await PgliteORM.init({ ...ormOptions(parts, subscriber), dbName: join(dataDirectory, 'database') });
  const client = await (orm.em.getConnection() as PgliteConnection).getNativeClient();
  await orm.migrator.up();
  const access = accessTo(orm.em as unknown as SqlEntityManager);
  return {
    kind: 'pglite',
    ...access,
    ...(await openOrClose(orm, () => open(access))),
    listen: async (channel, onPayload, onGap) => {
      const stop = await client.listen(channel, onPayload);
      onGap();
      return { close: () => stop() };
    },
    jobConnection: async () => ({ db: fromPglite(client), backend: 'pglite' }),
    close: () => orm.close(true),
  };
}

/** Says in one sentence why a database does not let us in, before the ORM tries and says more. */
async function requireReachable(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECTION_TIMEOUT_MILLISECONDS });
  try {
    await client.connect();
  } catch (error) {
    throw new ConfigError(`DATABASE_URL names a database that cannot be used: ${(error as Error).message || (error as NodeJS.ErrnoException).code}.`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function openPostgreSql(url: string, parts: DatabaseParts, { subscriber, open }: ReturnType<typeof sealing>): Promise<Database> {
  await requireReachable(url);
  const orm = await PostgreSqlORM.init({
    ...ormOptions(parts, subscriber),
    clientUrl: url,
    pool: { min: 0, max: POOL_SIZE },
    driverOptions: {
      statement_timeout: STATEMENT_TIMEOUT_MILLISECONDS,
      query_timeout: STATEMENT_TIMEOUT_MILLISECONDS + MILLISECONDS_OF_GRACE,
      connectionTimeoutMillis: CONNECTION_TIMEOUT_MILLISECONDS,
      keepAlive: true,
    },
  });
  const em = orm.em as unknown as SqlEntityManager;
  await em.fork().transactional(async (holder) => {
    await holder.execute('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
    await orm.migrator.up();
  });
  const access = accessTo(em);
  return {
    kind: 'postgresql',
    ...access,
    ...(await openOrClose(orm, () => open(access))),
    listen: (channel, onPayload, onGap) => listenPostgreSql(url, channel, onPayload, onGap),
    jobConnection: async () => ({ connectionString: url, connectionTimeoutMillis: CONNECTION_TIMEOUT_MILLISECONDS, max: JOB_POOL_SIZE }),
    close: () => orm.close(true),
  };
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

function accessTo(em: SqlEntityManager): Pick<Database, 'scoped' | 'owner' | 'read'> {
  const scoped = (organizationId: string): SqlEntityManager => {
    const fork = em.fork({ session: { role: TENANT_ROLE } });
    fork.setFilterParams('tenant', { organizationId });
    return fork;
  };
  return {
    scoped,
    owner: () => em.fork(),
    read: (organizationId, query) => scoped(organizationId).transactional((transaction) => query(transaction.getKysely() as never), { readOnly: true }),
  };
}
