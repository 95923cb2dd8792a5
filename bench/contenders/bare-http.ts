import { createServer } from 'node:http';
import { Pool } from 'pg';

/** What a contender is told by its environment. */
export const ORGANIZATION_ID = process.env['ORGANIZATION_ID'] ?? '';
export const PORT = Number(process.env['PORT']);

/** Connections of every contender but the gateway, which has its own number of them. They stay: processes that end take their times along. */
export const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 20, idleTimeoutMillis: 0 });

/** A request of the contenders without GraphQL: what to do, and with what. */
export interface BareRequest {
  query: string;
  variables: Readonly<Record<string, string | null>>;
}

/** Serves `answer`, a JSON text, over node:http and nothing else. */
export function serveBare(answer: (request: BareRequest) => Promise<string>): void {
  createServer((request, response): void => {
    if (request.method === 'GET') return void response.end();
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      answer(JSON.parse(Buffer.concat(parts).toString()) as BareRequest).then(
        (text) => response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }).listen(PORT, '127.0.0.1');
}
