import { defineConfig } from 'vitest/config';

/** Suites that speak to a running gateway: on each database that is there. */
const GATEWAY_SUITES = ['test/gateway/**/*.test.ts'];
const databases = process.env['TEST_DATABASE_URL'] ? ['pglite', 'postgresql'] : ['pglite'];
if (databases.length === 1) console.log('Left out: the suites on PostgreSQL (TEST_DATABASE_URL names no server).');
/** Suites that need a server which speaks S3. */
const STORAGE_SUITES = ['test/s3/**/*.test.ts', 'test/gateway/s3-*.test.ts'];
const leftOut = process.env['TEST_STORAGE_URL'] ? [] : STORAGE_SUITES;
if (leftOut.length > 0) console.log('Left out: the suites on S3 (TEST_STORAGE_URL names no bucket).');

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
      { ...shared, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...GATEWAY_SUITES, ...leftOut], ...limits } },
      ...databases.map((database) => ({
        ...shared,
        test: { name: database, include: GATEWAY_SUITES, exclude: leftOut, globalSetup: ['test/support/databases.ts'], env: { TEST_DATABASE: database }, ...limits },
      })),
    ],
  },
});
