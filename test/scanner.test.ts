import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../src/core/config.js';
import { notFound } from '../src/core/errors.js';
import { createLog } from '../src/core/log.js';
import type { ScannerAddress } from '../src/core/scanner-address.js';
import { clamdScanner } from '../src/document/scanner.js';

const log = createLog({ logLevel: 'silent' });
const FILE = Buffer.alloc(3_000_000, 7);
const TIME_LIMIT = 300;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers as it likes. */
async function listening(answer: (socket: Socket) => void, path?: string): Promise<ScannerAddress> {
  const server = createServer({ allowHalfOpen: true }, (socket) => answer(socket.on('error', () => undefined)));
  servers.push(server);
  await new Promise<void>((resolve) => (path === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve)));
  return path === undefined ? { host: '127.0.0.1', port: (server.address() as AddressInfo).port } : { path };
}

/** Answers once it has the whole file. */
const after = (answer: string) => (socket: Socket): void => {
  let end = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    end = Buffer.concat([end, chunk]).subarray(-5);
    if (end.subarray(-4).equals(Buffer.alloc(4))) socket.end(answer);
  });
};

const scan = (address: ScannerAddress, file: AsyncIterable<Uint8Array> = Readable.from([FILE])): Promise<boolean> => clamdScanner(address, log, TIME_LIMIT).isInfected(file);

describe('a virus scanner that does not say that a file is clean', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['hangs without reading', (socket) => socket.pause()],
    ['reads and never answers', (socket) => socket.resume()],
    ['hangs up at once', (socket) => socket.destroy()],
    ['resets in the middle', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
    ['ends without an answer', after('')],
    ['found a limit exceeded', after('INSTREAM size limit exceeded. ERROR\0')],
    ['says so before it has all', (socket) => socket.end('INSTREAM size limit exceeded. ERROR\0')],
    ['answers in part', after('stream: OK')],
    ['answers more than one thing', after('stream: OK\0stream: x FOUND\0')],
    ['speaks HTTP', after('HTTP/1.1 200 OK\r\n\r\n')],
  ])('%s: SERVICE_UNAVAILABLE, in time', async (_name, answer) => {
    const started = performance.now();
    await expect(scan(await listening(answer))).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 5 } });
    expect(performance.now() - started).toBeLessThan(10 * TIME_LIMIT);
  });

  it('is not there: SERVICE_UNAVAILABLE', async () => {
    for (const address of [{ host: '127.0.0.1', port: 1 }, { path: '/nowhere/clamd.sock' }]) {
      await expect(scan(address)).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
    }
  });

  it('a file that cannot be read is no fault of its', async () => {
    async function* missing(): AsyncGenerator<Uint8Array> {
      yield FILE;
      throw notFound('file');
    }
    await expect(scan(await listening(after('stream: OK\0')), missing())).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
  });
});

describe('a virus scanner that answers', () => {
  it('is believed, over TCP and over a socket of the file system', async () => {
    const path = join(tmpdir(), `clamd-${process.pid}.sock`);
    expect(await scan(await listening(after('stream: OK\0')))).toBe(false);
    expect(await scan(await listening(after('stream: Eicar-Test-Signature FOUND\0')))).toBe(true);
    expect(await scan(await listening(after('stream: OK\0'), path))).toBe(false);
  });

  it('is sent the file in chunks with their lengths, and none of length 0 before the end', async () => {
    let sent = Promise.resolve(Buffer.alloc(0));
    const address = await listening((socket) => {
      sent = buffer(socket);
      setTimeout(() => socket.end('stream: OK\0'), TIME_LIMIT / 3);
    });
    await scan(address, Readable.from([Buffer.from('abc'), Buffer.alloc(0), Buffer.from('de')]));
    expect((await sent).toString('latin1')).toBe('zINSTREAM\0\0\0\0\x03abc\0\0\0\x02de\0\0\0\0');
  });
});

describe('CLAMD_URL', () => {
  it.each([
    ['tcp://clamd:3310', { host: 'clamd', port: 3310 }],
    ['tcp://[::1]:3310/', { host: '::1', port: 3310 }],
    ['unix:/run/clamav/clamd.ctl', { path: '/run/clamav/clamd.ctl' }],
    ['unix:///run/clamd.sock', { path: '/run/clamd.sock' }],
  ])('%s is understood', (CLAMD_URL, address) => {
    expect(readConfig({ CLAMD_URL }).scanner).toEqual(address);
  });

  it.each(['clamd:3310', 'tcp://clamd', 'tcp://:3310', 'http://clamd:3310', 'unix:clamd.sock', 'tcp://clamd:3310/path', 'tcp://user@clamd:3310'])('%s ends the start with one sentence', (CLAMD_URL) => {
    expect(() => readConfig({ CLAMD_URL })).toThrow(ConfigError);
    expect(() => readConfig({ CLAMD_URL })).toThrow('CLAMD_URL must be tcp://host:port or unix:/path.');
  });
});
