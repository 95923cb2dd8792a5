import { defineConfig } from 'vitest/config';

/** Suites that speak to a running gateway: on each database that is there. */
const GATEWAY_SUITES = ['test/gateway/**/*.test.ts'];
const databases = process.env['TEST_DATABASE_URL'] ? ['pglite', 'postgresql'] : ['pglite'];
if (databases.length === 1) console.log('Left out: the suites on PostgreSQL (TEST_DATABASE_URL names no server).');

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
      { ...shared, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: GATEWAY_SUITES, ...limits } },
      ...databases.map((database) => ({
        ...shared,
        test: { name: database, include: GATEWAY_SUITES, globalSetup: ['test/support/databases.ts'], env: { TEST_DATABASE: database }, ...limits },
      })),
    ],
  },
});
