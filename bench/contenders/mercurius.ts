import fastify from 'fastify';
import mercurius from 'mercurius';
import { read } from './batches.ts';
import { PORT } from './bare-http.ts';
import { handSchema } from './hand-schema.ts';

// Mercurius on Fastify, operations compiled by graphql-jit, with its own loaders over hand-written SQL.

type Queries<Row> = readonly { obj: Row }[];

const app = fastify();
app.get('/', () => '');
await app.register(mercurius, {
  schema: handSchema({ relations: false }),
  // Compiled the first time that it is asked.
  jit: 1,
  loaders: {
    Customer: { identity: { loader: (queries: Queries<{ current_identity_id: string }>) => read.identities(queries.map(({ obj }) => obj.current_identity_id)), opts: { cache: false } } },
    Identity: {
      documents: { loader: (queries: Queries<{ id: string }>) => read.documents(queries.map(({ obj }) => obj.id)), opts: { cache: false } },
      signatures: { loader: (queries: Queries<{ id: string }>) => read.signatures(queries.map(({ obj }) => obj.id)), opts: { cache: false } },
    },
    Document: { fileUploads: { loader: (queries: Queries<{ id: string }>) => read.files(queries.map(({ obj }) => obj.id)), opts: { cache: false } } },
  },
});
await app.listen({ port: PORT, host: '127.0.0.1' });
