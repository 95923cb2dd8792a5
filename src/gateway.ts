// Before what looks at it.
import './production.js';
// And then: the decorators of every floor need it.
import 'reflect-metadata';
import express from 'express';
import { CountedTrail } from './audit/counted-trail.js';
import { AuditResolver } from './audit/resolver.js';
import { AUDIT_OPENING_TABLE } from './core/audit-entry.js';
import { systemClock, type Clock } from './core/clock.js';
import type { Core } from './core/command.js';
import { isLoopback, type Config } from './core/config.js';
import type { KeyManagement } from './core/crypto/key-ring.js';
import { Erasures } from './core/crypto/erasures.js';
import { PlainSweep } from './core/crypto/plain-sweep.js';
import { openDatabase, type Database } from './core/database.js';
import { lockDirectory } from './core/directory-lock.js';
import { FreeSpace } from './core/free-space.js';
import { Jobs } from './core/jobs.js';
import { isReady } from './core/readiness.js';
import { KeyRetention } from './core/key-retention.js';
import { createLog, type Log } from './core/log.js';
import { EventStream } from './core/stream.js';
import { openTokenKey, type TokenKey } from './core/token-key.js';
import { CustomerEntity } from './customer/entity.js';
import { ErasureResolver } from './customer/erasure-resolver.js';
import { ExchangeLimit } from './customer/exchange-limit.js';
import { LegalHoldResolver } from './customer/hold-resolver.js';
import { CustomerRetention } from './customer/retention.js';
import { CustomerResolver } from './customer/resolver.js';
import { SessionResolver } from './customer/session-resolver.js';
import { CustomerTokenResolver } from './customer/token-resolver.js';
import { FileCheckResolver } from './document/checking-resolver.js';
import type { DocumentCommands } from './document/commands.js';
import { DocumentEntity, FileReadEntity, FileUploadEntity } from './document/entity.js';
import type { FileChecks } from './document/checking.js';
import type { FileLinks } from './document/links.js';
import { openDocumentParts } from './document/parts.js';
import { DocumentResolver, FileUploadResolver, IdentityDocumentResolver } from './document/resolver.js';
import { RevealResolver } from './document/reveal-resolver.js';
import { CustomerStatusChangeResolver, DocumentStatusChangeResolver, IdentityStatusChangeResolver, SubscriptionResolver } from './event/resolver.js';
import { EventRetention } from './event/retention.js';
import { CustomerTimelineResolver, EventResolver, IdentityTimelineResolver } from './event/timeline-resolver.js';
import { authenticator } from './graphql/authentication.js';
import { deadline } from './graphql/deadline.js';
import { mountEventStream } from './graphql/event-stream.js';
import { explorer } from './graphql/explorer.js';
import { mountFiles } from './graphql/files.js';
import { mountPages } from './graphql/pages.js';
import { mountJwks } from './graphql/jwks.js';
import { requestScopes } from './graphql/request-log.js';
import { replayRepeats } from './graphql/idempotency.js';
import { ReviewerLogin } from './graphql/reviewer-login.js';
import { RootResolver } from './graphql/resolver.js';
import { buildGatewaySchema } from './graphql/schema.js';
import { answerUnreadable, crossOrigin, securityHeaders } from './graphql/http.js';
import { close, listen, openServer } from './graphql/http-server.js';
import { limitsWith, type Limits } from './graphql/limits.js';
import { addressLimited, GRAPHQL_PATH, jsonErrors, mountGraphql, notFoundRoute } from './graphql/server.js';
import { openTransports } from './graphql/transports.js';
import { mountWebSocket } from './graphql/sockets.js';
import { IdentityEntity } from './identity/entity.js';
import { CustomerIdentityResolver, IdentityResolver, ReviewResolver } from './identity/resolver.js';
import type { ProviderName } from './kyc/policy.js';
import { SEALED_TABLES } from './kyc/personal-data.js';
import { migrations } from './migrations/index.js';
import { demoKeys, type DemoKeys } from './organization/demo.js';
import { ApiKeyEntity, OrganizationEntity } from './organization/entity.js';
import { isEmbedder } from './organization/hosted-page.js';
import { HostedPageResolver } from './organization/page-resolver.js';
import { KeyUse } from './organization/key-use.js';
import { OpenConnections } from './organization/open-connections.js';
import { OrganizationResolver } from './organization/resolver.js';
import { Tokens } from './organization/tokens.js';
import { openDoor } from './operator/door.js';
import { SignatureEntity } from './signature/entity.js';
import { IdentitySignatureResolver, SignatureResolver } from './signature/resolver.js';
import { VerificationJobs } from './verification/jobs.js';
import { manualProvider } from './verification/manual.js';
import type { Provider } from './verification/provider.js';
import { CustomerRequirementResolver, DryRunResolver, IdentityRequirementResolver } from './verification/resolver.js';
import { sandboxProvider } from './verification/sandbox.js';
import { ATTEMPT_TIMEOUT_MILLISECONDS } from './webhook/delivery.js';
import { WebhookDispatcher } from './webhook/dispatcher.js';
import { deliveryErasing } from './webhook/erasing.js';
import { WebhookEndpointEntity } from './webhook/entity.js';
import { Outbound } from './webhook/outbound.js';
import { WebhookResolver } from './webhook/resolver.js';

const entities = [
  OrganizationEntity, ApiKeyEntity, CustomerEntity, IdentityEntity, DocumentEntity, FileUploadEntity, FileReadEntity, SignatureEntity, WebhookEndpointEntity,
];

/** What the database is opened with. */
export const databaseParts = { entities, migrations, sealedTables: [...SEALED_TABLES, AUDIT_OPENING_TABLE] };

/** What a caller of `startGateway` may put in the place of the real thing. */
export interface Overrides {
  clock?: Clock;
  log?: Log;
  /** Without them nothing happens by itself: advanceSandboxClock alone lets happen what is due. For tests that hold a status. */
  workers?: boolean;
  /** Who holds the key-encryption keys, in place of the key ring. */
  keyManagement?: KeyManagement;
  /** Who decides, by the name that policy gives it, in place of the gateway's own. */
  providers?: Partial<Record<ProviderName, Provider>>;
  /** Reaches the database otherwise: for tests that take a part of it away. */
  database?: (opened: Database) => Database;
  /** Other limits than the standard ones: for tests that reach them, and benchmarks that would. */
  limits?: Partial<Limits>;
  /** How long a receiver of webhooks may take. */
  webhookTimeoutMilliseconds?: number;
}

/** A gateway that is serving. */
export interface Gateway {
  url: string;
  /** The keys of the Demo organization; null where there is none. */
  demoKeys: DemoKeys | null;
  /** Finishes what is under way and lets go of everything. */
  stop(): Promise<void>;
}

/** Starts everything, in the order of the house: database, jobs, schema, transports. What had started is stopped again if a later part fails. */
export async function startGateway(config: Config, overrides: Overrides = {}): Promise<Gateway> {
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const log = overrides.log ?? createLog(config);
    undo.push(await lockDirectory(config.dataDirectory));
    const tokenKey = await openTokenKey(config);
    const opened = await openDatabase(config, databaseParts, log, overrides.keyManagement);
    undo.push(() => opened.close());
    const database = overrides.database?.(opened) ?? opened;
    const parts = await openParts(config, { database, tokenKey }, overrides, log, undo);
    const keys = config.databaseUrl === null ? await demoKeys(parts.core, config.dataDirectory) : null;
    if (config.databaseUrl === null) undo.push(await openDoor(parts.core, config.dataDirectory));
    const url = await serve(config, parts, { keys, limits: limitsWith(overrides.limits ?? {}) }, undo);
    if (overrides.workers ?? true) {
      await parts.core.jobs.work();
      for (const work of parts.background) await work.start();
    }
    return { url, demoKeys: keys, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Background {
  start(): void | Promise<void>;
  stop(): Promise<void>;
}

interface Parts {
  core: Core;
  documents: DocumentCommands;
  checks: FileChecks;
  links: FileLinks;
  events: EventStream;
  connections: OpenConnections;
  /** What goes on by itself beside the jobs. */
  background: readonly Background[];
  webhooks: WebhookDispatcher;
  tokenKey: TokenKey;
  tokens: Tokens;
  trail: CountedTrail;
}

/** Everything below the transports. */
async function openParts(config: Config, { database, tokenKey }: { database: Database; tokenKey: TokenKey }, overrides: Overrides, log: Log, undo: (() => Promise<void>)[]): Promise<Parts> {
  const providers = { SANDBOX: sandboxProvider(config.sandboxSpeed), MANUAL: manualProvider(), ...overrides.providers };
  const verification = new VerificationJobs(
    () => core,
    ({ environment, policy }) => providers[policy.provider ?? (environment === 'SANDBOX' ? 'SANDBOX' : 'MANUAL')],
    () => documents,
    () => fetches,
  );
  const customerRetention = new CustomerRetention(() => core);
  const jobs = await Jobs.open(database, [...verification.kinds(), customerRetention.kind(), deliveryErasing(() => core)], log);
  undo.push(() => jobs.stop());
  const space = new FreeSpace(config.dataDirectory, log);
  await space.start();
  undo.push(() => Promise.resolve(space.stop()));
  const events = new EventStream(database, log);
  const core: Core = { database, jobs, clock: overrides.clock ?? systemClock, log, allowPrivateUrls: config.allowPrivateUrls, space, ownEvents: events };
  const { documents, fetches, checks, links, background: ofFiles } = await openDocumentParts(config, core, tokenKey, undo);
  await events.start();
  undo.push(() => events.stop());
  const connections = new OpenConnections(database, core.clock, log, limitsWith(overrides.limits ?? {}).connections);
  await connections.start();
  undo.push(() => connections.stop());
  const erasures = new Erasures(database, (customerId) => connections.endCustomer(customerId));
  await erasures.start();
  undo.push(() => erasures.stop());
  const webhooks = new WebhookDispatcher(core, new Outbound(config.allowPrivateUrls), overrides.webhookTimeoutMilliseconds ?? ATTEMPT_TIMEOUT_MILLISECONDS);
  const background = [webhooks, ...ofFiles, new EventRetention(core), new PlainSweep(database.plainRows, log), new KeyRetention(core), customerRetention];
  for (const work of background) undo.push(() => work.stop());
  const trail = new CountedTrail(core);
  undo.push(() => trail.stop());
  database.vault.onBroken((place, customerId) => trail.sealBroken(place, customerId));
  const tokens = new Tokens(database, core.clock, tokenKey);
  return { core, documents, checks, links, events, connections, background, webhooks, trail, tokenKey, tokens };
}

/** The resolvers of every floor, each with what it needs. */
function resolversOf({ core, documents, checks, connections, links, webhooks, tokens }: Parts): object[] {
  return [
    new RootResolver(),
    new OrganizationResolver(core, connections),
    new HostedPageResolver(core),
    new AuditResolver(),
    new CustomerResolver(core),
    new CustomerTokenResolver(core, tokens, new ExchangeLimit()),
    new SessionResolver(core, tokens),
    new IdentityResolver(core),
    new ReviewResolver(core),
    new CustomerIdentityResolver(),
    new DocumentResolver(documents),
    new LegalHoldResolver(core),
    new ErasureResolver(core),
    new FileCheckResolver(checks),
    new RevealResolver(core),
    new FileUploadResolver(links),
    new IdentityDocumentResolver(),
    new SignatureResolver(core),
    new IdentitySignatureResolver(),
    new DryRunResolver(core),
    new IdentityRequirementResolver(),
    new CustomerRequirementResolver(),
    new SubscriptionResolver(),
    new CustomerStatusChangeResolver(),
    new IdentityStatusChangeResolver(),
    new DocumentStatusChangeResolver(),
    new EventResolver(),
    new CustomerTimelineResolver(),
    new IdentityTimelineResolver(),
    new WebhookResolver({ core, wake: (organizationId) => webhooks.wake(organizationId) }),
  ];
}

/** The schema without a gateway behind it: for printing. */
export function emptySchema() {
  return buildGatewaySchema(resolversOf({} as Parts), () => Promise.resolve());
}

/** What is served beside the parts below. */
interface Served {
  keys: DemoKeys | null;
  limits: Limits;
}

/** Begins to listen. @returns the URL that clients are told. */
async function serve(config: Config, parts: Parts, { keys, limits }: Served, undo: (() => Promise<void>)[]): Promise<string> {
  const { core, events, connections, trail, tokens } = parts;
  const { database, clock, log } = core;
  const schema = buildGatewaySchema(resolversOf(parts), async ({ caller }, operation) => {
    // The operator belongs to no organization, so to no trail; what is only rehearsed is not answered.
    if (caller.role !== 'OPERATOR' && !caller.rehearsal) await trail.refused({ actor: caller, operation, code: 'FORBIDDEN' });
  });
  replayRepeats(schema, core);
  const authenticate = authenticator(database, clock, { operatorKey: config.operatorKey, keys: connections.keys, tokens, keyUse: new KeyUse(database, clock, log), trail });
  const transports = await openTransports(config, { schema, database, events, connections, authenticate, limits, log });
  undo.push(() => transports.rateLimits.stop());
  const app = express();
  app.disable('x-powered-by').disable('etag');
  const httpServer = await openServer(config, app);
  answerUnreadable(httpServer, transports.http, log);
  app.use(requestScopes(log), securityHeaders(transports.http), crossOrigin(transports.http));
  app.get('/health/live', (_request, response) => void response.json({ status: 'live' }));
  app.get('/health/ready', (_request, response, next) => {
    isReady(database).then((ready) => void response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'unavailable' }), next);
  });
  app.use(addressLimited(transports), deadline(log));
  mountJwks(app, parts.tokenKey);
  if (config.explorer) app.use(explorer({ demoKeys: () => keys, hostIsLoopback: isLoopback(config.host), endpointPath: GRAPHQL_PATH }));
  const cutStreams = mountEventStream(app, transports);
  undo.push(await mountGraphql(app, transports));
  mountFiles(app, parts.links);
  mountPages(app, { isEmbedder: (origin) => isEmbedder(database, origin) });
  const login = config.oidc && new ReviewerLogin(core, config.oidc);
  login?.mount(app);
  app.use(notFoundRoute);
  app.use(jsonErrors(log));
  const closeSockets = mountWebSocket(httpServer, transports);
  const url = await listen(httpServer, config);
  undo.push(() => close(httpServer), cutStreams, closeSockets);
  parts.links.serveAt(url);
  parts.tokens.issueFrom(url);
  login?.serveAt(url);
  return url;
}
