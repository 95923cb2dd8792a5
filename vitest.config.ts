import { defineConfig } from 'vitest/config';
import { CHROMIUM } from './test/support/chromium.js';

/** Suites that speak to a running gateway: on each database that is there. */
const GATEWAY_SUITES = ['test/gateway/**/*.test.ts'];
const databases = process.env['TEST_DATABASE_URL'] ? ['pglite', 'postgresql'] : ['pglite'];
if (databases.length === 1) console.log('Left out: the suites on PostgreSQL (TEST_DATABASE_URL names no server).');
/** Suites that need a server beside the gateway, and the variable that names it. */
const SERVED_SUITES = [
  { variable: 'TEST_STORAGE_URL', title: 'S3', suites: ['test/s3/**/*.test.ts', 'test/gateway/s3-*.test.ts'] },
  // Parts of test/gateway/limits-reached.test.ts.
  { variable: 'TEST_REDIS_URL', title: 'Redis', suites: [] },
  { variable: 'TEST_CLAMD_URL', title: 'the virus scanner', suites: ['test/gateway/clamd-*.test.ts'] },
];
const missing = SERVED_SUITES.filter(({ variable }) => !process.env[variable]);
for (const { variable, title } of missing) console.log(`Left out: the suites on ${title} (${variable} names no server).`);
const leftOut = missing.flatMap(({ suites }) => suites);

/** Suites that open the hosted page in a browser. */
const BROWSER_SUITES = ['test/browser/**/*.test.ts'];
if (CHROMIUM === null) console.log('Left out: the suites in a browser (no Chromium is installed; CHROMIUM_PATH may name one).');

/** What is run by `npm run faults` alone: it takes long, and kills what it runs. */
const FAULT_SUITES = ['test/faults/**/*.test.ts'];
const LONGEST_FAULT_MILLISECONDS = 3_600_000;

const shared = {
  // Two copies of graphql in one process do not know each other's types.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
};
const limits = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  ...shared,
  test: {
    maxWorkers: 2,
    projects: [
      { ...shared, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...GATEWAY_SUITES, ...BROWSER_SUITES, ...FAULT_SUITES, ...leftOut], ...limits } },
      ...databases.map((database) => ({
        ...shared,
        test: { name: database, include: GATEWAY_SUITES, exclude: leftOut, globalSetup: ['test/support/databases.ts'], env: { TEST_DATABASE: database }, ...limits },
      })),
      ...(CHROMIUM === null ? [] : [{
        ...shared,
        test: { name: 'browser', include: BROWSER_SUITES, globalSetup: ['test/support/databases.ts'], env: { TEST_DATABASE: 'pglite' }, ...limits },
      }]),
      ...(process.env['FAULTS'] ? faults() : []),
    ],
  },
});

/** The suites of faults: against a gateway on each database, and against the program as a process. */
function faults(): object[] {
  const long = { testTimeout: LONGEST_FAULT_MILLISECONDS, hookTimeout: LONGEST_FAULT_MILLISECONDS, disableConsoleIntercept: true };
  return [
    ...databases.map((database) => ({
      ...shared,
      test: { name: `faults-${database}`, include: ['test/faults/gateway/**/*.test.ts'], globalSetup: ['test/support/databases.ts'], env: { TEST_DATABASE: database }, ...long },
    })),
    { ...shared, test: { name: 'faults', include: ['test/faults/process/**/*.test.ts'], ...long } },
  ];
}
