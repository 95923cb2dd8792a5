import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { isPublicAddress, OutboundClient, OutboundFault, urlFault, type Lookup } from '../src/core/outbound.js';
import { useFileServer } from './support/file-server.js';

const LIMITS = { maxBytes: 1000, timeoutMilliseconds: 300, accept: '*/*' };
const server = useFileServer(() =>
  Promise.resolve({
    '/small': Buffer.alloc(1000),
    '/large': Buffer.alloc(1001),
    '/large-unannounced': (_request, response) => {
      response.write(Buffer.alloc(600));
      response.end(Buffer.alloc(600));
    },
    '/slow': (_request, response) => void response.write('x'),
    '/round': (_request, response) => void response.writeHead(302, { location: '/round' }).end(),
    '/file': (_request, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/once': (_request, response) => void response.writeHead(307, { location: '/small' }).end(),
    '/escape': (_request, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
  }),
);
const open = new OutboundClient({ allowPrivate: true });
const take = (client: OutboundClient, url: string): Promise<Buffer> => buffer(Readable.from(client.fetch(url, LIMITS)));

/** One machine in many spellings, and the addresses of clouds and inner networks. */
const FORBIDDEN = [
  '127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', '127.255.255.254', '0', '0.0.0.0',
  '%31%32%37.0.0.1', '127。0。0。1', '１２７.0.0.1',
  '[::1]', '[0:0:0:0:0:0:0:1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:0001]', '[::127.0.0.1]', '[::7f00:1]',
  '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[::ffff:0:127.0.0.1]',
  '10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1', '100.100.100.200', '169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', '[fec0::1]', '192.0.0.192', '168.63.129.16',
  '224.0.0.1', '255.255.255.255', '198.18.0.1', '[ff02::1]', '[2001:db8::1]',
];

describe('addresses that are not public', () => {
  it('are refused in every spelling, before anything is asked', () => {
    const passed = FORBIDDEN.filter((host) => urlFault(`https://${host}/x.jpg`, false) === null);
    console.log(`Spellings of forbidden addresses refused: ${FORBIDDEN.length - passed.length} of ${FORBIDDEN.length}`);
    expect(passed).toEqual([]);
  });

  it('public ones are not refused', () => {
    for (const host of ['8.8.8.8', '[2606:4700::1111]', 'example.com']) expect(urlFault(`https://${host}/x.jpg`, false)).toBeNull();
    expect(isPublicAddress('93.184.216.34')).toBe(true);
  });

  it.each(['http://example.com/x', 'ftp://example.com/x', 'file:///etc/passwd', 'data:image/png;base64,AAAA', 'https://user:secret@example.com/x'])('%s is refused', (url) => {
    expect(urlFault(url, false)).not.toBeNull();
  });

  it.each([
    ['a name of this machine', [{ address: '127.0.0.1', family: 4 }]],
    ['one private address among public ones', [{ address: '93.184.216.34', family: 4 }, { address: '10.0.0.1', family: 4 }]],
    ['a mapped address', [{ address: '::ffff:169.254.169.254', family: 6 }]],
    ['an IPv4-compatible address', [{ address: '::127.0.0.1', family: 6 }]],
  ])('a name is refused that resolves to %s', async (_name, addresses) => {
    const lookup: Lookup = (_hostname, _options, callback) => callback(null, addresses);
    const guarded = new OutboundClient({ allowPrivate: false, lookup });
    await expect(take(guarded, 'https://files.example/x.jpg')).rejects.toThrow('not public');
  });

  it('a name is looked up once, and connected to as it was checked', async () => {
    let asked = 0;
    const lookup: Lookup = (_hostname, _options, callback) => {
      asked += 1;
      callback(null, [{ address: asked === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }]);
    };
    const client = new OutboundClient({ allowPrivate: true, lookup });
    expect(await take(client, server.url('/small').replace('127.0.0.1', 'files.example'))).toHaveLength(1000);
    expect(asked).toBe(1);
  });
});

describe('what is fetched', () => {
  it.each(['/small', '/once'])('%s arrives whole', async (path) => {
    expect(await take(open, server.url(path))).toHaveLength(1000);
  });

  it.each([
    ['/large', 'more than 1000 bytes'],
    ['/large-unannounced', 'more than 1000 bytes'],
    ['/slow', 'in time'],
    ['/round', 'redirects more than'],
    ['/file', 'must begin with https'],
    ['/missing', 'status 404'],
  ])('%s is refused: %s', async (path, words) => {
    await expect(take(open, server.url(path))).rejects.toThrow(words);
    await expect(take(open, server.url(path))).rejects.toBeInstanceOf(OutboundFault);
  });

  it('a redirect into the inner network is refused, and tells nothing of it', async () => {
    // Only the redirect's target is an address that is checked here: the first name passes for a public one.
    const redirect = server.url('/escape');
    const guarded = new (class extends OutboundClient {
      override refuses(url: string): string | null {
        return url === redirect ? null : urlFault(url, false);
      }
    })({ allowPrivate: true });
    await expect(take(guarded, redirect)).rejects.toThrow('must begin with https');
  });

  it('an address where nobody listens is an OutboundFault without the network\'s words', async () => {
    await expect(take(open, 'http://127.0.0.1:1/x')).rejects.toThrow(/^The address could not be reached\.$/);
  });
});
