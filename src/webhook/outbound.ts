import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { request as requestPlain, Agent as PlainAgent, type IncomingMessage } from 'node:http';
import { request as requestSecure, Agent as SecureAgent } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from '../core/outbound.js';

/** A request to a host that somebody outside has named. */
export interface OutboundOptions {
  method: 'GET' | 'POST';
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** For everything from the name to the last byte that is read. */
  timeoutMilliseconds: number;
  /** More of the answer than this is not kept. */
  keepBytes: number;
  /** Ends the request early. */
  signal?: AbortSignal;
}

export interface OutboundAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
  /** False when there was more than `keepBytes`, or the connection or the time ended before the body did. */
  isComplete: boolean;
}

export type OutboundFailure = 'ADDRESS_REFUSED' | 'NAME_UNKNOWN' | 'TIMED_OUT' | 'INTERRUPTED' | 'CONNECTION_FAILED';

const FAILURES: Readonly<Record<OutboundFailure, string>> = {
  ADDRESS_REFUSED: 'The URL leads to an address that is not public.',
  NAME_UNKNOWN: 'The host name could not be resolved.',
  TIMED_OUT: 'There was no answer in time.',
  INTERRUPTED: 'The request was interrupted from this side.',
  CONNECTION_FAILED: 'The connection could not be made, or broke before there was an answer.',
};

/** A request without an answer. The message says nothing of addresses behind the name. */
export class OutboundError extends Error {
  constructor(readonly failure: OutboundFailure) {
    super(FAILURES[failure]);
  }
}

const NAME_TIMEOUT_MILLISECONDS = 2_000;
/** What an answer has beyond what is kept is read up to here, so that its connection can be used again. */
const DRAINED_BYTES = 16_384;
/** Names that mean this machine or this network wherever they resolve to. */
const PRIVATE_NAME = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home\.arpa)\.?$/i;
/** Why a URL may not be requested, in a sentence, as far as can be said without resolving its name; null when it may. */
export function outboundFault(text: string, allowPrivate: boolean): string | null {
  if (!URL.canParse(text)) return 'Expected an absolute URL such as https://example.com/webhooks.';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'The URL has to begin with https://.';
  if (url.username !== '' || url.password !== '') return 'The URL must not hold a user name or password.';
  if (allowPrivate) return null;
  const host = hostOf(url);
  const isPublic = isIP(host) === 0 ? host.includes('.') && !PRIVATE_NAME.test(host) : isPublicAddress(host);
  return isPublic ? null : 'The URL has to lead to a public address.';
}

/** The host as net and dns know it: IPv6 without brackets. The parser has made every form of IPv4 the usual one. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/**
 * Requests URLs that callers have named. Every address that a name resolves to is checked, and the connection goes to
 * the very address that was checked; literal addresses, which no look-up sees, are checked before. Redirects are not
 * followed.
 */
export class Outbound {
  readonly #plain: PlainAgent;
  readonly #secure: SecureAgent;

  /** `allowPrivate` switches the guard off: for tests and local development. */
  constructor(private readonly allowPrivate: boolean) {
    const options = { keepAlive: true, ...(allowPrivate ? {} : { lookup: checkedLookup }) };
    this.#plain = new PlainAgent(options);
    this.#secure = new SecureAgent(options);
  }

  /** Throws OutboundError when there is no answer. An answer stands even if its body broke off. */
  async guardedFetch(url: string, options: OutboundOptions): Promise<OutboundAnswer> {
    if (outboundFault(url, this.allowPrivate) !== null) throw new OutboundError('ADDRESS_REFUSED');
    const timeout = AbortSignal.timeout(options.timeoutMilliseconds);
    const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
    try {
      const answer = await this.#ask(url, options, signal);
      return { status: answer.statusCode ?? 0, headers: answer.headers, ...(await readSome(answer, options.keepBytes)) };
    } catch (error) {
      throw new OutboundError(timeout.aborted ? 'TIMED_OUT' : options.signal?.aborted ? 'INTERRUPTED' : failureOf(error));
    }
  }

  /** Lets go of all connections. */
  close(): Promise<void> {
    this.#plain.destroy();
    this.#secure.destroy();
    return Promise.resolve();
  }

  #ask(url: string, { method, headers = {}, body }: OutboundOptions, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      // Permanent, both: what is destroyed before its end says so once more, and unheard that would end the process.
      const answered = (answer: IncomingMessage): void => resolve(answer.on('error', () => undefined));
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const settings = { method, headers: { ...headers, ...length }, signal };
      const request = url.startsWith('https:')
        ? requestSecure(url, { ...settings, agent: this.#secure }, answered)
        : requestPlain(url, { ...settings, agent: this.#plain }, answered);
      request.on('error', reject).end(body);
    });
  }
}

function failureOf(error: unknown): OutboundFailure {
  if (error instanceof OutboundError) return error.failure;
  const code = (error as { code?: unknown }).code;
  // Of the system's own look-up, which is used where private addresses are allowed.
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'NAME_UNKNOWN';
  if (code === 'ETIMEDOUT') return 'TIMED_OUT';
  return 'CONNECTION_FAILED';
}

/** Resolves a name for a connection, and refuses it if any of its addresses is not public. */
const checkedLookup: LookupFunction = (hostname, options, callback) => {
  addressesOf(hostname).then(
    (addresses) => {
      const first = addresses[0];
      if (!first) return callback(new OutboundError('NAME_UNKNOWN'), '', 0);
      if (!addresses.every(({ address }) => isPublicAddress(address))) return callback(new OutboundError('ADDRESS_REFUSED'), '', 0);
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
    },
    (error: Error) => callback(error, '', 0),
  );
};

/**
 * Every address of a name. Asked of the name servers themselves: the system's own look-up has four threads for the whole
 * process, and one partner's dead name server would hold up everybody.
 */
async function addressesOf(hostname: string): Promise<LookupAddress[]> {
  const resolver = new Resolver({ timeout: NAME_TIMEOUT_MILLISECONDS, tries: 2 });
  const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  return [
    ...(four.status === 'fulfilled' ? four.value : []).map((address) => ({ address, family: 4 })),
    ...(six.status === 'fulfilled' ? six.value : []).map((address) => ({ address, family: 6 })),
  ];
}

/** Reads a body up to a limit. What breaks it off leaves what was read. */
async function readSome(body: AsyncIterable<Buffer>, keepBytes: number): Promise<Pick<OutboundAnswer, 'body' | 'isComplete'>> {
  const kept: Buffer[] = [];
  let size = 0;
  let isComplete = true;
  try {
    for await (const chunk of body) {
      if (size < keepBytes) kept.push(chunk.subarray(0, keepBytes - size));
      size += chunk.length;
      if (size > Math.max(keepBytes, DRAINED_BYTES)) break;
    }
    isComplete = size <= keepBytes;
  } catch {
    isComplete = false;
  }
  return { body: Buffer.concat(kept), isComplete };
}
