import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { generate } from '@graphql-codegen/cli';
import { build } from 'vite';
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

const digest = digestOf(sources());
if (!existsSync(DIGEST) || readFileSync(DIGEST, 'utf8') !== digest) {
  await generate({ ...codegen, silent: true });
  await build({ configFile: join(WEB, 'vite.config.ts') });
  await build({ configFile: join(WEB, 'embed', 'vite.config.ts') });
  compress(join(ROOT, 'dist', 'web', 'verify', 'assets'));
  writeFileSync(DIGEST, digest);
}
