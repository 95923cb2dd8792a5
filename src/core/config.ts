import { join, resolve } from 'node:path';
import { areProxies } from './caller-address.js';
import { parseScannerUrl, type ScannerAddress } from './scanner-address.js';
import { parseStorageUrl, type StorageLocation } from './storage-location.js';

/** Which queries are compiled: those that are asked often, all, or none. */
export const COMPILED_QUERIES = ['often', 'always', 'never'] as const;
export type CompiledQueries = (typeof COMPILED_QUERIES)[number];

/** What the gateway runs with, read once from the environment (README.md, Configuration). */
export interface Config {
  host: string;
  port: number;
  /** Null: derived from the port that was bound. */
  publicUrl: string | null;
  /** Null: the embedded database in dataDirectory. */
  databaseUrl: string | null;
  dataDirectory: string;
  storage: StorageLocation;
  /** Null: files are not scanned for viruses. */
  scanner: ScannerAddress | null;
  operatorKey: string | null;
  /** The Ed25519 key (JWK) that tokens are signed with; null: one is made and kept in dataDirectory. */
  tokenKey: string | null;
  /** The key-encryption keys, newest first; null: one is made and kept in dataDirectory. */
  keyRing: string | null;
  /** Where reviewers sign in; null: nowhere. */
  oidc: OidcConfig | null;
  /** Whose word is taken for the address of a caller: addresses, networks, or loopback, linklocal and uniquelocal. */
  trustedProxies: readonly string[];
  /** Files of a certificate and its key, for HTTPS; null: HTTP. */
  tls: { certificate: string; key: string } | null;
  /** Origins of other sites whose pages may ask; `*` is all. */
  corsOrigins: readonly string[];
  /** Counts requests for all replicas; null: each counts its own. */
  redisUrl: string | null;
  /** Requests a minute. */
  requestsPerKey: number;
  requestsPerAddress: number;
  /** Failed authentications a minute. */
  failuresPerAddress: number;
  /** The file that lists the only operations that may run; null: any may. */
  trustedDocuments: string | null;
  /** Which queries are compiled; the others are interpreted. */
  compiledQueries: CompiledQueries;
  introspection: boolean;
  explorer: boolean;
  /** Divides the sandbox's delays. */
  sandboxSpeed: number;
  /** Whether URLs of callers may lead to private addresses and go without TLS: for tests and local development. */
  allowPrivateUrls: boolean;
  logLevel: LogLevel;
}

/** The OpenID provider that reviewers sign in at. */
export interface OidcConfig {
  issuer: URL;
  clientId: string;
  /** Null: a public client. */
  clientSecret: string | null;
  /** The claim of the ID token that names the reviewer's organization by its id. */
  organizationClaim: string;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A variable that is missing or malformed. `main` prints the sentence and exits with 1. */
export class ConfigError extends Error {}

const HIGHEST_PORT = 65_535;
/** Shorter keys could be guessed. */
const OPERATOR_KEY_LENGTH = 32;
/** Faster than this a delay of seconds is no delay at all. */
const HIGHEST_SANDBOX_SPEED = 1_000_000;

/** A minute's worth of what one process can answer at all: lower it to what your partners need. */
const REQUESTS_PER_KEY = 60_000;
/** Several keys behind one address. */
const REQUESTS_PER_ADDRESS = 120_000;
/** A service whose key was revoked goes on asking for a while; nobody guesses a key of 32 random bytes so. */
const FAILURES_PER_ADDRESS = 1_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the configuration. Throws ConfigError with one sentence that names the variable. */
export function readConfig(environment: Environment): Config {
  const databaseUrl = url(environment, 'DATABASE_URL', ['postgres:', 'postgresql:']);
  const dataDirectory = resolve(text(environment, 'DATA_DIR') ?? 'data');
  return {
    host: text(environment, 'HOST') ?? '127.0.0.1',
    port: port(environment),
    publicUrl: url(environment, 'PUBLIC_URL', ['http:', 'https:'])?.replace(/\/+$/, '') ?? null,
    databaseUrl,
    dataDirectory,
    storage: storage(environment, dataDirectory),
    scanner: scanner(environment),
    operatorKey: operatorKey(environment),
    tokenKey: tokenKey(environment, databaseUrl),
    keyRing: keyRing(environment, databaseUrl),
    oidc: oidc(environment),
    trustedProxies: trustedProxies(environment),
    tls: tls(environment),
    corsOrigins: corsOrigins(environment),
    redisUrl: url(environment, 'REDIS_URL', ['redis:', 'rediss:']),
    requestsPerKey: count(environment, 'RATE_LIMIT_PER_KEY', REQUESTS_PER_KEY),
    requestsPerAddress: count(environment, 'RATE_LIMIT_PER_ADDRESS', REQUESTS_PER_ADDRESS),
    failuresPerAddress: count(environment, 'RATE_LIMIT_FAILURES', FAILURES_PER_ADDRESS),
    trustedDocuments: text(environment, 'TRUSTED_DOCUMENTS'),
    compiledQueries: compiledQueries(environment),
    introspection: flag(environment, 'INTROSPECTION', databaseUrl === null),
    explorer: flag(environment, 'EXPLORER', databaseUrl === null),
    sandboxSpeed: sandboxSpeed(environment),
    allowPrivateUrls: flag(environment, 'ALLOW_PRIVATE_URLS', false),
    logLevel: logLevel(environment),
  };
}

/** Whether an address is reachable from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function text(environment: Environment, name: string): string | null {
  const value = environment[name]?.trim();
  return value ? value : null;
}

function port(environment: Environment): number {
  const value = text(environment, 'PORT') ?? '4000';
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > HIGHEST_PORT) throw new ConfigError(`PORT must be a whole number from 0 to ${HIGHEST_PORT}.`);
  return number;
}

function url(environment: Environment, name: string, protocols: readonly string[]): string | null {
  const value = text(environment, name);
  if (value === null) return null;
  if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
    throw new ConfigError(`${name} must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}.`);
  }
  return value;
}

function storage(environment: Environment, dataDirectory: string): StorageLocation {
  const value = text(environment, 'STORAGE_URL');
  if (value === null) return { directory: join(dataDirectory, 'documents') };
  const location = parseStorageUrl(value);
  if ('fault' in location) throw new ConfigError(`STORAGE_URL ${location.fault}`);
  return location;
}

function scanner(environment: Environment): ScannerAddress | null {
  const value = text(environment, 'CLAMD_URL');
  const address = value === null ? null : parseScannerUrl(value);
  if (value !== null && address === null) throw new ConfigError('CLAMD_URL must be tcp://host:port or unix:/path.');
  return address;
}

function operatorKey(environment: Environment): string | null {
  const value = text(environment, 'OPERATOR_KEY');
  if (value !== null && value.length < OPERATOR_KEY_LENGTH) {
    throw new ConfigError(`OPERATOR_KEY must be at least ${OPERATOR_KEY_LENGTH} characters long.`);
  }
  return value;
}

/** Replicas share one database and must share the key too: none of them may make its own. */
function tokenKey(environment: Environment, databaseUrl: string | null): string | null {
  const value = text(environment, 'TOKEN_KEY');
  if (value === null && databaseUrl !== null) throw new ConfigError('TOKEN_KEY must be set where DATABASE_URL is: the Ed25519 key, as a JWK, that all replicas sign tokens with.');
  return value;
}

/** As the token key: what one replica has encrypted all have to open. */
function keyRing(environment: Environment, databaseUrl: string | null): string | null {
  const value = text(environment, 'KEY_RING');
  if (value === null && databaseUrl !== null) throw new ConfigError('KEY_RING must be set where DATABASE_URL is: the keys, newest first, that personal data is encrypted under. `npm run gateway -- keys generate` prints one.');
  return value;
}

function trustedProxies(environment: Environment): string[] {
  const proxies = list(environment, 'TRUST_PROXY');
  if (!areProxies(proxies)) throw new ConfigError('TRUST_PROXY must be addresses or networks of proxies, or loopback, linklocal or uniquelocal, with commas between them.');
  return proxies;
}

function tls(environment: Environment): Config['tls'] {
  const [certificate, key] = [text(environment, 'TLS_CERT'), text(environment, 'TLS_KEY')];
  if (certificate !== null && key !== null) return { certificate, key };
  if (certificate !== null || key !== null) throw new ConfigError(`${certificate === null ? 'TLS_CERT' : 'TLS_KEY'} is missing: HTTPS needs TLS_CERT and TLS_KEY, each the name of a PEM file.`);
  return null;
}

/** Origins as browsers send them: without a path, in lower case. */
function corsOrigins(environment: Environment): string[] {
  return list(environment, 'CORS_ORIGINS').map((origin) => {
    if (origin !== '*' && (!URL.canParse(origin) || !/^https?:$/.test(new URL(origin).protocol) || new URL(origin).href !== `${new URL(origin).origin}/`)) {
      throw new ConfigError('CORS_ORIGINS must be origins such as https://app.example.com, with commas between them, or * for all.');
    }
    return origin === '*' ? origin : new URL(origin).origin;
  });
}

/** A whole number above 0. */
function count(environment: Environment, name: string, standard: number): number {
  const value = text(environment, name) ?? String(standard);
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new ConfigError(`${name} must be a whole number from 1 to 999999999.`);
  return Number(value);
}

/** What stands between commas. */
function list(environment: Environment, name: string): string[] {
  return (text(environment, name) ?? '').split(',').map((item) => item.trim()).filter((item) => item !== '');
}

function oidc(environment: Environment): OidcConfig | null {
  const issuer = url(environment, 'OIDC_ISSUER', ['http:', 'https:']);
  const clientId = text(environment, 'OIDC_CLIENT_ID');
  const clientSecret = text(environment, 'OIDC_CLIENT_SECRET');
  const organizationClaim = text(environment, 'OIDC_ORGANIZATION_CLAIM') ?? 'organization_id';
  if (issuer === null) {
    if (clientId !== null) throw new ConfigError('OIDC_ISSUER must be set where OIDC_CLIENT_ID is.');
    return null;
  }
  if (new URL(issuer).protocol === 'http:' && !isLoopback(new URL(issuer).hostname)) throw new ConfigError('OIDC_ISSUER must be an https:// URL.');
  if (clientId === null) throw new ConfigError('OIDC_CLIENT_ID must be set where OIDC_ISSUER is.');
  return { issuer: new URL(issuer), clientId, clientSecret, organizationClaim };
}

function sandboxSpeed(environment: Environment): number {
  const value = Number(text(environment, 'SANDBOX_SPEED') ?? '1');
  if (!(value > 0 && value <= HIGHEST_SANDBOX_SPEED)) {
    throw new ConfigError(`SANDBOX_SPEED must be a number above 0 and at most ${HIGHEST_SANDBOX_SPEED}.`);
  }
  return value;
}

function flag(environment: Environment, name: string, standard: boolean): boolean {
  const value = text(environment, name) ?? String(standard);
  if (value !== 'true' && value !== 'false') throw new ConfigError(`${name} must be true or false.`);
  return value === 'true';
}

function compiledQueries(environment: Environment): CompiledQueries {
  const value = text(environment, 'COMPILE_QUERIES') ?? 'often';
  const known = COMPILED_QUERIES.find((word) => word === value);
  if (!known) throw new ConfigError(`COMPILE_QUERIES must be one of ${COMPILED_QUERIES.join(', ')}.`);
  return known;
}

function logLevel(environment: Environment): LogLevel {
  const value = text(environment, 'LOG_LEVEL') ?? 'info';
  const level = LOG_LEVELS.find((known) => known === value);
  if (!level) throw new ConfigError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}.`);
  return level;
}
