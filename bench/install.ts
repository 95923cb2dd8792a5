import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Installs what only the benchmarks need, where it is absent or was installed from another lockfile.

const directory = fileURLToPath(new URL('.', import.meta.url));
const lockfile = readFileSync(`${directory}package-lock.json`, 'utf8');
const installed = `${directory}node_modules/.installed-lock.json`;

if (!existsSync(installed) || readFileSync(installed, 'utf8') !== lockfile) {
  console.error('Installing what the benchmarks need into bench/node_modules …');
  const { status } = spawnSync('npm', ['ci', '--prefix', directory, '--loglevel', 'error'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(installed, lockfile);
}
