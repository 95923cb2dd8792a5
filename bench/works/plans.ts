import { readFile } from 'node:fs/promises';
import type { Bench, Work } from '../bench.ts';
import { cursorOf, customerBodies, pageBody, pageStart } from '../bench.ts';
import { serveGateway, type Server } from '../contenders/server.ts';
import { single } from '../measure/statistics.ts';
import { creations } from './flows.ts';
import { measureFlows } from './full-flow.ts';

/** Tables that grow with customers and with what they do. The others grow with organizations, their keys and endpoints. */
const GROWING = [
  'customer', 'identity', 'document', 'file_upload', 'signature', 'data_key', 'event', 'audit_entry', 'audit_opening', 'idempotency_key', 'file_read', 'webhook_delivery', 'job', 'job_common',
] as const;

/** Rows from which a table's own plans are looked at. Of a smaller one it is looked at whether there is another way than to read all of it. */
const LARGE = 5_000;

/** What PostgreSQL writes of every plan (auto_explain). */
const EXPLAIN = { session_preload_libraries: 'auto_explain', 'auto_explain.log_min_duration': '0', 'auto_explain.log_nested_statements': 'on' } as const;

/** A scan that reads all of a table, with the statement that it is of. */
const PLAN = /plan:\n\tQuery Text: ([\s\S]*?)(?=\n\d{4}-\d\d-\d\d )/g;
const SCAN = /Seq Scan on (?:\w+\.)?(\w+)/g;
const CONNECTIONS = 8;
const FLOWS = 40;

/** Asks everything of the measured paths, of a gateway whose plans are written to the log. */
async function walk(bench: Bench, server: Server): Promise<void> {
  const callers = bench.dataset.organizations.map(({ apiKey }) => ({ authorization: `Bearer ${apiKey}` }));
  const after = pageStart(bench, 3);
  const reads = [...customerBodies(bench).slice(0, FLOWS), pageBody(null), pageBody(after === null ? null : cursorOf(after))].map((body) => [{ body }]);
  for (const order of [{ flows: reads, headers: [server.headers] }, { flows: creations(), headers: callers }]) {
    const outcome = await bench.load.run({ url: server.url, connections: CONNECTIONS, amount: FLOWS, ...order });
    if (outcome.errors > 0) throw new Error(`${outcome.errors} requests failed, first with ${outcome.firstError}`);
  }
}

/** The plans of everything that is asked on the way, under settings of the database. */
async function plansOf(bench: Bench, database: string, settings: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [name, value] of Object.entries(settings)) await bench.cluster.psql('postgres', `alter database ${database} set ${name} = '${value}'`);
  // Another gateway is at this database, whose connections keep the settings that they began with.
  await bench.cluster.psql('postgres', `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`);
  const server = await serveGateway(bench.cluster.url(database), bench.dataset.secrets, bench.largest.apiKey);
  // A start looks over whole tables, once.
  const begun = (await readFile(bench.cluster.logPath)).length;
  try {
    await walk(bench, server);
  } finally {
    await server.stop();
    for (const name of Object.keys(settings)) await bench.cluster.psql('postgres', `alter database ${database} reset ${name}`);
  }
  const log = (await readFile(bench.cluster.logPath)).subarray(begun).toString();
  const texts = [...log.matchAll(PLAN)].map(([, text = '']) => text);
  if (texts.length === 0) throw new Error('PostgreSQL has written no plans');
  return texts;
}

/** The scans that read all of one of these tables. */
function scansOf(texts: readonly string[], tables: readonly string[]): { table: string; text: string }[] {
  return texts.flatMap((text) => [...text.matchAll(SCAN)].flatMap(([, table = '']) => (tables.includes(table) ? [{ table, text }] : [])));
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
    const scans = [...scansOf(asPlanned, large), ...scansOf(withIndexes, GROWING)];
    for (const { table, text } of scans) console.error(`A sequential scan of ${table}: ${text.slice(0, 1_500)}`);
    if (scans.length > 0) process.exitCode = 1;
    return {
      name: 'plans',
      title: 'How every statement of these paths is planned',
      about: `PostgreSQL wrote ${texts.length.toLocaleString('en')} plans of Q1, Q2, M1 and what the jobs do after it (auto_explain), half of them with sequential scans discouraged: what then reads all of a table has no other way. None may read all of one that grows: ${GROWING.join(', ')}.`,
      rows: [],
      goals: [{ name: 'plans: sequential scans of a table that grows', value: single(scans.length), limit: 0, better: 'lower', isAbsolute: true }],
    };
  },
};
