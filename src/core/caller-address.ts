import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import proxyAddress from 'proxy-addr';

/** Tells from which IP address a request comes. */
export type AddressOf = (request: IncomingMessage) => string;

/**
 * The address of the one who asks: the peer of the socket, or what trusted proxies say in X-Forwarded-For, read from the
 * right to the first address that is not trusted. Nobody else's word is taken. IPv4 in IPv6 is written as IPv4.
 * @param trustedProxies addresses, networks (10.0.0.0/8) or the words loopback, linklocal and uniquelocal.
 */
export function addressReader(trustedProxies: readonly string[]): AddressOf {
  const trust = proxyAddress.compile([...trustedProxies]);
  return (request) => {
    // The socket may have closed already.
    const peer = request.socket.remoteAddress ?? '0.0.0.0';
    if (trustedProxies.length === 0) return plain(peer);
    const named = proxyAddress(request, trust) ?? peer;
    return plain(isIP(named) === 0 ? peer : named);
  };
}

/** Whether each of these can be trusted in: an address, a network or one of the words. */
export function areProxies(trustedProxies: readonly string[]): boolean {
  try {
    proxyAddress.compile([...trustedProxies]);
    return true;
  } catch {
    return false;
  }
}

/** Bits of an IPv6 address that one subscriber is given: whoever has one address of a network has them all (RFC 6177). */
const IPV6_NETWORK_BITS = 64;
const BITS_OF_A_BYTE = 8;

/** What limits are counted by: an IPv4 address, or the network of an IPv6 address. */
export function addressBlock(address: string): string {
  if (isIP(address) !== 6) return address;
  const bytes = ipaddr.parse(address).toByteArray();
  return ipaddr.fromByteArray(bytes.fill(0, IPV6_NETWORK_BITS / BITS_OF_A_BYTE)).toString();
}

function plain(address: string): string {
  // As most are, and written in one way only.
  if (isIPv4(address)) return address;
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;
}
