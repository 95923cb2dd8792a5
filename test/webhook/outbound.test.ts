import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isPublicAddress } from '../../src/core/outbound.js';
import { Outbound, OutboundError, outboundFault } from '../../src/webhook/outbound.js';

/** What the names of these tests resolve to. */
const NAMES = vi.hoisted((): Record<string, string[]> => ({
  'rebound.example.com': ['127.0.0.1'],
  'mixed.example.com': ['93.184.215.14', '10.0.0.1'],
  'mapped.example.com': ['::ffff:127.0.0.1'],
  'metadata.example.com': ['169.254.169.254'],
}));
const lookups = vi.hoisted((): string[] => []);

vi.mock('node:dns/promises', async (original) => {
  const dns = await original<typeof import('node:dns/promises')>();
  const answer = (name: string, isSix: boolean): Promise<string[]> => {
    const addresses = NAMES[name]?.filter((address) => address.includes(':') === isSix) ?? [];
    return addresses.length > 0 ? Promise.resolve(addresses) : Promise.reject(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }));
  };
  class Resolver {
    resolve4(name: string): Promise<string[]> {
      lookups.push(name);
      return answer(name, false);
    }
    resolve6(name: string): Promise<string[]> {
      return answer(name, true);
    }
  }
  return { ...dns, Resolver };
});

const PRIVATE = [
  '127.0.0.1', '127.255.255.254', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '169.254.1.1', '100.64.0.1', '100.100.100.200',
  '192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '168.63.129.16',
  '::', '::1', '::7f00:1', '::93.184.215.14', '::ffff:127.0.0.1', '::ffff:93.184.215.14', '::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1', '100::1', '2001:db8::1', '2001::1', '2002:7f00:1::',
  'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fec0::1', 'ff02::1', '5f00::1',
];
const PUBLIC = ['93.184.215.14', '8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::200e'];
/** Other ways to write private addresses. */
const DISGUISED = ['0x7f.1', '2130706433', '017700000001', '127.1', '0x7f000001', '127.0.0.1.', '%31%32%37.0.0.1', '①②⑦.0.0.1', '[::ffff:7f00:1]', '[0:0:0:0:0:0:0:1]'];

describe('the guard of outbound URLs', () => {
  it.each(PRIVATE)('%s is no public address', (address) => {
    expect(isPublicAddress(address)).toBe(false);
    expect(outboundFault(`https://${address.includes(':') ? `[${address}]` : address}/hook`, false)).not.toBeNull();
  });

  it.each(PUBLIC)('%s is one', (address) => {
    expect(isPublicAddress(address)).toBe(true);
    expect(outboundFault(`https://${address.includes(':') ? `[${address}]` : address}/hook`, false)).toBeNull();
  });

  it.each(DISGUISED)('https://%s is refused', (host) => {
    expect(outboundFault(`https://${host}/hook`, false)).not.toBeNull();
  });

  it.each(['http://example.com/', 'ftp://example.com/', 'file:///etc/passwd', 'https://user:secret@example.com/', 'https://localhost/', 'https://api.localhost./', 'https://intern/', 'https://db.internal/', 'nonsense', ''])('%j is refused', (url) => {
    expect(outboundFault(url, false)).not.toBeNull();
  });

  it('for tests and local development private addresses without TLS may be allowed, nothing else', () => {
    expect(outboundFault('http://127.0.0.1:4001/', true)).toBeNull();
    expect(outboundFault('ftp://127.0.0.1/', true)).not.toBeNull();
    expect(outboundFault('http://user:secret@127.0.0.1/', true)).not.toBeNull();
  });
});

describe('guardedFetch', () => {
  let server: Server;
  let port: number;
  let connections = 0;
  const options = { method: 'POST', timeoutMilliseconds: 2_000, keepBytes: 8 } as const;
  const guarded = new Outbound(false);
  const open = new Outbound(true);

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: '/' }).end();
      else if (request.url === '/hang') return;
      else if (request.url === '/endless') {
        response.writeHead(200);
        const write = (): void => void (response.write('x'.repeat(65_536)) ? setImmediate(write) : response.once('drain', write));
        write();
        response.on('error', () => undefined);
      } else response.end('0123456789');
    });
    server.on('connection', () => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    await Promise.all([guarded.close(), open.close()]);
    server.closeAllConnections();
    server.close();
  });

  const failureOf = async (outbound: Outbound, url: string, signal?: AbortSignal): Promise<unknown> => {
    const error: unknown = await outbound.guardedFetch(url, { ...options, ...(signal ? { signal } : {}) }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OutboundError);
    return (error as OutboundError).failure;
  };

  it.each(Object.keys(NAMES))('a name that leads to a private address is not connected to: %s', async (name) => {
    connections = 0;
    lookups.length = 0;
    expect(await failureOf(guarded, `https://${name}:${port}/`)).toBe('ADDRESS_REFUSED');
    expect(lookups).toEqual([name]);
    expect(connections).toBe(0);
  });

  it('a literal private address is not connected to', async () => {
    connections = 0;
    expect(await failureOf(guarded, `https://127.0.0.1:${port}/`)).toBe('ADDRESS_REFUSED');
    expect(await failureOf(guarded, `http://127.0.0.1:${port}/`)).toBe('ADDRESS_REFUSED');
    expect(connections).toBe(0);
  });

  it('an unknown name, a closed port, a time-out and an interruption are told apart', async () => {
    expect(await failureOf(guarded, 'https://nowhere.example.com/')).toBe('NAME_UNKNOWN');
    expect(await failureOf(open, 'http://127.0.0.1:1/')).toBe('CONNECTION_FAILED');
    expect(await failureOf(open, `http://127.0.0.1:${port}/hang`)).toBe('TIMED_OUT');
    expect(await failureOf(open, `http://127.0.0.1:${port}/hang`, AbortSignal.timeout(20))).toBe('INTERRUPTED');
  });

  it('redirects are answers, bodies are cut', async () => {
    expect((await open.guardedFetch(`http://127.0.0.1:${port}/redirect`, options)).status).toBe(302);
    expect(await open.guardedFetch(`http://127.0.0.1:${port}/`, options)).toMatchObject({ status: 200, body: Buffer.from('01234567'), isComplete: false });
    expect(await open.guardedFetch(`http://127.0.0.1:${port}/`, { ...options, keepBytes: 10 })).toMatchObject({ body: Buffer.from('0123456789'), isComplete: true });
    expect(await open.guardedFetch(`http://127.0.0.1:${port}/endless`, options)).toMatchObject({ status: 200, body: Buffer.from('xxxxxxxx'), isComplete: false });
  });
});
