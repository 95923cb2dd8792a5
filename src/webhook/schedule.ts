const SECOND = 1_000;
const DAY = 86_400 * SECOND;

/** The first at once and eleven more: over about three days in all. */
export const ATTEMPTS = 12;
/** A receiver that restarts is back by then. */
const FIRST_DELAY = 10 * SECOND;
const GROWTH = 3;
/** Someone looks at a receiver once a day. */
const LONGEST_DELAY = DAY;
/** Each delay is up to this part longer or shorter, so that what failed together does not come back together. */
const JITTER = 0.2;

/** How the receiver answered an attempt, as far as it decides what comes next. */
export interface AttemptAnswer {
  /** Null: there was no answer. */
  status: number | null;
  /** The value of the header, if there was one. */
  retryAfter: string | null;
}

/** Where the delivery and its endpoint stand when an attempt has ended. */
export interface AttemptFacts {
  /** Attempts made, this one included. */
  attempts: number;
  now: Date;
  /** When the delivery was attempted first, by its present schedule. */
  startedAt: Date;
  /** Since when no attempt at anything has reached the endpoint, this one included. */
  failingSince: Date;
  /** A number from 0 up to 1, drawn for the jitter. */
  random: number;
}

/** What comes of an attempt. A disabled endpoint keeps what is pending for the day it is enabled again. */
export type Conclusion = { next: 'SUCCEED' } | { next: 'RETRY'; at: Date } | { next: 'GIVE_UP' } | { next: 'DISABLE'; reason: 'GONE' | 'FAILING' };

const GONE = 410;

/** Decides what comes after an attempt. Pure. */
export function conclude(answer: AttemptAnswer, facts: AttemptFacts): Conclusion {
  const { status } = answer;
  if (status !== null && status >= 200 && status < 300) return { next: 'SUCCEED' };
  if (status === GONE) return { next: 'DISABLE', reason: 'GONE' };
  if (facts.attempts < ATTEMPTS) return { next: 'RETRY', at: retryAt(answer.retryAfter, facts) };
  // Nothing at all has arrived since this delivery began: it is the endpoint, not the event.
  return facts.failingSince <= facts.startedAt ? { next: 'DISABLE', reason: 'FAILING' } : { next: 'GIVE_UP' };
}

/** The wait after so many attempts, without jitter, in milliseconds. */
export function delayAfter(attempts: number): number {
  return Math.min(FIRST_DELAY * GROWTH ** (attempts - 1), LONGEST_DELAY);
}

function retryAt(retryAfter: string | null, { attempts, now, random }: AttemptFacts): Date {
  const jittered = delayAfter(attempts) * (1 - JITTER + 2 * JITTER * random);
  const asked = retryAfter === null ? 0 : Math.min(retryAfterMilliseconds(retryAfter, now), LONGEST_DELAY);
  return new Date(now.getTime() + Math.round(Math.max(jittered, asked)));
}

/** The wait that a Retry-After header asks for, in seconds or as a date; 0 when it is neither or past. */
export function retryAfterMilliseconds(header: string, now: Date): number {
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * SECOND;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now.getTime());
}
