// Loaded into a gateway that is to be found leaking: with each request it keeps some memory, and now and then a socket, a
// descriptor and a file.
import { subscribe } from 'node:diagnostics_channel';
import { mkdtempSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IncomingMessage } from 'node:http';

/** Numbers, of eight bytes each. */
const KEPT_NUMBERS = 8_192;
const REQUESTS_PER_SOCKET = 50;
const kept: unknown[] = [];

subscribe('http.server.request.start', (message) => {
  const { request } = message as { request: IncomingMessage };
  kept.push(Array.from({ length: KEPT_NUMBERS }, (_, index) => index + Math.random()));
  if (kept.length % REQUESTS_PER_SOCKET !== 1) return;
  openSync(join(mkdtempSync(join(tmpdir(), 'leak-')), 'file'), 'w');
  const socket = connect(request.socket.localPort!, '127.0.0.1');
  // An event stream's server waits for no request for as long as this one speaks.
  socket.write('GET /health/live HTTP/1.1\r\nHost: leak\r\n');
  socket.on('error', () => undefined);
});
