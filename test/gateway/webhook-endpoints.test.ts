import { describe, expect, it } from 'vitest';
import { useGateway } from '../support/gateway.js';
import { newCustomer } from '../support/flows.js';
import { CREATE_ENDPOINT, DELETE_ENDPOINT, DELIVERIES, deliveriesOf, ENDPOINTS, newEndpoint, REPLAY_DELIVERY, REPLAY_EVENTS, ROTATE_SECRET, SEND_TEST_EVENT, UPDATE_ENDPOINT } from '../support/webhooks.js';

// Nothing is sent here: no workers. The guard is on, as it is by default.
const gateway = useGateway({}, { workers: false });
const URL = 'https://hooks.example.com/kyc';
const TIMES = { after: '2020-01-01', before: '2100-01-01' };

describe('webhook endpoints', () => {
  it('are created, listed without their secret, changed and deleted', async () => {
    const { partner } = await gateway.organization();
    const input = { url: URL, events: ['identity.*', 'kyc.verification.success'], description: 'Production' };
    const { createWebhookEndpoint } = await partner.request(CREATE_ENDPOINT, { input });
    expect(createWebhookEndpoint.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { endpoint } = createWebhookEndpoint;
    expect(endpoint).toMatchObject({ ...input, parallel: false, status: 'ENABLED', disabledReason: null, failingSince: null, version: 1 });
    expect((await partner.request(ENDPOINTS, {})).webhookEndpoints).toEqual([endpoint]);
    const change = { endpointId: endpoint.id, url: 'https://hooks.example.com/2', events: ['*'], parallel: true, description: null };
    const { updateWebhookEndpoint } = await partner.request(UPDATE_ENDPOINT, { input: change });
    expect(updateWebhookEndpoint.endpoint).toMatchObject({ url: change.url, events: ['*'], parallel: true, description: null, version: 2 });
    const kept = await partner.request(UPDATE_ENDPOINT, { input: { endpointId: endpoint.id } });
    expect(kept.updateWebhookEndpoint.endpoint).toMatchObject({ url: change.url, events: ['*'], parallel: true, description: null });
    await partner.request(DELETE_ENDPOINT, { input: { endpointId: endpoint.id } });
    expect((await partner.request(ENDPOINTS, {})).webhookEndpoints).toEqual([]);
    expect((await partner.refusal(UPDATE_ENDPOINT, { input: { endpointId: endpoint.id } })).code).toBe('NOT_FOUND');
  });

  it('belong to PARTNER and ADMIN; a reviewer and the operator are refused everything', async () => {
    const organization = await gateway.organization();
    const admin = gateway.client(await gateway.key(organization.id, 'ADMIN'));
    const { id } = await newEndpoint(admin, URL);
    expect((await organization.partner.request(ENDPOINTS, {})).webhookEndpoints).toHaveLength(1);
    for (const client of [organization.reviewer, gateway.operator]) {
      const refusals = await Promise.all([
        client.refusal(ENDPOINTS, {}),
        client.refusal(DELIVERIES, {}),
        client.refusal(CREATE_ENDPOINT, { input: { url: URL, events: ['*'] } }),
        client.refusal(UPDATE_ENDPOINT, { input: { endpointId: id } }),
        client.refusal(DELETE_ENDPOINT, { input: { endpointId: id } }),
        client.refusal(ROTATE_SECRET, { input: { endpointId: id } }),
        client.refusal(SEND_TEST_EVENT, { input: { endpointId: id } }),
        client.refusal(REPLAY_DELIVERY, { input: { deliveryId: id } }),
        client.refusal(REPLAY_EVENTS, { input: { endpointId: id, ...TIMES } }),
      ]);
      expect(refusals.map(({ code }) => code)).toEqual(Array(9).fill('FORBIDDEN'));
    }
  });

  it("another organization's are not there, nor is their log", async () => {
    const [mine, other] = await Promise.all([gateway.organization(), gateway.organization()]);
    const { id } = await newEndpoint(mine.partner, URL);
    const { sendTestEvent } = await mine.partner.request(SEND_TEST_EVENT, { input: { endpointId: id } });
    expect(sendTestEvent.delivery).toMatchObject({ endpointId: id, eventType: 'webhook.test', status: 'PENDING', attempts: [] });
    const deliveryId = sendTestEvent.delivery.id;
    expect((await other.partner.request(ENDPOINTS, {})).webhookEndpoints).toEqual([]);
    expect(await deliveriesOf(other.partner)).toEqual([]);
    expect(await deliveriesOf(other.partner, { endpointId: id })).toEqual([]);
    const refusals = await Promise.all([
      other.partner.refusal(UPDATE_ENDPOINT, { input: { endpointId: id, url: 'https://evil.example.com/' } }),
      other.partner.refusal(DELETE_ENDPOINT, { input: { endpointId: id } }),
      other.partner.refusal(ROTATE_SECRET, { input: { endpointId: id } }),
      other.partner.refusal(SEND_TEST_EVENT, { input: { endpointId: id } }),
      other.partner.refusal(REPLAY_DELIVERY, { input: { deliveryId } }),
      other.partner.refusal(REPLAY_EVENTS, { input: { endpointId: id, ...TIMES } }),
    ]);
    expect(refusals.map(({ code }) => code)).toEqual(Array(6).fill('NOT_FOUND'));
    expect((await mine.partner.request(ENDPOINTS, {})).webhookEndpoints).toMatchObject([{ url: URL, version: 1 }]);
    expect(await deliveriesOf(mine.partner)).toHaveLength(1);
  });

  it.each([
    'http://hooks.example.com/', 'https://127.0.0.1/', 'https://[::1]/', 'https://[::ffff:10.0.0.1]/', 'https://169.254.169.254/latest/meta-data', 'https://0x7f.1/', 'https://10.1.2.3:8443/',
    'https://100.64.0.1/', 'https://224.0.0.1/', 'https://localhost/', 'https://printer.local/', 'https://user:secret@hooks.example.com/', 'not a url', '/hooks', '',
  ])('%j is BAD_USER_INPUT naming url, on creation and on change', async (url) => {
    const { partner } = await gateway.organization();
    const { id } = await newEndpoint(partner, URL);
    for (const refused of [await partner.refusal(CREATE_ENDPOINT, { input: { url, events: ['*'] } }), await partner.refusal(UPDATE_ENDPOINT, { input: { endpointId: id, url } })]) {
      expect(refused.code).toBe('BAD_USER_INPUT');
      expect(refused.fields?.map(({ path }) => path)).toEqual(['url']);
    }
    expect((await partner.request(ENDPOINTS, {})).webhookEndpoints).toMatchObject([{ id, url: URL, version: 1 }]);
  });

  it('unknown patterns are BAD_USER_INPUT naming each, beside every other fault', async () => {
    const { partner } = await gateway.organization();
    const refused = await partner.refusal(CREATE_ENDPOINT, { input: { url: 'http://x', events: ['identity.*', 'identity', 'kyc.*', 'payment.*', '**', 'identity.*.x', ''], description: ' ' } });
    expect(refused.code).toBe('BAD_USER_INPUT');
    expect(refused.fields?.map(({ path }) => path)).toEqual(['url', 'events.1', 'events.3', 'events.4', 'events.5', 'events.6', 'description']);
    const none = await partner.refusal(CREATE_ENDPOINT, { input: { url: URL, events: [] } });
    expect(none.fields).toMatchObject([{ path: 'events', code: 'required' }]);
    expect((await partner.request(ENDPOINTS, {})).webhookEndpoints).toEqual([]);
  });

  it('a disabled endpoint takes no test and no replay; ids that are none are NOT_FOUND', async () => {
    const { partner } = await gateway.organization();
    const { id } = await newEndpoint(partner, URL);
    await newCustomer(partner);
    const { updateWebhookEndpoint } = await partner.request(UPDATE_ENDPOINT, { input: { endpointId: id, enabled: false } });
    expect(updateWebhookEndpoint.endpoint).toMatchObject({ status: 'DISABLED', disabledReason: 'REQUESTED' });
    expect((await partner.refusal(SEND_TEST_EVENT, { input: { endpointId: id } })).fields).toMatchObject([{ path: 'endpointId', code: 'disabled' }]);
    expect((await partner.refusal(REPLAY_EVENTS, { input: { endpointId: id, ...TIMES } })).fields).toMatchObject([{ path: 'endpointId', code: 'disabled' }]);
    expect((await partner.refusal(REPLAY_EVENTS, { input: { endpointId: id, after: TIMES.before, before: TIMES.after } })).fields).toMatchObject([{ path: 'before' }]);
    for (const wrong of ['whe_x', 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz', '', '\u0000']) {
      expect((await partner.refusal(SEND_TEST_EVENT, { input: { endpointId: wrong } })).code).toBe('NOT_FOUND');
      expect((await partner.refusal(REPLAY_DELIVERY, { input: { deliveryId: wrong } })).code).toBe('NOT_FOUND');
    }
    expect(await deliveriesOf(partner, { eventId: '\u0000' })).toEqual([]);
    expect((await partner.refusal(DELIVERIES, { first: 0 })).fields).toMatchObject([{ path: 'first' }]);
    expect((await partner.refusal(DELIVERIES, { after: 'x' })).fields).toMatchObject([{ path: 'after' }]);
  });

  it('every mutation finds all faults at once, those of the schema and those of the domain', async () => {
    const { partner } = await gateway.organization();
    const { id } = await newEndpoint(partner, URL);
    const refused = await partner.refusal(UPDATE_ENDPOINT, { input: { endpointId: id, url: 'nonsense', events: ['payment.*'] } });
    expect(refused.fields?.map(({ path }) => path).sort()).toEqual(['events.0', 'url']);
  });

  it('an organization has at most fifty', async () => {
    const { partner } = await gateway.organization();
    for (let count = 0; count < 50; count += 1) await newEndpoint(partner, URL);
    expect((await partner.refusal(CREATE_ENDPOINT, { input: { url: URL, events: ['*'] } })).fields).toMatchObject([{ code: 'too_many' }]);
  });
});
