import { randomUUID } from 'node:crypto';
import autocannon from 'autocannon';
import { busyPart, TIMEOUT_SECONDS, type Order, type Outcome, type Step } from './order.ts';

// The load of autocannon, in a process of its own: takes one order at a time over IPC, and answers it.

/** What a connection knows of the flow that it is at. */
interface Context {
  headers?: Readonly<Record<string, string>>;
  unique?: string;
  id?: string;
}

/** Milliseconds between two looks of autocannon at whether it is done. */
const LOOK = 100;
const LONGEST_ERROR = 500;

function perform(order: Order): Promise<Outcome> {
  const { url, flows, connections, amount } = order;
  const steps = flows[0]?.length ?? 1;
  const times: number[] = [];
  const failures: string[] = [];
  const started = performance.now();
  // autocannon itself ends at the next of its looks.
  let answered = started;
  const busy = busyPart(amount * steps);
  let busyUntil = started;
  return new Promise((resolve, reject) => {
    const requests = flows.map((flow) => flow.map((step, place) => requestOf(order, step, place === 0, (answer) => failures.push(answer.slice(0, LONGEST_ERROR)))));
    let opened = 0;
    const setupClient = (client: autocannon.Client): void => client.setRequests(requestsFrom(requests, Math.floor((opened++ * flows.length) / connections)));
    // What a connection is made with it copies and builds; what it asks it is given after.
    const options: autocannon.Options = { url, connections, amount: amount * steps, method: 'POST', timeout: TIMEOUT_SECONDS, sampleInt: LOOK, requests: requests[0] ?? [], setupClient };
    const instance = autocannon(options, (error: Error | null) => {
      if (error) return reject(error);
      times.sort((left, right) => left - right);
      const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? NaN;
      resolve({ requests: times.length / steps, seconds: (answered - started) / 1_000, rate: (busy / steps / (busyUntil - started)) * 1_000, p50: at(0.5), p99: at(0.99), errors: failures.length, firstError: failures[0] ?? null, bytes: null });
    });
    instance.on('response', (_client, _status, _bytes, time) => {
      times.push(time);
      answered = performance.now();
      if (times.length === busy) busyUntil = answered;
    });
    instance.on('reqError', (error: Error) => failures.push(error.message));
  });
}

/** All flows, from one of them on: connections that went through them in step would all ask the same at the same time. */
function requestsFrom(flows: readonly (readonly autocannon.Request[])[], first: number): autocannon.Request[] {
  // Each connection keeps with a request what it sends of it.
  return [...flows.slice(first), ...flows.slice(0, first)].flat().map((request) => ({ ...request }));
}

/** A request that is what it says where nothing of it changes, which costs the load least. */
function requestOf({ headers, flows }: Order, { body, keep }: Step, isFirst: boolean, fail: (answer: string) => void): autocannon.Request {
  const [only] = headers;
  const isPlain = headers.length === 1 && (flows[0]?.length ?? 0) === 1 && !body.includes('{{');
  const onResponse = (status: number, answer: string, context: Context): void => {
    if (status !== 200 || answer.includes('"errors":')) fail(`${status} ${answer}`);
    if (keep) context.id = new RegExp(keep).exec(answer)?.[1] ?? '';
  };
  if (isPlain) return { headers: { 'content-type': 'application/json', ...only }, body, onResponse };
  const setupRequest = (request: autocannon.Request, context: Context): autocannon.Request => {
    if (isFirst) Object.assign(context, { headers: headers[Math.floor(Math.random() * headers.length)], unique: randomUUID() });
    const text = body.replaceAll('{{unique}}', context.unique ?? '').replaceAll('{{id}}', context.id ?? '');
    return { ...request, headers: { 'content-type': 'application/json', ...context.headers, 'idempotency-key': randomUUID() }, body: text };
  };
  return { setupRequest: setupRequest as autocannon.Request['setupRequest'], onResponse };
}

process.on('message', (order: Order) => {
  perform(order).then(
    (outcome) => process.send?.({ outcome }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
