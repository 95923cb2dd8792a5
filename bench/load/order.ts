/** One request of a flow. `{{unique}}` in its body becomes something never sent before, `{{id}}` what the step before has answered. */
export interface Step {
  body: string;
  /** What is kept of the answer as `{{id}}`: the first group of this expression. */
  keep?: string;
}

/** What is to be asked of a server. */
export interface Order {
  url: string;
  /** Of every request; where there are several, each flow takes one of them. */
  headers: readonly Readonly<Record<string, string>>[];
  /** Flows, taken in turn, by each connection from another on. Most have one step. */
  flows: readonly (readonly Step[])[];
  connections: number;
  /** How many flows. */
  amount: number;
  /** Whether wrk looks at every answer, as autocannon always does; else at its status alone. */
  isLookedAt: boolean;
}

/** What came of it. Milliseconds. */
export interface Outcome {
  /** Flows. */
  requests: number;
  seconds: number;
  /** Flows a second while every connection had something to ask: each has its share of them, and the last are alone. */
  rate: number;
  /** Of single requests; wrk adds to those that took long what others would have waited meanwhile. */
  p50: number;
  p99: number;
  /** Requests that were not answered with 200 and data free of errors. */
  errors: number;
  /** The first such answer. */
  firstError: string | null;
  /** Of all answers together; null where autocannon has asked. */
  bytes: number | null;
}

/** What is not answered by then is an error. */
export const TIMEOUT_SECONDS = 60;
/** The share of all answers that a rate is taken over. */
const BUSY = 0.9;

/** How many of so many answers a rate is taken over. */
export function busyPart(answers: number): number {
  return Math.floor(answers * BUSY);
}
