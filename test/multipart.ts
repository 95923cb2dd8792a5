/** The limits of the server that the bodies below are sent to. */
export const LIMITS = { maxFileSize: 500_000, maxFiles: 4, maxOperationsSize: 1_000_000, stallTimeout: 1_000 };
/** What separates the parts of every body here. */
export const BOUNDARY = 'frontier';

/** One part of a body. */
export interface Part { name?: string; filename?: string; headers?: string; body: string | Buffer }

/** A part as it goes over the wire, well formed unless its fields are not. */
export function part({ name, filename, headers, body }: Part): Buffer {
  const disposition = `Content-Disposition: form-data${name === undefined ? '' : `; name="${name}"`}${filename === undefined ? '' : `; filename="${filename}"`}`;
  return Buffer.concat([Buffer.from(`--${BOUNDARY}\r\n${disposition}\r\n${headers ?? ''}\r\n`), Buffer.from(body), Buffer.from('\r\n')]);
}
/** What ends a form. */
export const END = Buffer.from(`--${BOUNDARY}--\r\n`);
/** A whole form of these parts. */
export const form = (...parts: Part[]): Buffer => Buffer.concat([...parts.map(part), END]);
/** A field that holds JSON. */
export const json = (name: string, value: unknown): Part => ({ name, body: JSON.stringify(value) });
/** The first field. */
export const operations = (input: Record<string, unknown> = { a: null, b: null }): Part => json('operations', { query: 'mutation', variables: { input } });
/** The second field. */
export const map = (value: unknown = { 0: ['variables.input.a'] }): Part => json('map', value);
/** A file. */
export const file = (name = '0', body: string | Buffer = 'bytes', filename = 'front.jpg'): Part => ({ name, filename, body });

/** A request as it goes over a socket; `length` is what the header says of the body. */
export interface Wire { body: Buffer; contentType?: string; preflight?: string; length?: number | 'chunked'; abort?: true }
const fiftyThousand = Array.from({ length: 50_000 }, (_, index) => index);
const cut = (whole: Buffer, bytes: number): Buffer => whole.subarray(0, whole.length - bytes);
/** A request that is accepted. */
export const good = form(operations(), map(), file());

/** Requests that are refused with this code, BAD_REQUEST where none is given. */
export const MALFORMED: Record<string, Wire & { code?: string }> = {
  'a path to __proto__': { body: form(operations(), map({ 0: ['variables.__proto__.polluted'] }), file()) },
  'a path to an own __proto__': { body: form({ name: 'operations', body: '{"variables":{"__proto__":{}}}' }, map({ 0: ['variables.__proto__.polluted'] }), file()) },
  'a path to a built-in function': { body: form(operations(), map({ 0: ['variables.hasOwnProperty.call'] }), file()) },
  'a path to a constructor': { body: form(operations(), map({ 0: ['variables.constructor.prototype.polluted'] }), file()) },
  'a path to the query': { body: form(json('operations', { query: null, variables: {} }), map({ 0: ['query'] }), file()) },
  'a path to a value': { body: form(operations({ a: 'text' }), map(), file()) },
  'a path to nothing': { body: form(operations({}), map(), file()) },
  'a path of 100,000 characters': { body: form(operations(), map({ 0: ['variables.'.repeat(10_000)] }), file()) },
  'an empty path': { body: form(operations(), map({ 0: [''] }), file()) },
  'a path through an upload': { body: form(operations(), map({ 0: ['variables.input.a'], 1: ['variables.input.a.file'] }), file()) },
  'a path that is a number': { body: form(operations(), map({ 0: [1] }), file()) },
  'one path for two files': { body: form(operations(), map({ 0: ['variables.input.a'], 1: ['variables.input.a'] }), file('0'), file('1')) },
  'two paths for one file': { body: form(operations(), map({ 0: ['variables.input.a', 'variables.input.b'] }), file()) },
  '50,000 files in the map': { body: form(operations(), map(Object.fromEntries(fiftyThousand.map((index) => [index, ['v']]))), file()), code: 'PAYLOAD_TOO_LARGE' },
  '50,000 paths for one file': { body: form(operations(), map({ 0: fiftyThousand.map(() => 'variables.input.a') }), file()), code: 'PAYLOAD_TOO_LARGE' },
  '50,000 short paths for one file': { body: form(operations(), map({ 0: fiftyThousand.map(() => 'v') }), file()) },
  'a map that is a list': { body: form(operations(), map([['variables.input.a']]), file()) },
  'a map that is not JSON': { body: form(operations(), { name: 'map', body: '{"0":' }, file()) },
  'a map entry that is no list': { body: form(operations(), map({ 0: 'variables.input.a' }), file()) },
  'operations that are not JSON': { body: form({ name: 'operations', body: '{"query"' }, map(), file()) },
  'operations that are null': { body: form({ name: 'operations', body: 'null' }, map(), file()) },
  'operations nested 100,000 deep': { body: form({ name: 'operations', body: '['.repeat(100_000) }, map(), file()) },
  'operations over their limit': { body: form(operations({ a: 'x'.repeat(LIMITS.maxOperationsSize) }), map(), file()), code: 'PAYLOAD_TOO_LARGE' },
  'a batch': { body: form(json('operations', [{ query: 'a', variables: { input: { a: null } } }]), map({ 0: ['0.variables.input.a'] }), file()) },
  'the map before operations': { body: form(map(), operations(), file()) },
  'a file before everything': { body: form(file(), operations(), map()) },
  'a file before the map': { body: form(operations(), file(), map()) },
  'operations twice': { body: form(operations(), operations(), map(), file()) },
  'the map twice': { body: form(operations(), map(), map(), file()) },
  'a file twice': { body: form(operations(), map(), file(), file()) },
  'a file that the map does not name': { body: form(operations(), map(), file(), file('9')) },
  'a file without a name': { body: form(operations(), map(), { filename: 'x', body: 'x' }) },
  'another field': { body: form(operations(), json('csrf', 1), map(), file()) },
  'a missing file': { body: form(operations(), map()), code: 'BAD_USER_INPUT' },
  'a missing second file': { body: form(operations(), map({ 0: ['variables.input.a'], 1: ['variables.input.b'] }), file('0')), code: 'BAD_USER_INPUT' },
  'no map': { body: form(operations()) },
  'an empty map and a cut-off form': { body: Buffer.concat([part(operations()), part(map({}))]) },
  'too many files': { body: form(operations({ a: null }), map(), file(), file('1'), file('2'), file('3'), file('4')) },
  'an empty body': { body: Buffer.alloc(0) },
  'only an end': { body: END },
  'another boundary': { body: good, contentType: 'multipart/form-data; boundary=elsewhere' },
  'no boundary': { body: good, contentType: 'multipart/form-data' },
  'an empty boundary': { body: good, contentType: 'multipart/form-data; boundary=""' },
  'no preflight header': { body: good, preflight: '' },
  'an empty preflight header': { body: good, preflight: 'apollo-require-preflight:\r\n' },
  'a form cut off at its end': { body: cut(good, END.length) },
  'a form cut off in its file': { body: cut(good, END.length + 4) },
  'a form cut off in a header': { body: Buffer.concat([cut(good, END.length), Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-da`)]) },
  'a form cut off in the map': { body: Buffer.concat([part(operations()), cut(part(map()), 9)]) },
  'a second file cut off': { body: Buffer.concat([part(operations()), part(map({ 0: ['variables.input.a'], 1: ['variables.input.b'] })), part(file('0')), cut(part(file('1')), 4)]) },
  'a cut-off form in chunks': { body: cut(good, 9), length: 'chunked' },
  'a NUL in a file name': { body: form(operations(), map(), file('0', 'x', 'a\0b.jpg')) },
  'a NUL in a file name, and then a cut': { body: cut(form(operations(), map(), file('0', 'x', 'a\0b.jpg')), 9) },
  'a NUL in the name of a second file': { body: form(operations(), map({ 0: ['variables.input.a'], 1: ['variables.input.b'] }), file('0'), file('1', 'x', 'a\0b')) },
  'a NUL in a field name': { body: form({ ...operations(), name: 'opera\0tions' }, map(), file()) },
  'a header of 20 kB': { body: form(operations(), map(), { ...file(), headers: `X-Long: ${'x'.repeat(20_000)}\r\n` }) },
  'a header name of 20 kB': { body: form(operations(), { ...map(), headers: `${'x'.repeat(20_000)}: 1\r\n` }) },
  '5,000 headers': { body: form(operations(), map(), { ...file(), headers: 'a: b\r\n'.repeat(5_000) }) },
  'a header without a colon': { body: form(operations(), map(), { ...file(), headers: 'nonsense\r\n' }) },
  'parts without a disposition': { body: Buffer.concat([...Array.from({ length: 9 }, () => Buffer.from(`--${BOUNDARY}\r\nX: y\r\n\r\nx\r\n`)), END]), code: 'PAYLOAD_TOO_LARGE' },
  'a file one byte too large': { body: form(operations(), map(), file('0', Buffer.alloc(LIMITS.maxFileSize + 1))), code: 'PAYLOAD_TOO_LARGE' },
  'a file five times too large': { body: form(operations(), map(), file('0', Buffer.alloc(5 * LIMITS.maxFileSize))), code: 'PAYLOAD_TOO_LARGE' },
  'a body of 5 MB in chunks': { body: Buffer.concat([good, Buffer.alloc(5_000_000)]), length: 'chunked', code: 'PAYLOAD_TOO_LARGE' },
  'a length of 10 GB': { body: good, length: 10_000_000_000, code: 'PAYLOAD_TOO_LARGE' },
  'a client that falls silent before the map': { body: part(operations()), length: good.length },
  'a client that falls silent in a file': { body: cut(good, 20), length: good.length },
};

/** Requests whose client breaks off. */
export const ABORTED: Record<string, Wire> = {
  'before the map': { body: part(operations()), length: 5_000, abort: true },
  'in a file': { body: cut(good, 20), length: good.length, abort: true },
  'between two files': { body: cut(form(operations(), map({ 0: ['variables.input.a'], 1: ['variables.input.b'] }), file('0')), END.length), length: 5_000, abort: true },
  'after a file, before the end': { body: cut(good, 3), length: good.length, abort: true },
};
