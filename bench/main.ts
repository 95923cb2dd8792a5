import { uploads } from './uploads.ts';

/** The benchmarks by name; without a name all of them run. */
const BENCHMARKS: Readonly<Record<string, () => Promise<void>>> = { uploads };

const [wanted] = process.argv.slice(2);
const names = wanted === undefined ? Object.keys(BENCHMARKS) : [wanted];
for (const name of names) {
  const run = BENCHMARKS[name];
  if (!run) throw new Error(`There is no benchmark ${name}: ${Object.keys(BENCHMARKS).join(', ')}.`);
  await run();
}
