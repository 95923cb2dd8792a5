import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { addressBlock, addressReader } from '../src/core/caller-address.js';
import { ConfigError, readConfig } from '../src/core/config.js';

/** What of a request its address is read from. */
function request(peer: string, forwarded?: string): IncomingMessage {
  return { socket: { remoteAddress: peer }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } } as unknown as IncomingMessage;
}

describe('the address of a caller', () => {
  it.each([
    ['without trusted proxies it is the peer, whatever the header says', [], '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['a peer that is no trusted proxy is not believed', ['10.0.0.0/8'], '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['a trusted proxy is', ['10.0.0.0/8'], '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['what the client itself put before is not', ['10.0.0.0/8'], '10.1.2.3', '1.2.3.4, 198.51.100.1', '198.51.100.1'],
    ['several proxies in a row are', ['10.0.0.0/8', '192.0.2.1'], '10.1.2.3', '1.2.3.4, 198.51.100.1, 192.0.2.1', '198.51.100.1'],
    ['a word for networks', ['loopback'], '127.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['a trusted proxy that says nothing is the caller', ['loopback'], '127.0.0.1', undefined, '127.0.0.1'],
    ['what is no address is not one', ['loopback'], '127.0.0.1', 'unknown', '127.0.0.1'],
    ['IPv4 within IPv6 is IPv4', [], '::ffff:203.0.113.7', undefined, '203.0.113.7'],
    ['IPv6 is written in one way', ['loopback'], '::1', '2001:DB8:0:0::1', '2001:db8::1'],
  ])('%s', (_name, trusted, peer, forwarded, address) => {
    expect(addressReader(trusted)(request(peer, forwarded))).toBe(address);
  });

  it('limits are counted by the network of an IPv6 address, and by an IPv4 address', () => {
    expect(addressBlock('2001:db8:1:2:3:4:5:6')).toBe(addressBlock('2001:db8:1:2:ffff::'));
    expect(addressBlock('2001:db8:1:2::1')).not.toBe(addressBlock('2001:db8:1:3::1'));
    expect(addressBlock('203.0.113.7')).toBe('203.0.113.7');
  });

  it.each(['everybody', '10.0.0.0/99', '10.0.0.1,nonsense', '*'])('TRUST_PROXY=%s ends the start with a sentence', (value) => {
    expect(() => readConfig({ TRUST_PROXY: value })).toThrow(ConfigError);
    expect(() => readConfig({ TRUST_PROXY: value })).toThrow(/^TRUST_PROXY must be /);
  });
});
