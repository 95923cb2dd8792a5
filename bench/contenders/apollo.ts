import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { PORT } from './bare-http.ts';
import { handSchema, makeLoaders, type Loaders } from './hand-schema.ts';

// Apollo Server 5 as its documentation sets it up: Express, and dataloaders over hand-written SQL.

const server = new ApolloServer<Loaders>({ schema: handSchema({ relations: true }) });
await server.start();
const app = express();
app.get('/', (_request, response) => void response.end());
app.use('/graphql', express.json(), expressMiddleware(server, { context: () => Promise.resolve({ loaders: makeLoaders() }) }));
app.listen(PORT, '127.0.0.1');
