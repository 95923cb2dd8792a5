import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';

// The floor of subscriptions: a bare WebSocket and Server-Sent Events server that writes one prebuilt frame to every socket when it is told to.

const TEXT_FRAME = 0x81;
const LENGTH_OF_16_BITS = 126;
const HEADER_BYTES = 4;

/** What is to be told everybody: a result as JSON, and its cursor. */
export interface Telling {
  payload: string;
  cursor: string;
}

const streams = new Set<ServerResponse>();
const server = createServer((request, response) => {
  if (request.method === 'GET') return void response.end();
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.write(':\n\n');
  streams.add(response);
  response.once('close', () => streams.delete(response));
});
const sockets = new Set<Socket>();
new WebSocketServer({ server }).on('connection', (webSocket, { socket }) => {
  sockets.add(socket);
  webSocket.once('close', () => sockets.delete(socket));
  webSocket.on('message', (data: Buffer) => webSocket.send(data.includes('connection_init') ? '{"type":"connection_ack"}' : '{"type":"complete"}'));
});

/** A whole text frame of RFC 6455, 5.2, as a server sends it. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = TEXT_FRAME;
  header[1] = LENGTH_OF_16_BITS;
  header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

process.on('message', ({ payload, cursor }: Partial<Telling>) => {
  if (payload === undefined) return;
  const frame = frameOf(`{"id":"1","type":"next","payload":${payload}}`);
  for (const socket of sockets) socket.write(frame);
  const event = Buffer.from(`id: ${cursor}\nevent: next\ndata: ${payload}\n\n`);
  for (const stream of streams) stream.write(event);
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
