import { writeFile } from 'node:fs/promises';
import { emptySchema } from './gateway.js';
import { printGatewaySchema } from './graphql/schema.js';

/** Writes schema.graphql from the code: `npm run schema`. */
await writeFile('schema.graphql', printGatewaySchema(emptySchema()));
