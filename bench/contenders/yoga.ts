import { createServer } from 'node:http';
import { createYoga } from 'graphql-yoga';
import { PORT } from './bare-http.ts';
import { handSchema, makeLoaders } from './hand-schema.ts';

// GraphQL Yoga on node:http, and dataloaders over hand-written SQL.

const yoga = createYoga({ schema: handSchema({ relations: true }), context: () => ({ loaders: makeLoaders() }), graphiql: false, logging: false });
createServer((request, response) => void (request.url === '/' ? response.end() : yoga(request, response))).listen(PORT, '127.0.0.1');
