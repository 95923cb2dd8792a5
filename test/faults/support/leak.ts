// Loaded into a gateway that is to be found leaking: with each request it keeps some memory, and now and then a connection with
// both of its ends, a descriptor and a file.
import { subscribe } from 'node:diagnostics_channel';
import { mkdtempSync, openSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of eight bytes each. */
const KEPT_NUMBERS = 8_192;
const REQUESTS_PER_CONNECTION = 50;
const kept: unknown[] = [];
const keeper = createServer((socket) => void kept.push(socket)).listen(0, '127.0.0.1').unref();

let requests = 0;
subscribe('http.server.request.start', () => {
  kept.push(Array.from({ length: KEPT_NUMBERS }, (_, index) => index + Math.random()));
  requests += 1;
  if (requests % REQUESTS_PER_CONNECTION !== 0) return;
  openSync(join(mkdtempSync(join(tmpdir(), 'leak-')), 'file'), 'w');
  connect((keeper.address() as AddressInfo).port, '127.0.0.1');
});
