import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, unlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { PORT } from './bare-http.ts';

// M2's floor: the bytes of a file are hashed and encrypted on their way to the disk, and the picture is decoded and made small.

const directory = await mkdtemp(join(process.env['DATA_DIR'] ?? tmpdir(), 'files-'));
/** Pixels of the longer side at which pictures are judged. */
const MEASURED_SIDE = 1_024;
sharp.cache(false);

async function store(body: Readable): Promise<string> {
  const path = join(directory, randomBytes(8).toString('hex'));
  const hash = createHash('sha256');
  const picture = sharp().resize({ width: MEASURED_SIDE, height: MEASURED_SIDE, fit: 'inside' }).raw();
  const copy = new PassThrough();
  body.on('data', (piece: Buffer) => hash.update(piece));
  const written = pipeline(copy, createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12)), createWriteStream(path));
  body.pipe(copy);
  const [{ data, info }] = await Promise.all([body.pipe(picture).toBuffer({ resolveWithObject: true }), written]);
  await unlink(path);
  return `${hash.digest('hex')} ${info.width} × ${info.height}, ${data.length} bytes`;
}

createServer((request, response): void => {
  if (request.method === 'GET') return void response.end();
  store(request).then(
    (found) => response.end(found),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
}).listen(PORT, '127.0.0.1');
