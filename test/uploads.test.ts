import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { GraphQLError } from 'graphql';
import { Upload, type FileUpload } from 'graphql-upload-minimal';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { receiveFiles } from '../src/document/storage.js';
import { multipartUploads } from '../src/graphql/uploads.js';
import { ABORTED, BOUNDARY, END, file, form, good, LIMITS, MALFORMED, map, operations, part, type Wire } from './multipart.js';

/** Milliseconds in which every refusal must have arrived. */
const ANSWER_WITHIN = 5_000;
const REPEATS = 100;
const CONCURRENCY = 25;

let server: Server;
let port: number;
let accepted = 0;
const unhandled: unknown[] = [];
const remember = (error: unknown): void => void unhandled.push(error);

/** Reads every upload of the request's input at once and answers their digests, as a resolver would. */
const readAll: RequestHandler = async (request, response, next) => {
  const input = (request.body as { variables?: { input?: Record<string, unknown> } } | undefined)?.variables?.input ?? {};
  const names = Object.keys(input).filter((name) => input[name] instanceof Upload);
  const files = names.map((name) => (input[name] as Upload).promise);
  try {
    if (input['refuse'] === true) throw new GraphQLError('not now', { extensions: { code: 'PATCH_NOT_ALLOWED', statusCode: 400 } });
    if (input['outOfOrder'] === true) for (const file of files.reverse()) await digest((await file).createReadStream());
    const taken = await receiveFiles(files, async (stream, file) => ({ name: file.filename, ...(await digest(stream)) }), async () => undefined);
    accepted += 1;
    response.json({ data: taken, fields: names });
  } catch (error) {
    next(error);
  }
};

async function digest(stream: Readable): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest('hex') };
}

const answerErrors: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const extensions = error instanceof GraphQLError ? error.extensions : { code: 'INTERNAL_SERVER_ERROR', statusCode: 500 };
  response.status(Number(extensions['statusCode'])).json({ errors: [{ message: (error as Error).message, extensions }] });
};

beforeAll(async () => {
  process.on('unhandledRejection', remember).on('uncaughtException', remember);
  const application = express();
  application.post('/graphql', multipartUploads(LIMITS), readAll).use(answerErrors);
  server = createServer(application).listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(() => expect(unhandled).toEqual([]));
afterAll(() => {
  process.off('unhandledRejection', remember).off('uncaughtException', remember);
  server.closeAllConnections();
  server.close();
});

interface Answer { status: number; contentType: string; body: { data?: unknown; errors?: { message: string; extensions: { code: string; fields?: unknown } }[] }; milliseconds: number }

/** Sends bytes as they are over a socket of its own and reads the answer; undefined where the client breaks off. */
function send({ body, contentType = `multipart/form-data; boundary=${BOUNDARY}`, preflight = 'apollo-require-preflight: 1\r\n', length = body.length, abort }: Wire): Promise<Answer | undefined> {
  const started = performance.now();
  const framing = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  const payload = length === 'chunked' ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]) : body;
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    const finish = (answer: Answer | undefined): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(answer);
    };
    const late = setTimeout(() => reject(new Error('no answer in time')), ANSWER_WITHIN);
    socket.on('error', (error) => (abort ? undefined : reject(error)));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk;
      const answer = parseAnswer(received, performance.now() - started);
      if (answer) finish(answer);
    });
    socket.on('close', () => (abort ? finish(undefined) : reject(new Error(`closed without an answer: ${received}`))));
    socket.write(`POST /graphql HTTP/1.1\r\nHost: localhost\r\n${preflight}Content-Type: ${contentType}\r\n${framing}\r\n\r\n`);
    socket.write(payload);
    if (abort) setTimeout(() => socket.destroy(), 20);
  });
}

function parseAnswer(text: string, milliseconds: number): Answer | undefined {
  const [head = '', body] = text.split('\r\n\r\n', 2);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
  if (body === undefined || Buffer.byteLength(body) < length) return undefined;
  return { status: Number(head.split(' ')[1]), contentType: /content-type: (.*)/i.exec(head)?.[1] ?? '', body: JSON.parse(body) as Answer['body'], milliseconds };
}

async function repeat(wire: Wire, check: (answer: Answer | undefined) => void): Promise<void> {
  for (let done = 0; done < REPEATS; done += CONCURRENCY) {
    for (const answer of await Promise.all(Array.from({ length: CONCURRENCY }, () => send(wire)))) check(answer);
  }
}

describe('hostile multipart requests', () => {
  let answered = 0;
  let slowest = 0;

  test.each(Object.entries(MALFORMED))(`%s is refused ${REPEATS} times with JSON, and nothing is accepted`, { timeout: 60_000 }, async (_name, { code, ...wire }) => {
    const before = accepted;
    const codes = new Set<string>();
    await repeat(wire, (answer) => {
      expect(answer?.status).toBeGreaterThanOrEqual(400);
      expect(answer?.status).toBeLessThan(500);
      expect(answer?.contentType).toContain('application/json');
      codes.add(answer?.body.errors?.[0]?.extensions.code ?? 'none');
      slowest = Math.max(slowest, answer?.milliseconds ?? 0);
      answered += 1;
    });
    expect([...codes]).toEqual([code ?? 'BAD_REQUEST']);
    expect(accepted).toBe(before);
  });

  test.each(Object.entries(ABORTED))(`a client that breaks off %s, ${REPEATS} times, leaves nothing behind`, async (_name, wire) => {
    const before = accepted;
    await repeat(wire, (answer) => expect(answer).toBeUndefined());
    expect(accepted).toBe(before);
  });

  test('at least 20 kinds were tried 100 times each, the process lives and serves, and no prototype was touched', async () => {
    console.log(`${Object.keys(MALFORMED).length} kinds of malformed bodies: ${answered} answers of 4xx JSON, the slowest after ${Math.round(slowest)} ms; ${Object.keys(ABORTED).length * REPEATS} aborts`);
    expect(answered).toBeGreaterThanOrEqual(20 * REPEATS);
    expect(Object.keys(MALFORMED).length * REPEATS).toBe(answered);
    expect('polluted' in {}).toBe(false);
    expect((await send({ body: good }))?.status).toBe(200);
    await expect.poll(() => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))), { timeout: 15_000 }).toBe(0);
  });
});

describe('a multipart request', () => {
  const upload = (data: FormData): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/graphql`, { method: 'POST', body: data, headers: { 'apollo-require-preflight': '1' } });
  const formData = (files: Record<string, Buffer>, input: Record<string, unknown> = {}): FormData => {
    const data = new FormData();
    const names = Object.keys(files);
    data.set('operations', JSON.stringify({ query: 'mutation', variables: { input: { ...input, ...Object.fromEntries(names.map((name) => [name, null])) } } }));
    data.set('map', JSON.stringify(Object.fromEntries(names.map((name, index) => [index, [`variables.input.${name}`]]))));
    names.forEach((name, index) => data.set(String(index), new Blob([new Uint8Array(files[name] ?? [])]), `${name}.jpg`));
    return data;
  };
  const answerOf = async (response: Response): Promise<Answer['body']> => (await response.json()) as Answer['body'];

  test('delivers four files whole, whatever their sizes', async () => {
    const files = { a: randomBytes(LIMITS.maxFileSize), b: Buffer.alloc(0), c: randomBytes(1), d: randomBytes(70_000) };
    const response = await upload(formData(files));
    expect(response.status).toBe(200);
    const wanted = Object.entries(files).map(([name, bytes]) => ({ name: `${name}.jpg`, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }));
    expect((await answerOf(response)).data).toEqual(wanted);
  });

  test('with a file of exactly the maximum passes, and with one byte more is PAYLOAD_TOO_LARGE', async () => {
    expect((await upload(formData({ a: randomBytes(LIMITS.maxFileSize) }))).status).toBe(200);
    const refused = await upload(formData({ a: randomBytes(LIMITS.maxFileSize + 1) }));
    expect(refused.status).toBe(413);
    expect((await answerOf(refused)).errors?.[0]?.extensions).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', fields: [{ path: 'a', code: 'too_large' }] });
  });

  test('far too large reaches its sender as JSON while it is still sending', async () => {
    const refused = await upload(formData({ a: Buffer.alloc(50_000_000) }));
    expect(refused.status).toBe(413);
    const chunked = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'apollo-require-preflight': '1' },
      body: Readable.toWeb(Readable.from([form(file()), ...Array.from({ length: 50 }, () => Buffer.alloc(1_000_000))])) as unknown as RequestInit['body'] & object,
      duplex: 'half',
    } as RequestInit);
    expect((await answerOf(chunked)).errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  });

  test('with operations of exactly the maximum passes', async () => {
    const shell = JSON.stringify({ query: '', variables: { input: { a: null } } });
    const exact = shell.replace('""', `"${'q'.repeat(LIMITS.maxOperationsSize - shell.length)}"`);
    expect((await send({ body: form({ name: 'operations', body: exact }, map(), file()) }))?.status).toBe(200);
  });

  test('that the resolver refuses before reading is answered at once, and its connection serves the next', async () => {
    const started = performance.now();
    const response = await upload(formData({ a: randomBytes(400_000), b: randomBytes(400_000), c: randomBytes(400_000) }, { refuse: true }));
    expect((await answerOf(response)).errors?.[0]?.extensions.code).toBe('PATCH_NOT_ALLOWED');
    expect(performance.now() - started).toBeLessThan(1_000);
    expect((await upload(formData({ a: randomBytes(10) }))).status).toBe(200);
  });

  test('whose resolver waits for a later file first is refused, not hung', async () => {
    const response = await upload(formData({ a: randomBytes(400_000), b: randomBytes(400_000) }, { outOfOrder: true }));
    expect((await answerOf(response)).errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
  });

  test('without a file names the field that lacks it, in the words of the input', async () => {
    const answer = await send({ body: form(operations(), map({ 0: ['variables.input.a'], 1: ['variables.input.b'] }), file('0')) });
    expect(answer?.body.errors?.[0]?.extensions.fields).toEqual([expect.objectContaining({ path: 'b', code: 'required' })]);
  });

  test('keeps of a file name what can be shown and stored', async () => {
    const named = { name: '0', body: 'x', headers: '' };
    const disposition = Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="0"; filename*=UTF-8''%2e%2e%2f..%5cpass%00port%e2%80%ae.jpg\r\n\r\n${named.body}\r\n`);
    const answer = await send({ body: Buffer.concat([part(operations()), part(map()), disposition, END]) });
    expect(answer?.body.data).toEqual([expect.objectContaining({ name: 'passport.jpg' })]);
  });

  test('of a slow client arrives whole', async () => {
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for (let from = 0; from < good.length; from += 40) {
        yield good.subarray(from, from + 40);
        await sleep(20);
      }
    }
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'x-apollo-operation-name': 'Upload' },
      body: Readable.toWeb(Readable.from(slowly())) as unknown as RequestInit['body'] & object,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(200);
  });

  test('is no concern of other content types', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
    expect(await response.json()).toEqual({ data: [], fields: [] });
  });

  test('gives each upload to be read once', async () => {
    const application = express();
    const createTwice: RequestHandler = async (request, response) => {
      const { a } = (request.body as { variables: { input: { a: Upload } } }).variables.input;
      const upload: FileUpload = await a.promise;
      upload.createReadStream().resume();
      response.json({ second: (() => { try { return upload.createReadStream() && 'read'; } catch (error) { return (error as Error).message; } })() });
    };
    application.post('/graphql', multipartUploads(LIMITS), createTwice);
    const twice = createServer(application).listen(0, '127.0.0.1');
    await once(twice, 'listening');
    const response = await fetch(`http://127.0.0.1:${(twice.address() as AddressInfo).port}/graphql`, {
      method: 'POST', body: formData({ a: randomBytes(10) }), headers: { 'apollo-require-preflight': '1' },
    });
    expect(await response.json()).toEqual({ second: 'An upload can be read once.' });
    twice.close();
  });
});
