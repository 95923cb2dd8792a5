import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';

// Puts the program and its packages into dist/bundle/program.js, which dist/main.js runs, when either has changed since.

const ROOT = import.meta.dirname;
const BUNDLE = join(ROOT, 'dist', 'bundle');
const DIGEST = join(BUNDLE, '.digest');
/** What the compiler says that it has read, the packages' versions, and how they are put together. */
const INPUTS = ['dist/.tsbuildinfo', 'package-lock.json', 'bundle.ts'];
/** Packages that find files beside their own, native code or threads, or of which few gateways need anything. */
const APART = /^(?:sharp|@electric-sql\/pglite|altair-static|pino|pino-pretty|unpdf|@aws-sdk\/client-s3)(?:\/|$)/;

/**
 * Traces lead to the sources of the gateway's own code. What is of a package has its place in the bundle: to read where all of
 * it came from would keep whoever looks at a trace first, and all others, waiting for half a second.
 */
const tracesOfOurs: Plugin = {
  name: 'traces of ours',
  load: {
    filter: { id: /\.[cm]?js$/ },
    handler: (id) => {
      const isOurs = id.startsWith(join(ROOT, 'dist'));
      return { code: readFileSync(id, 'utf8'), map: isOurs ? readFileSync(`${id}.map`, 'utf8') : { mappings: '' } };
    },
  },
};

const hash = createHash('sha256');
for (const file of INPUTS) hash.update(readFileSync(join(ROOT, file)));
const digest = hash.digest('hex');
if (!existsSync(DIGEST) || !existsSync(join(BUNDLE, 'program.js')) || readFileSync(DIGEST, 'utf8') !== digest) {
  // What an end in between leaves is no build.
  rmSync(DIGEST, { force: true });
  const { build } = await import('rolldown');
  await build({
    input: join(ROOT, 'dist', 'program.js'),
    platform: 'node',
    external: APART,
    plugins: [tracesOfOurs],
    checks: { circularDependency: false },
    output: {
      dir: BUNDLE,
      // What is imported only when it is wanted stays in files of its own, and is read no sooner.
      chunkFileNames: '[name].js',
      // Entities and types are known by the names of their classes.
      keepNames: true,
      sourcemap: true,
      sourcemapExcludeSources: true,
    },
  });
  rmSync(join(BUNDLE, 'compiled'), { recursive: true, force: true, maxRetries: 3 });
  writeFileSync(DIGEST, digest);
}
