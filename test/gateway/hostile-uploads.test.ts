import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { jpegBomb, pngBomb } from '../files.js';
import { BOUNDARY, MALFORMED, type Wire } from '../multipart.js';
import { bringTo } from '../support/flows.js';
import { storedFiles, useGateway } from '../support/gateway.js';
import { halfUpload } from '../support/half-upload.js';
import { CUSTOMER, SNAPSHOT, SUBMIT_DOCUMENT } from '../support/operations.js';

const gateway = useGateway({}, { workers: false });
/** Milliseconds in which every malformed body must be answered, and a bomb be refused. */
const ANSWER_WITHIN = 5_000;
const BOMB_WITHIN = 100;
const KINDS_AT_LEAST = 60;
/** How often each kind is sent, and how many of them at once. */
const REPEATS = 100;
const AT_ONCE = 25;
/** Bytes of an upload that never comes whole. */
const ANNOUNCED = 1_000_000;
/** The machine may be busy: the fastest counts. */
const BOMB_ROUNDS = 10;

/** Sends bytes as they are and reads the answer. */
function send(key: string, { body, contentType = `multipart/form-data; boundary=${BOUNDARY}`, preflight = 'apollo-require-preflight: 1\r\n', length = body.length }: Wire): Promise<{ status: number; type: string; text: string }> {
  const { hostname, port } = new URL(gateway.url);
  const framing = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  const payload = length === 'chunked' ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]) : body;
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('no answer in time')), ANSWER_WITHIN);
    const socket = connect(Number(port), hostname).on('error', reject);
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk;
      const [head = '', text = ''] = received.split('\r\n\r\n', 2);
      const announced = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      if (!(Buffer.byteLength(text) >= announced)) return;
      clearTimeout(late);
      socket.destroy();
      resolve({ status: Number(head.split(' ')[1]), type: /content-type: (.*)/i.exec(head)?.[1] ?? '', text });
    });
    socket.write(`POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n${preflight}Content-Type: ${contentType}\r\n${framing}\r\n\r\n`);
    socket.write(payload);
  });
}

describe('hostile uploads to a running gateway', () => {
  it(`at least ${KINDS_AT_LEAST} kinds of malformed multipart bodies, ${REPEATS} times each, are answered with 4xx JSON in time; nothing is stored, and it serves on`, { timeout: 300_000 }, async () => {
    const { partner, customerId } = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = [await storedFiles(gateway), await partner.request(SNAPSHOT, { id: customerId })];
    const wrong: string[] = [];
    let refused = 0;
    for (const [name, wire] of Object.entries(MALFORMED)) {
      for (let sent = 0; sent < REPEATS; sent += AT_ONCE) {
        for (const { status, type, text } of await Promise.all(Array.from({ length: AT_ONCE }, () => send(partner.key ?? '', wire)))) {
          const errors = (JSON.parse(text) as { errors?: unknown[] }).errors ?? [];
          if (status < 400 || status >= 500 || !type.includes('json') || errors.length === 0) wrong.push(`${name}: ${status} ${type} ${text.slice(0, 200)}`);
          else refused += 1;
        }
      }
    }
    expect(wrong).toEqual([]);
    expect([await storedFiles(gateway), await partner.request(SNAPSHOT, { id: customerId })]).toEqual(before);
    console.log(`malformed bodies: ${Object.keys(MALFORMED).length} kinds, ${refused} requests refused by a running gateway`);
    expect(Object.keys(MALFORMED).length).toBeGreaterThanOrEqual(KINDS_AT_LEAST);
  });

  it(`clients that break off an upload at ${REPEATS} places leave no file and spend no attempt`, async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = await storedFiles(gateway);
    const standing = await partner.request(SNAPSHOT, { id: customerId });
    for (let place = 0; place < REPEATS; place += AT_ONCE) {
      const requests = Array.from({ length: AT_ONCE }, (_, index) => halfUpload(partner, identityId, ANNOUNCED, (place + index) * (ANNOUNCED / REPEATS)));
      await expect.poll(async () => (await storedFiles(gateway)).length, { timeout: 20_000 }).toBeGreaterThan(before.length);
      for (const request of requests) request.destroy();
    }
    await expect.poll(() => storedFiles(gateway), { timeout: 20_000 }).toEqual(before);
    expect(await partner.request(SNAPSHOT, { id: customerId })).toEqual(standing);
  });

  it(`a picture of 65,535² pixels in 300 kB is refused within ${BOMB_WITHIN} ms of its request, and nothing is kept`, async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = await storedFiles(gateway);
    const bombs = { PNG: pngBomb(65_535, 65_535), JPEG: await jpegBomb(65_500, 65_500) };
    for (const [format, bytes] of Object.entries(bombs)) {
      let fastest = Infinity;
      for (let round = 0; round < BOMB_ROUNDS; round += 1) {
        const frontPhoto = new File([new Uint8Array(bytes)], 'front.jpg');
        const started = performance.now();
        const facts = await partner.refusal(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto } });
        fastest = Math.min(fastest, performance.now() - started);
        expect(facts).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', fields: [{ path: 'frontPhoto', code: 'too_many_pixels' }] });
      }
      console.log(`a ${format} of ${bytes.length} bytes that unpacks into 12 GB: refused within ${Math.round(fastest)} ms, request and answer included`);
      expect(fastest).toBeLessThan(BOMB_WITHIN);
    }
    expect(await storedFiles(gateway)).toEqual(before);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.documentAttemptsRemaining).toBe(2);
  });
});
