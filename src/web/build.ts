import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { generate } from '@graphql-codegen/cli';
import { stringifyDocument } from 'urql';
import { build, runnerImport } from 'vite';
import codegen from './codegen.ts';

// Builds the pages into dist/web, when their sources, the schema or a dependency have changed since they were built.

const WEB = import.meta.dirname;
const ROOT = join(WEB, '..', '..');
const GENERATED = join(WEB, 'generated');
const DIGEST = join(ROOT, 'dist', 'web', '.digest');

/** Every file that the pages are made of, in a fixed order. */
function sources(): string[] {
  const own = readdirSync(WEB, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(GENERATED))
    .map((entry) => join(entry.parentPath, entry.name));
  return [...own, join(ROOT, 'schema.graphql'), join(ROOT, 'package-lock.json')].sort();
}

function digestOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(ROOT.length)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Writes each file of the page compressed beside itself, once and as well as can be, for the gateway to choose from. */
function compress(folder: string): void {
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name));
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content));
    writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
  }
}

/** Writes the operations of the page by the SHA-256 of the text that it sends: what a gateway with trusted documents lets it ask. */
async function listOperations(): Promise<void> {
  const { module } = await runnerImport<Record<string, unknown>>(join(GENERATED, 'graphql.ts'), { configFile: false });
  const sent = Object.values(module).filter((exported) => exported instanceof String).map((document) => stringifyDocument(document.toString()));
  const byHash = sent.map((text) => [createHash('sha256').update(text).digest('hex'), text]);
  writeFileSync(join(ROOT, 'dist', 'web', 'verify', 'operations.json'), JSON.stringify(Object.fromEntries(byHash)));
}

const digest = digestOf(sources());
if (!existsSync(DIGEST) || readFileSync(DIGEST, 'utf8') !== digest) {
  await generate({ ...codegen, silent: true });
  await build({ configFile: join(WEB, 'vite.config.ts') });
  await build({ configFile: join(WEB, 'embed', 'vite.config.ts') });
  await listOperations();
  compress(join(ROOT, 'dist', 'web', 'verify', 'assets'));
  writeFileSync(DIGEST, digest);
}
