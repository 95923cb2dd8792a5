import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Redirects that are followed, each checked like the first address: stores redirect once, to where the file lies. */
const MOST_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const OK = 200;
/** The range that global unicast addresses are given out of; whatever else IPv6 has (mapped, `::/96`, local) reaches places of its own. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** Public by its range, yet it is the host of every virtual machine of one large cloud. */
const METADATA_ADDRESSES = new Set(['168.63.129.16']);

/** Why something was not fetched, in words that the partner may read: nothing of the inner network, nothing of the answer. */
export class OutboundFault extends Error {}

/** Whether an address belongs to the public internet. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (METADATA_ADDRESSES.has(parsed.toString())) return false;
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || (parsed as ipaddr.IPv6).match(GLOBAL_IPV6);
}

/** What of an address can be refused without looking its name up; null when nothing. */
export function urlFault(url: string, allowPrivate: boolean): string | null {
  if (!URL.canParse(url)) return 'This is not an absolute URL.';
  const { protocol, hostname, username, password } = new URL(url);
  if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:')) return 'The URL must begin with https://.';
  if (username !== '' || password !== '') return 'The URL must not hold a user name or password.';
  // The parser has brought every spelling of an IPv4 address (decimal, octal, hexadecimal, short) into one form.
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (!allowPrivate && ipaddr.isValid(literal) && !isPublicAddress(literal)) return 'The URL leads to an address that is not public.';
  return null;
}

/** Looks a name up, as dns.lookup does. */
export type Lookup = (hostname: string, options: LookupOptions, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void) => void;

export interface OutboundOptions {
  /** Lets http and addresses that are not public pass: for tests and closed networks. */
  allowPrivate: boolean;
  lookup?: Lookup;
}

/** What one fetch may cost. */
export interface FetchLimits {
  maxBytes: number;
  /** In all, redirects and body included. */
  timeoutMilliseconds: number;
  /** Sent as the Accept header. */
  accept: string;
}

/**
 * Fetches addresses that strangers have given. Every address that a name resolves to is checked and the connection is
 * made to one that was checked, so that a name which answers differently the second time gains nothing.
 */
export class OutboundClient {
  readonly #lookup: LookupFunction;
  readonly #allowPrivate: boolean;

  constructor({ allowPrivate, lookup = systemLookup as Lookup }: OutboundOptions) {
    this.#allowPrivate = allowPrivate;
    this.#lookup = checkedLookup(lookup, allowPrivate);
  }

  /** The reason why this address would not be asked at all, or null. */
  refuses(url: string): string | null {
    return urlFault(url, this.#allowPrivate);
  }

  /** The bytes of an answer of status 200. Throws OutboundFault before or while they are read. */
  async *fetch(url: string, limits: FetchLimits): AsyncGenerator<Uint8Array> {
    const signal = AbortSignal.timeout(limits.timeoutMilliseconds);
    try {
      const answer = await this.#ask(url, limits.accept, signal);
      let received = 0;
      try {
        if (Number(answer.headers['content-length'] ?? 0) > limits.maxBytes) throw tooLarge(limits.maxBytes);
        for await (const chunk of answer) {
          received += (chunk as Uint8Array).byteLength;
          if (received > limits.maxBytes) throw tooLarge(limits.maxBytes);
          yield chunk as Uint8Array;
        }
      } finally {
        answer.destroy();
      }
    } catch (error) {
      throw signal.aborted ? new OutboundFault('The file did not come in time.') : faultOf(error);
    }
  }

  async #ask(first: string, accept: string, signal: AbortSignal): Promise<IncomingMessage> {
    let url = first;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const fault = this.refuses(url);
      if (fault !== null) throw new OutboundFault(fault);
      const answer = await this.#get(url, accept, signal);
      if (answer.statusCode === OK) return answer;
      answer.destroy();
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.statusCode ?? 0) || location === undefined || !URL.canParse(location, url)) {
        throw new OutboundFault(`The address answered with status ${answer.statusCode}.`);
      }
      url = new URL(location, url).href;
    }
    throw new OutboundFault(`The address redirects more than ${MOST_REDIRECTS} times.`);
  }

  /** One request on a connection of its own. By Node's own client: undici's ends the process when a server hangs up on a slow reader (tried, 7.30). */
  #get(url: string, accept: string, signal: AbortSignal): Promise<IncomingMessage> {
    const get = url.startsWith('https:') ? getSecure : getPlain;
    return new Promise((resolve, reject) => {
      const options = { lookup: this.#lookup, agent: false, signal, headers: { accept, 'accept-encoding': 'identity' } };
      // Permanent, both: what is destroyed before its end says so once more, and unheard that would end the process.
      get(url, options, (answer) => resolve(answer.on('error', () => undefined))).on('error', reject);
    });
  }
}

function tooLarge(maxBytes: number): OutboundFault {
  return new OutboundFault(`The file has more than ${maxBytes} bytes.`);
}

/** A fault keeps its words; what the network says stays inside, for it tells of networks. */
function faultOf(error: unknown): OutboundFault {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof OutboundFault) return cause;
  return new OutboundFault('The address could not be reached.');
}

function checkedLookup(lookup: Lookup, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const first = error ? undefined : addresses[0];
      if (!first) return callback(error ?? new OutboundFault('The address could not be reached.'), []);
      // One private address among public ones is an attack or a mistake: neither is fetched from.
      if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(new OutboundFault('The URL leads to an address that is not public.'), []);
      }
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
