import { readFile, writeFile } from 'node:fs/promises';
import { withGeneratedParts } from './readme.js';

/** Makes the generated parts of README.md anew: `npm run docs`. */
await writeFile('README.md', withGeneratedParts(await readFile('README.md', 'utf8')));
