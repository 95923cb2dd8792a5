import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { TOKEN_KEY } from './token-key.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a migrated, empty database of this kind lies: a directory, or the URL of a template database. */
    template: string;
  }
}

/** Makes the database that every test file copies, once a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { startGateway } = await import('../../src/gateway.js');
  const { readConfig } = await import('../../src/core/config.js');
  const directory = await mkdtemp(join(tmpdir(), 'kyc-template-'));
  const serverUrl = project.name.endsWith('postgresql') ? process.env['TEST_DATABASE_URL'] : undefined;
  const url = serverUrl === undefined ? undefined : await createDatabase(serverUrl, `kyc_template_${process.pid}`);
  const gateway = await startGateway(readConfig({ PORT: '0', DATA_DIR: directory, LOG_LEVEL: 'silent', DATABASE_URL: url, TOKEN_KEY }));
  await gateway.stop();
  project.provide('template', url ?? directory);
  return async () => {
    if (serverUrl !== undefined && url !== undefined) await dropDatabase(serverUrl, new URL(url).pathname.slice(1));
    await rm(directory, { recursive: true });
  };
}

/** Creates a database on the server, from a template if one is named. @returns its URL. */
export async function createDatabase(serverUrl: string, name: string, template?: string): Promise<string> {
  await onServer(serverUrl, `create database "${name}"${template === undefined ? '' : ` template "${template}"`}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await onServer(serverUrl, `drop database if exists "${name}" with (force)`);
}

async function onServer(serverUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
