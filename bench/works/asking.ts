import { Agent, request, type IncomingMessage } from 'node:http';
import type { Server } from '../contenders/server.ts';

const agent = new Agent({ keepAlive: true });

/** Asks one thing of a server. Throws where it is refused. */
export async function asked<Data>({ url, headers }: Pick<Server, 'url' | 'headers'>, more: Readonly<Record<string, string>>, query: string, variables: object): Promise<Data> {
  const response = await posted(url, { ...headers, ...more }, { query, variables });
  return dataIn<Data>(response.statusCode ?? 0, await textOf(response));
}

/** An answer's text; what node:stream/consumers gives iterates, which costs more. */
function textOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => (text += piece)).once('end', () => resolve(text)).once('error', reject);
  });
}

/** Where servers are, as the client takes it: read once, not with each request. */
const places = new Map<string, { host: string; port: string; path: string }>();

function placeOf(url: string): { host: string; port: string; path: string } {
  const known = places.get(url);
  if (known) return known;
  const { hostname: host, port, pathname: path } = new URL(url);
  places.set(url, { host, port, path });
  return { host, port, path };
}

/** Posts JSON, by Node's own client: fetch costs several times as much, beside the database on the same processor. */
export function posted(url: string, headers: Readonly<Record<string, string>>, body: object, signal?: AbortSignal): Promise<IncomingMessage> {
  const bytes = Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const options = { ...placeOf(url), method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': bytes.length, ...headers }, ...(signal ? { signal } : {}) };
    request(options, resolve).once('error', reject).end(bytes);
  });
}

/** The data of an answer. Throws where it has errors. */
export async function dataOf<Data>(response: Response): Promise<Data> {
  return dataIn<Data>(response.status, await response.text());
}

function dataIn<Data>(status: number, text: string): Data {
  if (status !== 200 || text.includes('"errors":')) throw new Error(`${status} ${text.slice(0, 1_000)}`);
  return (JSON.parse(text) as { data: Data }).data;
}
