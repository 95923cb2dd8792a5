import { ColumnNode, OperationNodeTransformer, ReferenceNode, type BinaryOperationNode, type KyselyPlugin, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Reader } from '../../src/core/database.js';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { bringTo, newCustomer, type Applicant } from '../support/flows.js';
import { CREATE_API_KEY, useGateway } from '../support/gateway.js';
import { SNAPSHOT } from '../support/operations.js';
import { fullDocumentOf, leastVariables, LEAVES, nameOf, NODE_TYPES, nodeDocument, ROOTS, withValue, type Leaf, type Root } from '../support/roots.js';
import { ENDPOINTS, newEndpoint, SEND_TEST_EVENT } from '../support/webhooks.js';

// Another organization's rows are kept away twice: by the conditions of the gateway's queries, and by row-level security
// of the database. Everything is asked with both, and again with the second alone.

const WHO_IS_THERE = graphql(`
  query EverythingOfOnePerson($id: ID!) {
    customer(id: $id) {
      id
      email
      identity {
        id
        documents {
          id
        }
        signatures {
          id
        }
      }
      events(first: 100) {
        nodes {
          id
        }
      }
    }
  }
`);

let stripped = 0;

/** Makes `organization_id = …` true of every row. */
class EveryOrganization extends OperationNodeTransformer {
  protected override transformBinaryOperation(node: BinaryOperationNode): BinaryOperationNode {
    const { leftOperand: left } = node;
    const isOrganization = ReferenceNode.is(left) && ColumnNode.is(left.column) && left.column.column.name === 'organization_id';
    if (!isOrganization) return super.transformBinaryOperation(node);
    stripped += 1;
    return { ...node, rightOperand: left };
  }
}

const everyOrganization: KyselyPlugin = {
  transformQuery: ({ node }) => new EveryOrganization().transformNode(node),
  transformResult: ({ result }) => Promise.resolve(result),
};

let opened: Database;

/** The database without the conditions of commands and reads: row-level security is what is left. */
function rowLevelSecurityAlone(database: Database): Database {
  opened = database;
  return withoutConditions(database);
}

function withoutConditions(database: Database): Database {
  const everywhere = (text: string): string => text.replaceAll(/(\w+\.)?organization_id = \$1\b/g, () => ((stripped += 1), '$1::text is not null'));
  const transact: Database['transact'] = (organizationId, body) => database.transact(organizationId, (transaction, entities) => {
    const run = transaction.run.bind(transaction);
    transaction.run = (text, parameters) => run(everywhere(text), parameters);
    return body(transaction, entities);
  });
  const read: Database['read'] = <Tables, Result>(organizationId: string, query: (reader: Reader<Tables>) => Promise<Result>) =>
    database.read<Tables, Result>(organizationId, (reader) => query(reader.withPlugin(everyOrganization)));
  const select: Database['select'] = (organizationId, { name, text }, parameters) =>
    database.select(organizationId, { name: name && `${name}_of_every_organization`, text: everywhere(text) }, parameters);
  return { ...database, transact, read, select, forCustomer: (customerId) => withoutConditions(database.forCustomer(customerId)) };
}

/** What is sought of the other organization in every answer. */
interface Stranger {
  ids: string[];
  words: string[];
}

describe.each([
  ['by conditions and row-level security', {}, 0],
  ['by row-level security alone', { database: rowLevelSecurityAlone }, 50],
] as const)('organizations are kept apart %s', (_name, overrides, leastStripped) => {
  const gateway = useGateway({ INTROSPECTION: 'true' }, { workers: false, ...overrides });
  let mine: Applicant;
  let theirs: Applicant;
  let stranger: Stranger;
  let clients: Client[];
  let own: Record<string, string>;
  let [asked, leaks] = [0, 0];
  const fields = new Set<string>();

  beforeAll(async () => {
    [mine, theirs] = [await bringTo(gateway, 'APPROVED'), await bringTo(gateway, 'APPROVED')];
    await newCustomer(theirs.partner, { email: 'stranger@example.com', partnerUserId: 'stranger-4711' });
    const endpoints = await Promise.all([mine, theirs].map(({ partner }) => newEndpoint(partner, `https://example.com/${partner === mine.partner ? 'mine' : 'stranger-4711'}`)));
    const deliveries = [];
    for (const [index, { partner }] of [mine, theirs].entries()) {
      deliveries.push((await partner.request(SEND_TEST_EVENT, { input: { endpointId: endpoints[index]!.id } })).sendTestEvent.delivery.id);
    }
    clients = [mine.partner, mine.reviewer, gateway.client(await gateway.key(mine.id, 'ADMIN'))];
    const [ownKey, theirKey] = await Promise.all([mine, theirs].map(({ id }) => gateway.operator.request(CREATE_API_KEY, { input: { organizationId: id, role: 'PARTNER', name: 'Spare' } })));
    const { customer } = await theirs.partner.request(WHO_IS_THERE, { id: theirs.customerId });
    const { identity, events } = customer!;
    stranger = {
      ids: [
        theirs.id, theirs.customerId, identity!.id, identity!.documents[0]!.id, identity!.signatures[0]!.id,
        events.nodes[0]!.id, endpoints[1]!.id, deliveries[1]!, theirKey!.createApiKey.apiKey.id,
      ],
      words: ['stranger@example.com', 'stranger-4711', theirKey!.createApiKey.apiKey.prefix],
    };
    own = { id: mine.customerId, customerId: mine.customerId, identityId: mine.identityId, documentId: mine.documentId, apiKeyId: ownKey!.createApiKey.apiKey.id, endpointId: endpoints[0]!.id, deliveryId: deliveries[0]! };
  });

  const defaults = (): Record<string, unknown> => ({
    ...own, kycData: {}, partnerUserId: 'nobody', reason: 'Asked for.', decision: 'APPROVE', selectedIdClass: 'PASSPORT', contractType: 'CSA', seconds: 0,
    name: 'Test', environment: 'SANDBOX', role: 'PARTNER', policy: {}, path: 'kycData', type: 'CSA', version: '1.0', url: 'https://example.com/hook',
    events: ['*'], after: '2026-01-01', before: '2026-01-02', frontImageUrl: 'https://example.com/front.jpg', '*': 'nobody',
  });

  /** Asks as whoever of this organization may, and seeks the other's in the answer. @returns its first code. */
  async function ask(name: string, query: string, variables: unknown, sent: string | null): Promise<string | undefined> {
    let code: string | undefined;
    for (const client of clients) {
      const { text, json } = await client.post({ query, variables });
      asked += 1;
      code = json.errors?.[0]?.extensions.code;
      expect([name, sent, code]).not.toEqual([name, sent, 'INTERNAL_SERVER_ERROR']);
      expect([name, code]).not.toEqual([name, 'GRAPHQL_VALIDATION_FAILED']);
      expect([name, code]).not.toEqual([name, 'OPERATION_TOO_COMPLEX']);
      const found = [...stranger.ids, ...stranger.words].filter((secret) => secret !== sent && text.includes(secret));
      leaks += found.length;
      expect([name, found]).toEqual([name, []]);
      if (code !== 'FORBIDDEN') break;
    }
    fields.add(name);
    return code;
  }

  const reading = (root: Root): boolean => root.operation !== 'subscription';
  /** Where an id is taken, and where a name that is sought by. */
  const takesId = ({ type }: Leaf): boolean => type.name === 'ID';

  it('every query and mutation, asked with each id of another organization in each place that takes one, tells nothing of it and changes nothing there', async () => {
    const before = await theirs.partner.request(SNAPSHOT, { id: theirs.customerId });
    const endpoints = await theirs.partner.request(ENDPOINTS, {});
    for (const leaf of LEAVES.filter(({ root }) => reading(root)).filter(takesId)) {
      for (const id of stranger.ids) {
        const variables = withValue(leastVariables(leaf.root, defaults()), leaf.path, id);
        const code = await ask(leaf.root.name, fullDocumentOf(leaf.root), variables, id);
        if (!leaf.path.includes('filter')) expect([nameOf(leaf), id, code]).toEqual([nameOf(leaf), id, expect.any(String)]);
      }
    }
    for (const root of ROOTS.filter(reading).filter(({ operation }) => operation === 'query')) await ask(root.name, fullDocumentOf(root), leastVariables(root, defaults()), null);
    expect(await theirs.partner.request(SNAPSHOT, { id: theirs.customerId })).toEqual(before);
    expect(await theirs.partner.request(ENDPOINTS, {})).toEqual(endpoints);
  }, 180_000);

  it('every name of another organization finds nobody', async () => {
    for (const leaf of LEAVES.filter(({ root, type }) => root.operation === 'query' && type.name === 'String')) {
      for (const word of stranger.words) await ask(leaf.root.name, fullDocumentOf(leaf.root), withValue(leastVariables(leaf.root, defaults()), leaf.path, word), word);
    }
  }, 180_000);

  it('node answers NOT_FOUND for each kind of it', async () => {
    for (const type of NODE_TYPES) {
      for (const id of stranger.ids) expect([type, id, await ask(`node ${type}`, nodeDocument(type), { id }, id)]).toEqual([type, id, 'NOT_FOUND']);
    }
    expect(NODE_TYPES.length).toBeGreaterThanOrEqual(5);
  }, 180_000);

  it('every subscription refuses its ids, and without an id delivers nothing of it', async () => {
    for (const root of ROOTS.filter(({ operation }) => operation === 'subscription')) {
      for (const leaf of LEAVES.filter((each) => each.root === root && takesId(each))) {
        for (const id of stranger.ids) {
          const text = await (await open(mine.partner, fullDocumentOf(root), withValue(leastVariables(root, defaults()), leaf.path, id))).text();
          expect([nameOf(leaf), id, /"code":"(\w+)"/.exec(text)?.[1]]).toEqual([nameOf(leaf), id, 'NOT_FOUND']);
          asked += 1;
        }
      }
      fields.add(root.name);
    }
    const watched = ROOTS.filter(({ name }) => name === 'customerStatusChanged')[0]!;
    const stream = (await open(mine.partner, fullDocumentOf(watched), {})).body!.getReader();
    await stream.read();
    await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const customerId = await newCustomer(mine.partner, { email: 'of-mine@example.com' });
    const decoder = new TextDecoder();
    let text = '';
    while (!text.includes(customerId)) text += decoder.decode((await stream.read()).value, { stream: true });
    expect(text.match(/event: next/g)).toHaveLength(1);
    await stream.cancel();
  }, 180_000);

  it.runIf(leastStripped > 0)('and the first of the two is really off: the same reads with the owner’s rights find both', async () => {
    const read = (reader: unknown) => (reader as Kysely<{ customer: { id: string; organization_id: string } }>).withPlugin(everyOrganization).selectFrom('customer').select('id').where('organization_id', '=', mine.id).execute();
    const found = (rows: { id: string }[]): boolean[] => [mine, theirs].map(({ customerId }) => rows.some(({ id }) => id === customerId));
    expect(found(await read(opened.owner().getKysely()))).toEqual([true, true]);
    expect(found(await opened.read(mine.id, read))).toEqual([true, false]);
  });

  afterAll(() => {
    const missing = ROOTS.filter(({ name, field, operation }) => !fields.has(name) && (operation !== 'mutation' || LEAVES.some((leaf) => leaf.root.field === field && takesId(leaf))));
    console.log(`tenancy: ${leaks} leaks in ${asked} answers of ${fields.size} fields; ${stranger.ids.length} ids of a stranger${leastStripped > 0 ? `; ${stripped} conditions taken out of reads` : ''}`);
    expect(missing.map(({ name }) => name)).toEqual([]);
    expect([leaks, asked > 500, stripped >= leastStripped]).toEqual([0, true, true]);
  });
});

function open(client: Client, query: string, variables: unknown): Promise<Response> {
  return fetch(`${client.url}/graphql/stream`, {
    method: 'POST', headers: { ...client.headers, 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query, variables }),
  });
}
