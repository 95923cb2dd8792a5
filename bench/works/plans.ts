import { readFile } from 'node:fs/promises';
import type { Bench, Work } from '../bench.ts';
import { cursorOf, customerBodies, pageBody, pageStart } from '../bench.ts';
import { PAGE } from '../contenders/fields.ts';
import type { Server } from '../contenders/server.ts';
import type { Order } from '../load/order.ts';
import { single } from '../measure/statistics.ts';
import { creations } from './flows.ts';
import { measureFlows, openFlows } from './full-flow.ts';
import { deepPage } from './reading.ts';

/** Tables that grow with customers and with what they do. The others grow with organizations, their keys and endpoints. */
const GROWING = [
  'customer', 'identity', 'document', 'file_upload', 'signature', 'data_key', 'event', 'audit_entry', 'audit_opening', 'idempotency_key', 'file_read', 'webhook_delivery', 'job', 'job_common',
] as const;

/** Rows from which a table's own plans are looked at. Of a smaller one it is looked at whether there is another way than to read all of it. */
const LARGE = 5_000;

/** What PostgreSQL writes of every plan (auto_explain). */
const EXPLAIN = { session_preload_libraries: 'auto_explain', 'auto_explain.log_min_duration': '0', 'auto_explain.log_nested_statements': 'on' } as const;

/** A plan, with the statement that it is of. */
const PLAN = /plan:\n\tQuery Text: ([\s\S]*?)(?=\n\d{4}-\d\d-\d\d |$)/g;

/** The paths whose plans are looked at, in the order that they are walked. */
const PATHS = ['Q1', 'Q2', 'M1', 'E1'] as const;
type Path = (typeof PATHS)[number];

/** A statement, and what it is. */
type Statement = readonly [what: string, statement: RegExp];

/** What a customer is read with, in the same statement. */
const RELATIONS = '.* from identity where .* from document where .* from signature where .* from file_upload where ';
/** How a page begins with the newest. */
const NEWEST = 'order by id collate "POSIX" desc limit ';
/** Of every customer that comes with an attempt. */
const CREATED: readonly Statement[] = [
  ['the Idempotency-Key', /insert into idempotency_key /],
  ['a new data key', /^insert into data_key /],
  ['a new customer', /^insert into customer /],
  ['a new identity', /^insert into identity /],
  ['audit trail and events', /insert into audit_entry .* insert into audit_opening .* insert into event /],
  ['a new job', /insert into pgboss\.job_common .*'verification\.continue' as name/i],
];

/** What each path has to have been seen with: one that is not walked any longer, or asks in other words, is not to pass unseen. */
const REQUIRED: Readonly<Record<Path, readonly Statement[]>> = {
  Q1: [['a customer by its id, and what is looked ahead for', new RegExp(`from customer where organization_id = \\$1 and id = any\\(\\$2\\)${RELATIONS}`)]],
  Q2: [
    ['the first page by status, and what is looked ahead for', new RegExp(`from customer where organization_id = \\$1 and status = \\$2 and true ${NEWEST}${RELATIONS}`)],
    ['a page by status and cursor, and what is looked ahead for', new RegExp(`from customer where organization_id = \\$1 and status = \\$2 and id collate "POSIX" < \\$3 and true ${NEWEST}${RELATIONS}`)],
    ['a page whatever the status', new RegExp(`from customer where organization_id = \\$1 and true ${NEWEST}`)],
  ],
  M1: CREATED,
  E1: [
    ...CREATED,
    ['a job taken', /from pgboss\.job_common j where j\.name = 'verification\.continue'/i],
    ['a job done', /update pgboss\.job_common j set .*state = 'completed'/i],
    ['an attempt’s next status', /^update identity set status = /],
    ['a signature', /^insert into signature /],
    ['the approval', /^update customer set status = .* verified_at = /],
    ['events for a subscription', /from organization_ledger as ledger left join lateral \( ?select event\.\*/],
    ['endpoints to notify', /from webhook_endpoint where organization_id = /],
  ],
};

/** A scan that reads all of a table. */
const SCAN = /Seq Scan on (?:\w+\.)?(\w+)/g;
/** A scan of an index, with what it finds by it and what it passes over then: on the next lines, where there is any. */
const INDEX_SCAN = /Index(?: Only)? Scan(?: Backward)? using \w+ on (?:\w+\.)?(\w+).*(?:\n\s*Index Cond: (.*))?(?:\n\s*Filter: (.*))?/g;
/** What is asked for as one value, by which rows are found; of an index without such it is walked over a range. */
const VALUE = ' = ';
const ORGANIZATION = 'organization_id';
/** A page of all customers, whatever their status. */
const UNFILTERED = JSON.stringify({ query: `{ customers(first: ${PAGE}) { nodes { id status } pageInfo { hasNextPage } } }` });
const CONNECTIONS = 8;
/** How often each path is walked: PostgreSQL plans a prepared statement anew five times before it may keep one plan for all. */
const WALKS = 40;

/** Asks a server these in turn, as often as each path is walked. Throws where a single one fails. */
async function ask(bench: Bench, { url }: Server, headers: Order['headers'], flows: Order['flows']): Promise<void> {
  const { errors, firstError } = await bench.load.run({ url, headers, flows, connections: CONNECTIONS, amount: WALKS, isLookedAt: true });
  if (errors > 0) throw new Error(`${errors} requests failed, first with ${firstError}`);
}

/** Asks everything of a path, of a gateway whose plans are written to the log. */
const WALK: Readonly<Record<Path, (bench: Bench, server: Server) => Promise<void>>> = {
  Q1: (bench, server) => ask(bench, server, [server.headers], customerBodies(bench).map((body) => [{ body }])),
  async Q2(bench, server) {
    const pages = [1, 2, deepPage(bench)].map((page) => pageStart(bench, page)).map((after) => pageBody(after === null ? null : cursorOf(after)));
    // Each by itself: of what is asked beside others, chance says how often.
    for (const body of [...pages, UNFILTERED]) await ask(bench, server, [server.headers], [[{ body }]]);
  },
  M1: (bench, server) => ask(bench, server, bench.dataset.organizations.map(({ apiKey }) => ({ authorization: `Bearer ${apiKey}` })), creations()),
  async E1(bench, server) {
    const flow = await openFlows(bench, server);
    await flow(WALKS);
  },
};

/** The plans of everything that is asked on the way, under settings of the database. Throws where a path lacks one. */
async function plansOf(bench: Bench, database: string, settings: Readonly<Record<string, string>>): Promise<string[]> {
  // Connections keep the settings that they began with: no gateway is at this database while they change.
  await bench.stopServers();
  for (const [name, value] of Object.entries(settings)) await bench.cluster.psql('postgres', `alter database ${database} set ${name} = '${value}'`);
  const begun: number[] = [];
  try {
    // A start looks over whole tables, once: what it asks is not looked at.
    const server = await bench.server('fast sandbox', database);
    for (const path of PATHS) {
      begun.push((await readFile(bench.cluster.logPath)).length);
      await WALK[path](bench, server);
    }
  } finally {
    await bench.stopServers();
    for (const name of Object.keys(settings)) await bench.cluster.psql('postgres', `alter database ${database} reset ${name}`);
  }
  // The last path's jobs go on until the gateway has ended.
  const log = await readFile(bench.cluster.logPath);
  return PATHS.flatMap((path, place) => {
    const texts = [...log.subarray(begun[place], begun[place + 1]).toString().matchAll(PLAN)].map(([, text = '']) => text);
    requireAllOf(path, texts);
    return texts;
  });
}

/** Throws where plans of a path lack one of its statements. */
function requireAllOf(path: Path, texts: readonly string[]): void {
  const statements = [...new Set(texts.map((text) => text.replace(/\s+/g, ' ').trim()))];
  const missing = REQUIRED[path].filter(([, statement]) => !statements.some((text) => statement.test(text))).map(([what]) => what);
  if (missing.length > 0) throw new Error(`${path}: ${texts.length} plans, and none of ${missing.join('; of ')}`);
}

/** A plan, and the table of which it reads too much. */
interface Reading {
  table: string;
  text: string;
}

/** The plans that read all of one of these tables. */
function scansOf(texts: readonly string[], tables: readonly string[]): Reading[] {
  return texts.flatMap((text) => [...text.matchAll(SCAN)].flatMap(([, table = '']) => (tables.includes(table) ? [{ table, text }] : [])));
}

/** The plans that walk over the rows of all organizations in one of these tables, to leave one's. */
function walksOf(texts: readonly string[], tables: readonly string[]): Reading[] {
  return texts.flatMap((text) => [...text.matchAll(INDEX_SCAN)].flatMap(([, table = '', found = '', left = '']) => (tables.includes(table) && !found.includes(VALUE) && left.includes(ORGANIZATION) ? [{ table, text }] : [])));
}

export const plans: Work = {
  name: 'plans',
  async run(bench) {
    const database = 'flows';
    // On rows of before, so that the planner knows tables that were empty when they were made.
    await measureFlows(bench, [database], 1);
    await bench.cluster.psql(database, 'analyze');
    const names = GROWING.map((name) => `'${name}'`).join(', ');
    const large = (await bench.cluster.psql(database, `select relname from pg_class where reltuples >= ${LARGE} and relname in (${names})`)).split('\n');
    const asPlanned = await plansOf(bench, database, EXPLAIN);
    const withIndexes = await plansOf(bench, database, { ...EXPLAIN, enable_seqscan: 'off' });
    const texts = [...asPlanned, ...withIndexes];
    const readings = [...scansOf(asPlanned, large), ...scansOf(withIndexes, GROWING), ...walksOf(texts, large)];
    for (const { table, text } of readings) console.error(`${table} is read whole, or walked over: ${text.slice(0, 1_500)}`);
    if (readings.length > 0) process.exitCode = 1;
    return {
      name: 'plans',
      title: 'How every statement of these paths is planned',
      about: `PostgreSQL wrote ${texts.length.toLocaleString('en')} plans (auto_explain) of Q1; of Q2 by its first page, the one after it by cursor, one deep in the list and one whatever the status; of M1; and of E1, from createCustomer over a signature to ACTIVE, with the jobs and a subscription to it. It wrote half of them with sequential scans discouraged: what then reads all of a table has no other way. None may read all of one that grows, nor walk by an index over the rows of all organizations to find one’s: ${GROWING.join(', ')}.`,
      rows: [],
      goals: [{ name: 'plans: scans of a table that grows, sequential or over all organizations', value: single(readings.length), limit: 0, better: 'lower', isAbsolute: true }],
    };
  },
};
