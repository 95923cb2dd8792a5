import autocannon from 'autocannon';

// The load, in a process of its own: takes one order at a time over IPC, and answers it.

/** What is to be asked of a server. */
export interface Order {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Taken in turn. `[<id>]` in a body or a header is replaced by something never sent before. */
  bodies: readonly string[];
  connections: number;
  /** How many requests. */
  amount: number;
}

/** What came of it. Milliseconds. */
export interface Outcome {
  requests: number;
  seconds: number;
  p50: number;
  p99: number;
  /** Requests that were not answered with 200 and data free of errors. */
  errors: number;
  /** The first such answer. */
  firstError: string | null;
}

/** What is not answered by then is an error. */
const TIMEOUT_SECONDS = 60;

function perform({ url, headers, bodies, connections, amount }: Order): Promise<Outcome> {
  const times: number[] = [];
  let errors = 0;
  let firstError: string | null = null;
  const note = (answer: string): void => {
    errors += 1;
    firstError ??= answer.slice(0, 500);
  };
  const started = performance.now();
  // autocannon itself ends at the next of its looks.
  let answered = started;
  return new Promise((resolve, reject) => {
    const options: autocannon.Options = {
      url, connections, amount, timeout: TIMEOUT_SECONDS, method: 'POST', headers: { 'content-type': 'application/json', ...headers }, idReplacement: headers['idempotency-key'] !== undefined,
      requests: bodies.map((body) => ({
        body,
        onResponse: (status: number, answer: string) => {
          if (status !== 200 || answer.includes('"errors":')) note(`${status} ${answer}`);
        },
      })),
    };
    const instance = autocannon(options, (error: Error | null) => {
      if (error) return reject(error);
      times.sort((left, right) => left - right);
      const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? NaN;
      resolve({ requests: times.length, seconds: (answered - started) / 1_000, p50: at(0.5), p99: at(0.99), errors, firstError });
    });
    instance.on('response', (_client, _status, _bytes, time) => {
      times.push(time);
      answered = performance.now();
    });
    instance.on('reqError', (error: Error) => note(error.message));
  });
}

process.on('message', (order: Order) => {
  perform(order).then(
    (outcome) => process.send?.({ outcome }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
