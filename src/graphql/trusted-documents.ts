import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse } from 'graphql';
import { ConfigError } from '../core/config.js';
import { pageOperations } from './pages.js';

/** The operations that may run, by the SHA-256 of their text. */
export type TrustedDocuments = ReadonlyMap<string, string>;

/** The hash that Apollo's persisted queries name a document by. */
export function hashOf(document: string): string {
  return createHash('sha256').update(document).digest('hex');
}

/**
 * Reads a manifest: Apollo's (`{ format: "apollo-persisted-query-manifest", operations: [{ id, body }] }`) or an object of
 * documents by their hash, as GraphQL Code Generator writes it. What the hosted page asks is trusted beside it: the page is the
 * gateway's own. Throws ConfigError with one sentence.
 */
export async function readTrustedDocuments(path: string): Promise<TrustedDocuments> {
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`TRUSTED_DOCUMENTS names a file that ${error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'}: ${path}.`);
  }
  const documents = new Map<string, string>();
  for (const [hash, document] of entriesOf(manifest)) documents.set(hash, checked(hash, document));
  if (documents.size === 0) throw new ConfigError('TRUSTED_DOCUMENTS names a manifest without operations: nothing could be asked.');
  for (const [hash, document] of entriesOf(JSON.parse(await pageOperations()))) documents.set(hash, checked(hash, document));
  return documents;
}

function entriesOf(manifest: unknown): (readonly [string, unknown])[] {
  if (!isRecord(manifest)) throw new ConfigError('TRUSTED_DOCUMENTS must name a manifest: a JSON object of documents by their SHA-256, or an Apollo persisted query manifest.');
  if (!('format' in manifest)) return Object.entries(manifest);
  const { operations } = manifest;
  if (manifest['format'] !== 'apollo-persisted-query-manifest' || !Array.isArray(operations)) {
    throw new ConfigError('TRUSTED_DOCUMENTS names a manifest of a format that is not known: apollo-persisted-query-manifest is.');
  }
  return operations.map((operation: unknown, index) => {
    if (!isRecord(operation)) throw new ConfigError(`TRUSTED_DOCUMENTS has an operation that is no object: number ${index + 1}.`);
    return [String(operation['id']), operation['body']] as const;
  });
}

function checked(hash: string, document: unknown): string {
  if (typeof document !== 'string' || hashOf(document) !== hash) {
    throw new ConfigError(`TRUSTED_DOCUMENTS has a document that is not the one of its hash: ${JSON.stringify(hash)} must be the SHA-256 of the document's text, in hexadecimal.`);
  }
  try {
    parse(document);
  } catch (error) {
    throw new ConfigError(`TRUSTED_DOCUMENTS has a document that is no GraphQL: ${hash}: ${(error as Error).message}.`);
  }
  return document;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
