import { serveBare } from './bare-http.ts';
import { read, type CustomerRow } from './batches.ts';
import { PAGE, PAGE_STATUS } from './fields.ts';

// Bare node:http and five batched statements, put together by hand: what no stack of dataloaders can be faster than.

async function assemble(customers: readonly CustomerRow[]): Promise<object[]> {
  const identities = await read.identities(customers.map((customer) => customer.current_identity_id));
  const ids = identities.flatMap((identity) => (identity ? [identity.id] : []));
  const [documents, signatures] = await Promise.all([read.documents(ids), read.signatures(ids)]);
  const all = documents.flat();
  const files = await read.files(all.map(({ id }) => id));
  const filesOf = new Map(all.map(({ id }, index) => [id, (files[index] ?? []).map(({ document_id: _, ...file }) => file)]));
  const partsOf = new Map(ids.map((id, index) => [id, {
    documents: (documents[index] ?? []).map(({ identity_id: _, ...document }) => ({ ...document, fileUploads: filesOf.get(document.id) })),
    signatures: (signatures[index] ?? []).map(({ identity_id: _, ...signature }) => signature),
  }]));
  return customers.map(({ current_identity_id: _, ...customer }, index) => {
    const identity = identities[index];
    return { ...customer, identity: identity ? { ...identity, ...partsOf.get(identity.id) } : null };
  });
}

serveBare(async ({ query, variables }) => {
  if (query.startsWith('query Q1')) {
    const found = await read.customer(variables['id'] ?? '');
    const [customer = null] = found ? await assemble([found]) : [];
    return JSON.stringify({ data: { customer } });
  }
  const rows = await read.page(PAGE_STATUS, variables['after'] ?? null);
  const nodes = await assemble(rows.slice(0, PAGE));
  return JSON.stringify({ data: { customers: { nodes, pageInfo: { hasNextPage: rows.length > PAGE } } } });
});
