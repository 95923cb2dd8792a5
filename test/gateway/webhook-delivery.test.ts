import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, REVIEWING, sign, submit, submitPassport } from '../support/flows.js';
import { TestGateway, useGateway, type TestOrganization } from '../support/gateway.js';
import { DEACTIVATE, REACTIVATE } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';
import { customerOf, MovableClock, Receiver, verify, type ReceivedEvent, type Treatment } from '../support/receiver.js';
import { deliveriesOf, ENDPOINTS, newEndpoint, REPLAY_DELIVERY, REPLAY_EVENTS, ROTATE_SECRET, SEND_TEST_EVENT, UPDATE_ENDPOINT } from '../support/webhooks.js';

const clock = new MovableClock();
const ENVIRONMENT = { ALLOW_PRIVATE_URLS: 'true' };
const TIMEOUT_MILLISECONDS = 1_500;
/** What the gateway's log says to its operator. */
const lines: Record<string, unknown>[] = [];
const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
const OVERRIDES = { clock, log, webhookTimeoutMilliseconds: TIMEOUT_MILLISECONDS };
const gateway = useGateway(ENVIRONMENT, OVERRIDES);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** What is awaited takes a few sweeps of the dispatcher. */
const PATIENCE = { timeout: 90_000, interval: 50 };
vi.setConfig({ testTimeout: 120_000 });

let receiver: Receiver;
// One each: what an earlier test has left pending finds nobody.
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(() => receiver.stop());

/** Switches a customer off and on: two events each time. */
async function flicker({ partner }: TestOrganization, customerId: string, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await partner.request(DEACTIVATE, { input: { customerId, reason: 'Test' } });
    await partner.request(REACTIVATE, { input: { customerId } });
  }
}

/** Lets retries fall due until something holds. */
function eventually(holds: () => unknown, step = MINUTE): Promise<unknown> {
  return vi.waitFor(async () => {
    clock.advance(step);
    await holds();
  }, { ...PATIENCE, interval: 100 });
}

const ids = (events: readonly ReceivedEvent[]): string[] => [...new Set(events.map(({ id }) => id))];
/** How the log tells that an endpoint was disabled. */
const disabled = (organizationId: string, webhookEndpointId: string, reason: string) =>
  expect.objectContaining({ msg: 'webhook endpoint disabled', organizationId, webhookEndpointId, reason });
const stateOf = async ({ partner }: TestOrganization) => (await partner.request(ENDPOINTS, {})).webhookEndpoints[0]!;

describe('payloads', () => {
  const CANARIES = ['Canaryfirst', 'Canarylast', '1977-07-07', 'Canarystreet 5', '94107', '321-54-9876', 'canary@example.com', 'Canarynumber7'];

  it('are in the vocabularies of the four services, of every kind of event, and hold no KYC data', async () => {
    const organization = await gateway.organization();
    const { partner } = organization;
    const { secret } = await newEndpoint(partner, receiver.url());
    const person = { ...CALIFORNIAN, legalFirstName: 'Canaryfirst', legalLastName: 'Canarylast', dateOfBirth: '1977-07-07', nationalIdNumber: '321-54-9876', address: { ...CALIFORNIAN.address, addressLine1: 'Canarystreet 5', postalCode: '94107' } };
    const customerId = await newCustomer(partner, { email: 'canary@example.com', partnerUserId: 'Canarynumber7' });
    const identityId = await submit(partner, customerId, person, { transactionType: 'INSTITUTIONAL_INDIVIDUAL', debugStatus: 'FAILED' });
    await advance(partner, EVALUATION);
    const documentId = await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK);
    await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    const other = await newCustomer(partner, { email: 'canary@example.com' });
    const passing = await submit(partner, other, person, { transactionType: 'INSTITUTIONAL_INDIVIDUAL' });
    await advance(partner, EVALUATION);
    await sign(partner, passing);
    await advance(partner, 0);
    await receiver.until(() => receiver.taken.some(({ event }) => event.event === 'kyc.verification.success'));
    await vi.waitFor(async () => expect((await deliveriesOf(partner)).every(({ status }) => status === 'SUCCEEDED')).toBe(true), PATIENCE);

    const shapes = new Map<string, string>();
    for (const request of receiver.taken) {
      verify(secret, request, clock.now());
      expect(request.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': request.event.id });
      for (const canary of CANARIES) expect(request.body + JSON.stringify(request.headers)).not.toContain(canary);
      const { event } = request;
      shapes.set(event.type ?? event.event!, `${Object.keys(event).join(' ')} | ${Object.keys(event.payload ?? {}).join(' ')}`);
    }
    const envelope = 'id type occurredAt version sequence payload | ';
    const customer = `${envelope}customerId oldStatus newStatus requiredDocuments fieldsToReenter reason`;
    const bank = 'id event customer_id kyc_status occurred_at sequence | ';
    expect(Object.fromEntries(shapes)).toEqual({
      'customer.created': customer,
      'customer.state_changed': customer,
      'identity.status_changed': `${envelope}identityId customerId oldStatus newStatus errorDescription`,
      'document.status_changed': `${envelope}documentId identityId customerId oldStatus newStatus errorDescription`,
      'signature.submitted': `${envelope}signatureId identityId customerId`,
      'kyc.verification.submitted': bank,
      'kyc.verification.document_required': bank,
      'kyc.verification.success': bank,
    });
    const events = receiver.taken.map(({ event }) => event);
    expect(events.find(({ type }) => type === 'document.status_changed')).toMatchObject({ payload: { documentId, identityId, customerId, oldStatus: null, newStatus: 'PENDING', errorDescription: null } });
    expect(events.find(({ event }) => event === 'kyc.verification.success')).toMatchObject({ customer_id: other, kyc_status: 'VERIFIED' });
    console.log(`Payloads: ${events.length} events of ${shapes.size} types, ${CANARIES.length} canaries in none`);
    expect(events.length).toBeGreaterThan(25);
  });

  it('an endpoint is told of what its patterns name, from its creation on, and of nothing else', async () => {
    const organization = await gateway.organization();
    const { partner } = organization;
    await newCustomer(partner);
    await newEndpoint(partner, receiver.url('/kyc'), { events: ['kyc.*', 'customer.created'] });
    await newEndpoint(partner, receiver.url('/identity'), { events: ['identity.*'] });
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, GERMAN);
    await advance(partner, EVALUATION);
    await vi.waitFor(async () => {
      const deliveries = await deliveriesOf(partner);
      expect(deliveries.filter(({ status }) => status === 'SUCCEEDED')).toHaveLength(6);
    }, PATIENCE);
    const told = (path: string): (string | undefined)[] => {
      const events = new Map(receiver.received.filter((request) => request.path === path).map(({ event }) => [event.id, event.type ?? event.event]));
      return [...events.values()];
    };
    expect(told('/kyc')).toEqual(['customer.created', 'kyc.verification.submitted', 'kyc.verification.document_required']);
    expect(told('/identity')).toEqual(Array(3).fill('identity.status_changed'));
  });
});

describe('signing', () => {
  it('after a rotation both secrets verify for a day, then the new one alone', async () => {
    const { partner } = await gateway.organization();
    const { id, secret: old } = await newEndpoint(partner, receiver.url());
    const send = async () => {
      const { sendTestEvent } = await partner.request(SEND_TEST_EVENT, { input: { endpointId: id } });
      await receiver.until(() => receiver.received.some(({ event }) => event.id === sendTestEvent.delivery.eventId));
      return receiver.received.at(-1)!;
    };
    verify(old, await send(), clock.now());
    const { rotateWebhookSecret } = await partner.request(ROTATE_SECRET, { input: { endpointId: id } });
    const both = await send();
    expect(String(both.headers['webhook-signature']).split(' ')).toHaveLength(2);
    for (const secret of [old, rotateWebhookSecret.secret]) verify(secret, both, clock.now());
    const again = await partner.request(ROTATE_SECRET, { input: { endpointId: id } });
    const three = await send();
    for (const secret of [old, rotateWebhookSecret.secret, again.rotateWebhookSecret.secret]) verify(secret, three, clock.now());
    clock.advance(DAY + MINUTE);
    const late = await send();
    verify(again.rotateWebhookSecret.secret, late, clock.now());
    expect(() => verify(old, late, clock.now())).toThrow();
    expect(() => verify(again.rotateWebhookSecret.secret, { ...late, body: `${late.body} ` }, clock.now())).toThrow();
    expect(() => verify(again.rotateWebhookSecret.secret, late, new Date(clock.now().getTime() + HOUR))).toThrow();
    expect(JSON.parse(late.body)).toEqual({ id: late.event.id, type: 'webhook.test', occurredAt: expect.any(String), version: 1, sequence: 0, payload: {} });
  });
});

describe('a receiver that fails', () => {
  const FAULTS: readonly Treatment[] = [
    { status: 500, body: 'x'.repeat(5_000) }, 'hang', 'reset', { status: 302, headers: { location: '/elsewhere' } }, { status: 429, headers: { 'retry-after': '2' } }, { status: 503 },
  ];
  const CUSTOMERS = 10;
  const TIMES = 3;

  it.each([false, true])('half of the time, hangs, resets and redirects gets every event, verified, and in order per customer unless parallel (%s)', async (parallel) => {
    const organization = await gateway.organization();
    const { id, secret } = await newEndpoint(organization.partner, receiver.url(), { parallel });
    const seen = new Map<string, number>();
    let requests = 0;
    let faults = 0;
    receiver.treat = ({ id: eventId }) => {
      requests += 1;
      const count = (seen.get(eventId) ?? 0) + 1;
      seen.set(eventId, count);
      // Every second request fails, each in another way, but none more than thrice.
      if (requests % 2 === 0 || count > 3) return { status: 200, body: 'thanks' };
      faults += 1;
      return FAULTS[faults % FAULTS.length]!;
    };
    const customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => newCustomer(organization.partner)));
    await Promise.all(customers.map((customerId) => flicker(organization, customerId, TIMES)));
    const expected = CUSTOMERS * (1 + 2 * TIMES);
    await eventually(() => expect(ids(receiver.taken.map(({ event }) => event))).toHaveLength(expected));
    await vi.waitFor(async () => expect((await deliveriesOf(organization.partner)).every(({ status }) => status === 'SUCCEEDED')).toBe(true), PATIENCE);

    for (const request of receiver.received) verify(secret, request, new Date(Number(request.headers['webhook-timestamp']) * 1_000));
    expect(receiver.received.every(({ path }) => path === '/')).toBe(true);
    for (const customerId of customers) {
      const sequences = receiver.taken.filter(({ event }) => customerOf(event) === customerId).map(({ event }) => event.sequence);
      const unique = [...new Set(sequences)];
      expect(unique).toHaveLength(1 + 2 * TIMES);
      if (!parallel) expect(unique).toEqual(unique.toSorted((left, right) => left - right));
    }
    const attempts = (await deliveriesOf(organization.partner, { endpointId: id })).flatMap((delivery) => delivery.attempts);
    expect(attempts.filter(({ responseStatus }) => responseStatus === 500).every(({ responseBody }) => responseBody === 'x'.repeat(1_024))).toBe(true);
    expect(attempts.filter(({ responseStatus }) => responseStatus === 302).every(({ error }) => error?.includes('Redirects'))).toBe(true);
    expect(attempts.filter(({ responseStatus }) => responseStatus === null).every(({ error, latencyMilliseconds }) => error !== null && latencyMilliseconds >= 0)).toBe(true);
    expect(attempts).toHaveLength(receiver.received.length);
    console.log(`Failing receiver (parallel ${parallel}): ${expected} events, ${receiver.received.length} requests, ${faults} of them failed; all arrived, all verified by both libraries`);
    expect(receiver.received.length).toBeGreaterThanOrEqual(expected * 1.5);
    expect(faults).toBeGreaterThanOrEqual(expected * 0.4);
  });

  it('with Retry-After is left alone for as long as it asks', async () => {
    const { partner } = await gateway.organization();
    const { id } = await newEndpoint(partner, receiver.url());
    receiver.treat = () => (receiver.received.length === 0 ? { status: 429, headers: { 'retry-after': '7200' } } : { status: 204 });
    await partner.request(SEND_TEST_EVENT, { input: { endpointId: id } });
    await vi.waitFor(async () => expect((await deliveriesOf(partner))[0]?.attempts).toHaveLength(1), PATIENCE);
    const [delivery] = await deliveriesOf(partner);
    const wait = new Date(delivery!.nextAttemptAt!).getTime() - new Date(delivery!.attempts[0]!.at).getTime();
    expect(wait).toBeGreaterThanOrEqual(2 * HOUR);
    expect(wait).toBeLessThan(2 * HOUR + MINUTE);
    clock.advance(HOUR);
    // Another event is taken meanwhile; the one that waits is not sent before its time.
    await partner.request(SEND_TEST_EVENT, { input: { endpointId: id } });
    await vi.waitFor(() => expect(receiver.received).toHaveLength(2), PATIENCE);
    expect(receiver.received[1]?.event.id).not.toBe(delivery?.eventId);
    clock.advance(HOUR + MINUTE);
    await receiver.until(() => receiver.received.length === 3);
    expect(receiver.received[2]?.event.id).toBe(delivery?.eventId);
  });

  it("is tried again by the real clock: moving the sandbox's brings no retry forward and waits for no receiver", async () => {
    const { partner } = await gateway.organization();
    await newEndpoint(partner, receiver.url());
    receiver.treat = () => ({ status: 429, headers: { 'retry-after': '7200' } });
    await newCustomer(partner);
    await vi.waitFor(async () => expect((await deliveriesOf(partner))[0]?.attempts).toHaveLength(1), PATIENCE);
    const before = await deliveriesOf(partner);
    await advance(partner, (10 * DAY) / 1_000);
    receiver.treat = () => 'hang';
    await partner.request(SEND_TEST_EVENT, { input: { endpointId: before[0]!.endpointId } });
    await receiver.until(() => receiver.received.length === 2);
    await advance(partner, DAY / 1_000);
    expect((await deliveriesOf(partner))[0]).toEqual(before[0]);
    expect(receiver.received[1]?.event.type).toBe('webhook.test');
  });

  it('with 410 is disabled at once; enabled again it gets what has happened meanwhile, in order', async () => {
    const organization = await gateway.organization();
    const { partner } = organization;
    const { id } = await newEndpoint(partner, receiver.url());
    receiver.treat = () => ({ status: 410 });
    const customerId = await newCustomer(partner);
    await vi.waitFor(async () => expect(await stateOf(organization)).toMatchObject({ status: 'DISABLED', disabledReason: 'GONE' }), PATIENCE);
    expect(lines).toContainEqual(disabled(organization.id, id, 'GONE'));
    await flicker(organization, customerId, 3);
    clock.advance(DAY);
    receiver.treat = () => ({ status: 204 });
    expect(receiver.received).toHaveLength(1);
    const { updateWebhookEndpoint } = await partner.request(UPDATE_ENDPOINT, { input: { endpointId: id, enabled: true } });
    expect(updateWebhookEndpoint.endpoint).toMatchObject({ status: 'ENABLED', disabledReason: null, failingSince: null });
    await receiver.until(() => receiver.taken.length === 7);
    expect(receiver.taken.map(({ event }) => event.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('for three days without an answer is disabled after twelve attempts, says so, and loses nothing', async () => {
    const organization = await gateway.organization();
    const { partner } = organization;
    const { id } = await newEndpoint(partner, receiver.url());
    receiver.treat = () => ({ status: 500 });
    await newCustomer(partner);
    const began = clock.now().getTime();
    await eventually(async () => expect(await stateOf(organization)).toMatchObject({ status: 'DISABLED', disabledReason: 'FAILING' }), 2 * HOUR);
    expect(lines).toContainEqual(disabled(organization.id, id, 'FAILING'));
    const [delivery] = await deliveriesOf(partner);
    expect(delivery).toMatchObject({ status: 'PENDING' });
    expect(delivery?.attempts).toHaveLength(12);
    const moments = delivery!.attempts.map(({ at }) => new Date(at).getTime());
    expect(moments.at(-1)! - moments[0]!).toBeGreaterThan(2.5 * DAY);
    expect(clock.now().getTime() - began).toBeGreaterThan(2.5 * DAY);
    receiver.treat = () => ({ status: 204 });
    await partner.request(UPDATE_ENDPOINT, { input: { endpointId: id, enabled: true } });
    await receiver.until(() => receiver.taken.length === 1);
    await vi.waitFor(async () => expect((await deliveriesOf(partner))[0]).toMatchObject({ status: 'SUCCEEDED' }), PATIENCE);
  });
});

describe('one slow or dead endpoint', () => {
  it("does not delay another's", async () => {
    const [dead, alive] = await Promise.all([gateway.organization(), gateway.organization()]);
    const [deadId, aliveId] = [(await newEndpoint(dead.partner, receiver.url('/dead'))).id, (await newEndpoint(alive.partner, receiver.url('/alive'))).id];
    receiver.treat = (_event, path) => (path === '/dead' ? 'hang' : { status: 204 });
    // More than its places: every one of them hangs.
    await Promise.all(Array.from({ length: 20 }, () => newCustomer(dead.partner)));
    await receiver.until(() => receiver.received.filter(({ path }) => path === '/dead').length >= 8);
    const began = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => newCustomer(alive.partner)));
    await receiver.until(() => receiver.taken.length === 20);
    const took = Math.round(performance.now() - began);
    expect(receiver.taken.every(({ path }) => path === '/alive')).toBe(true);
    console.log(`Beside a dead endpoint 20 events of another organization arrived in ${took} ms`);
    expect(took).toBeLessThan(10_000);
    expect((await deliveriesOf(alive.partner)).every(({ endpointId }) => endpointId === aliveId)).toBe(true);
    expect((await deliveriesOf(dead.partner)).every(({ endpointId }) => endpointId === deadId)).toBe(true);
  });
});

describe('replays', () => {
  it('of a delivery and of a range send the same events again, in order, and keep the log', async () => {
    const organization = await gateway.organization();
    const { partner } = organization;
    const { id } = await newEndpoint(partner, receiver.url(), { events: ['customer.*'] });
    const before = clock.now();
    const customerId = await newCustomer(partner);
    await flicker(organization, customerId, 2);
    await receiver.until(() => receiver.taken.length === 5);
    const original = receiver.taken.map(({ body }) => body);
    await vi.waitFor(async () => expect((await deliveriesOf(partner)).every(({ status }) => status === 'SUCCEEDED')).toBe(true), PATIENCE);
    const [first] = await deliveriesOf(partner);
    const { replayWebhookDelivery } = await partner.request(REPLAY_DELIVERY, { input: { deliveryId: first!.id } });
    expect(replayWebhookDelivery.delivery).toMatchObject({ eventId: first!.eventId, replayOf: first!.id, requestBody: first!.requestBody });
    await receiver.until(() => receiver.taken.length === 6);
    expect(receiver.taken.at(-1)).toMatchObject({ body: original[0], headers: { 'webhook-id': first!.eventId } });
    const range = { endpointId: id, after: new Date(before.getTime() - MINUTE).toISOString(), before: new Date(clock.now().getTime() + MINUTE).toISOString() };
    expect((await partner.request(REPLAY_EVENTS, { input: range })).replayWebhookEvents.count).toBe(5);
    await receiver.until(() => receiver.taken.length === 11);
    expect(receiver.taken.slice(6).map(({ body }) => body)).toEqual(original);
    expect((await partner.request(REPLAY_EVENTS, { input: { ...range, before: before.toISOString() } })).replayWebhookEvents.count).toBe(0);
    expect(await deliveriesOf(partner)).toHaveLength(11);
  });
});

describe('a gateway that stops in the middle', () => {
  it('has lost nothing when it starts again: what was under way and what nobody had looked at arrives, in order', async () => {
    const stopping = new TestGateway(ENVIRONMENT, { ...OVERRIDES, webhookTimeoutMilliseconds: 20_000 });
    await stopping.create();
    try {
      await stopping.start();
      const organization = await stopping.organization();
      const { secret } = await newEndpoint(organization.partner, receiver.url());
      // Some are taken, then every request hangs.
      receiver.treat = () => (receiver.received.length < 6 ? { status: 204 } : 'hang');
      const customers = await Promise.all(Array.from({ length: 12 }, () => newCustomer(organization.partner)));
      await Promise.all(customers.map((customerId) => flicker(organization, customerId, 2)));
      await receiver.until(() => receiver.received.length >= 10);
      await stopping.stop();
      const takenBefore = receiver.taken.length;
      const sentBefore = receiver.received.length;
      receiver.treat = () => ({ status: 204 });
      await stopping.start();
      const expected = 12 * 5;
      await receiver.until(() => ids(receiver.taken.map(({ event }) => event)).length === expected);
      for (const request of receiver.received) verify(secret, request, clock.now());
      for (const customerId of customers) {
        const sequences = [...new Set(receiver.taken.filter(({ event }) => customerOf(event) === customerId).map(({ event }) => event.sequence))];
        expect(sequences).toEqual(sequences.toSorted((left, right) => left - right));
      }
      console.log(`Stopped after ${takenBefore} of ${expected} events with ${sentBefore - takenBefore} under way: all ${expected} arrived, ${receiver.taken.length - expected} twice`);
      expect(takenBefore).toBeLessThan(expected);
      expect(sentBefore).toBeGreaterThan(takenBefore);
    } finally {
      await stopping.destroy();
    }
  });
});
