import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { jsonPgSmartTags } from 'postgraphile/utils';
import { PORT } from './bare-http.ts';

// PostGraphile 5 with its standard preset, over the gateway's tables as they are. It is told of the one relation that is no foreign key.

const tags = jsonPgSmartTags({ version: 1, config: { class: { 'public.customer': { tags: { foreignKey: '(current_identity_id) references identity (id)' } } } } });
const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [tags],
  pgServices: [makePgService({ connectionString: process.env['DATABASE_URL'] ?? '', schemas: ['public'], poolConfig: { max: 20, idleTimeoutMillis: 0 } })],
  grafserv: { graphqlPath: '/graphql', graphiql: false },
  grafast: {
    explain: false,
    // Who writes comes with a key: its prefix is a setting of the transaction, as PostGraphile passes callers on. Readers have none, and no setting.
    context: ({ node }) => {
      const prefix = /kyc_([0-9a-f]+)_/.exec(node?.req.headers.authorization ?? '')?.[1];
      return prefix === undefined ? {} : { pgSettings: { 'bench.key_prefix': prefix } };
    },
  },
});
const handle = instance.createServ(grafserv).createHandler();
createServer((request, response) => void (request.url === '/' ? response.end() : handle(request, response))).listen(PORT, '127.0.0.1');
