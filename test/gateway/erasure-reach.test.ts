import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jpeg } from '../files.js';
import { graphql } from '../generated/index.js';
import { erase, ERASE, leftOf } from '../support/erasing.js';
import { useFileServer } from '../support/file-server.js';
import { advance, bringTo, EVALUATION, newCustomer, photo, submit } from '../support/flows.js';
import { useGateway, type TestGateway, type TestOrganization } from '../support/gateway.js';
import { DEACTIVATE, EVENTS, PATCH_CUSTOMER, PATCH_IDENTITY, SUBMIT_DOCUMENT, SUBMIT_IDENTITY } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';
import { MovableClock, Receiver, type ReceivedEvent } from '../support/receiver.js';
import { EventStream } from '../support/streams.js';
import { clientToken } from '../support/tokens.js';
import { deliveriesOf, newEndpoint } from '../support/webhooks.js';

// What erasing reaches beside the rows: whoever listens, files, work and requests under way, other processes.

const HEARD = graphql(`
  subscription ErasureHeard($customerId: ID, $after: String) {
    customerStatusChanged(customerId: $customerId, after: $after) {
      type
      oldStatus
      newStatus
      version
      reason
      customer {
        id
        email
        erasedAt
      }
    }
  }
`);

const FILE_LINKS = graphql(`
  query LinksOfFiles($documentId: ID!) {
    documents(documentId: $documentId) {
      fileUploads {
        url
        uploadStatus
      }
    }
  }
`);

const NAME = graphql(`
  query NameOfCustomer($id: ID!) {
    customer(id: $id) {
      email
    }
  }
`);

const filesOf = (gateway: TestGateway, organizationId: string): Promise<string[]> => readdir(join(gateway.dataDirectory, 'documents', organizationId)).catch(() => []);

describe('whoever listens', () => {
  const gateway = useGateway({ ALLOW_PRIVATE_URLS: 'true' });
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await Receiver.start();
  });
  afterAll(() => receiver.stop());

  it('hears customer.erased: over WebSocket, SSE, from a cursor before it, in the events and by webhook', async () => {
    const { partner, id } = await gateway.organization();
    await newEndpoint(partner, receiver.url());
    const customerId = await newCustomer(partner);
    await partner.request(DEACTIVATE, { input: { customerId, reason: 'Moved to Atlantis.' } });
    const [socket, all, stream] = [await partner.subscribe(HEARD, { customerId }), await partner.subscribe(HEARD, {}), await EventStream.open(partner, HEARD, { customerId })];
    const applicant = await gateway.client(await clientToken(partner, await newCustomer(partner))).subscribe(HEARD, {});
    const { version } = await erase(partner, customerId);
    const expected = { type: 'customer.erased', oldStatus: 'DEACTIVATED', newStatus: 'DEACTIVATED', version, reason: null, customer: { id: customerId, email: null, erasedAt: expect.stringMatching(/^\d{4}/) as string } };
    for (const heard of [await socket.take(1), await stream.take(1)]) expect(heard.map(({ customerStatusChanged }) => customerStatusChanged)).toEqual([expected]);
    expect((await all.take(2)).at(-1)!.customerStatusChanged).toEqual(expected);
    const resumed = await partner.subscribe(HEARD, { customerId, after: (await partner.request(EVENTS, {})).events.nodes[0]!.cursor });
    expect((await resumed.take(2)).map(({ customerStatusChanged: { type, reason } }) => [type, reason])).toEqual([['customer.state_changed', null], ['customer.erased', null]]);
    expect(applicant.received).toEqual([]);
    await Promise.all([socket.close(), all.close(), resumed.close(), applicant.close()]);
    stream.close();
    const events = (await partner.request(EVENTS, { filter: { customerId } })).events.nodes;
    expect(events.map(({ type }) => type)).toEqual(['customer.created', 'customer.state_changed', 'customer.erased']);
    const isErasure = ({ type }: ReceivedEvent): boolean => type === 'customer.erased';
    await receiver.until(() => receiver.taken.some(({ event }) => isErasure(event)));
    expect(receiver.taken.find(({ event }) => isErasure(event))!.event).toEqual({
      id: events[2]!.id, type: 'customer.erased', occurredAt: expect.any(String) as string, version, sequence: expect.any(Number) as number,
      payload: { customerId, oldStatus: 'DEACTIVATED', newStatus: 'DEACTIVATED', requiredDocuments: [], fieldsToReenter: [], reason: null },
    });
    await advance(partner, 0);
    const log = await deliveriesOf(partner);
    expect(log.length).toBeGreaterThanOrEqual(4);
    expect(JSON.stringify(log)).not.toContain('Atlantis');
    expect(await filesOf(gateway, id)).toEqual([]);
    expect(await leftOf(gateway, [customerId])).toEqual([]);
  });
});

describe('files', () => {
  const clock = new MovableClock();
  const overrides = { clock, workers: false };
  const gateway = useGateway({}, overrides);

  it('are deleted, and links to them lead nowhere from the commit on', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    const files = async () => (await person.partner.request(FILE_LINKS, { documentId: person.documentId })).documents[0]!.fileUploads;
    const [file] = await files();
    expect((await fetch(file!.url!)).status).toBe(200);
    await erase(person.partner, person.customerId);
    const gone = await fetch(file!.url!);
    expect([gone.status, await gone.text()]).toEqual([404, expect.stringContaining('NOT_FOUND')]);
    expect((await files())[0]).toEqual({ url: null, uploadStatus: 'UPLOADED' });
    await advance(person.partner, 0);
    expect(await filesOf(gateway, person.id)).toEqual([]);
  });

  it('that the job did not come through with are collected by the sweep, as no others are', async () => {
    const [person, other] = [await bringTo(gateway, 'IN_REVIEW'), await bringTo(gateway, 'IN_REVIEW')];
    const directory = join(gateway.dataDirectory, 'documents');
    await cp(join(directory, person.id), join(gateway.dataDirectory, 'copy'), { recursive: true });
    const [kept, others] = [await filesOf(gateway, person.id), await filesOf(gateway, other.id)];
    await erase(person.partner, person.customerId);
    await advance(person.partner, 0);
    await cp(join(gateway.dataDirectory, 'copy'), join(directory, person.id), { recursive: true });
    expect([await filesOf(gateway, person.id), kept.length > 0]).toEqual([kept, true]);
    clock.advance(7_200_000);
    await gateway.stop();
    overrides.workers = true;
    await gateway.start();
    await expect.poll(() => filesOf(gateway, person.id), { timeout: 30_000 }).toEqual([]);
    expect(await filesOf(gateway, other.id)).toEqual(others);
    overrides.workers = false;
  });
});

describe('under way', () => {
  const gateway = useGateway({ ALLOW_PRIVATE_URLS: 'true' }, { workers: false });
  let arrived: () => void;
  let release: () => void;
  const asked = new Promise<void>((resolve) => (arrived = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  const server = useFileServer(async () => {
    const file = await jpeg({ width: 1100, height: 700 });
    return {
      '/slow.jpg': (_request, response) => {
        arrived();
        void released.then(() => response.end(file));
      },
    };
  });

  it('files that are being fetched are not kept', async () => {
    const { partner, id } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, { ...GERMAN, documents: [{ type: 'PASSPORT', number: 'C01X00T47', frontImageUrl: server.url('/slow.jpg') }] });
    const working = advance(partner, EVALUATION);
    await asked;
    await erase(partner, customerId);
    release();
    await working;
    await advance(partner, 60);
    expect(await filesOf(gateway, id)).toEqual([]);
    expect(await leftOf(gateway, [customerId])).toEqual([]);
  });

  /** People of one organization who are asked for documents. */
  async function people(count: number): Promise<TestOrganization & { customers: { customerId: string; identityId: string }[] }> {
    const organization = await gateway.organization();
    const customers = [];
    for (let index = 0; index < count; index += 1) {
      const customerId = await newCustomer(organization.partner, { email: `person${index}@example.com` });
      customers.push({ customerId, identityId: await submit(organization.partner, customerId, CALIFORNIAN, { transactionType: 'INSTITUTIONAL_INDIVIDUAL', debugStatus: 'FAILED' }) });
    }
    await advance(organization.partner, EVALUATION);
    return { ...organization, customers };
  }

  it('uploads, patches and a new attempt that race with the erasure come before it or are refused, and leave nothing', async () => {
    const ROUNDS = 12;
    const { partner, id, customers } = await people(ROUNDS);
    const file = await photo();
    const outcomes = { before: 0, refused: 0 };
    for (const [round, { customerId, identityId }] of customers.entries()) {
      const racing = [
        () => partner.send(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', number: 'C01X00T47', frontPhoto: file } }),
        () => partner.send(PATCH_IDENTITY, { input: { identityId, kycData: { legalFirstName: 'Racing' } } }),
        () => partner.send(PATCH_CUSTOMER, { input: { customerId, email: 'racing@example.com' } }),
        () => partner.send(SUBMIT_IDENTITY, { input: { customerId, kycData: GERMAN } }),
      ];
      const begun = racing.map((ask, index) => ((index + round) % 2 === 0 ? ask() : null));
      const erasing = partner.send(ERASE, { input: { customerId, reason: 'Asked for.' } });
      const answers = await Promise.all(racing.map((ask, index) => begun[index] ?? ask()));
      expect((await erasing).errors).toBeUndefined();
      for (const { errors } of answers) {
        if (errors) expect(errors[0]?.extensions?.['code']).toBe('PATCH_NOT_ALLOWED');
        outcomes[errors ? 'refused' : 'before'] += 1;
      }
    }
    console.log(`races: ${outcomes.before} came before the erasure, ${outcomes.refused} were refused`);
    expect(outcomes.before + outcomes.refused).toBe(4 * ROUNDS);
    await advance(partner, 3_600);
    expect(await filesOf(gateway, id)).toEqual([]);
    expect(await leftOf(gateway, customers.map(({ customerId }) => customerId))).toEqual([]);
  }, 180_000);
});

describe.runIf(process.env['TEST_DATABASE'] === 'postgresql')('another process', () => {
  const gateway = useGateway({}, { workers: false });

  it('that held the key opens nothing any more, not even a copy of the ciphertext put back', async () => {
    const replica = await gateway.replica();
    try {
      const { partner } = await gateway.organization();
      const id = await newCustomer(partner);
      const clients = [partner, replica.client(partner.key)];
      const names = () => Promise.all(clients.map(async (client) => (await client.request(NAME, { id })).customer?.email ?? null));
      expect(await names()).toEqual(['ada@example.com', 'ada@example.com']);
      const [row] = await gateway.behindItsBack((query) => query('select sealed from customer where id = $1', [id]));
      await erase(partner, id);
      await gateway.behindItsBack((query) => query('update customer set sealed = $2 where id = $1', [id, row!['sealed']]));
      // Long before the key would have left the cache by itself.
      await expect.poll(names, { timeout: 2_000 }).toEqual([null, null]);
    } finally {
      await replica.stop();
    }
  });
});
