import { readFile, writeFile } from 'node:fs/promises';
import { dataMap } from './data-map.js';
import { withGeneratedParts } from './readme.js';

/** Makes the generated parts of README.md, and docs/data-map.md, anew: `npm run docs`. */
await writeFile('README.md', withGeneratedParts(await readFile('README.md', 'utf8')));
await writeFile('docs/data-map.md', dataMap());
