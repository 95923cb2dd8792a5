import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DemoError, GatewayClient, Refusal, type Key } from './client.js';
import { walkCustomer } from './customer-walk.js';
import { walkInstitution } from './institutional-walk.js';
import { ORGANIZATION } from './operations.js';
import { drawPictures } from './pictures.js';
import { walkRefusal } from './refusal-walk.js';
import { Terminal } from './terminal.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Walks every flow against a running gateway: a pure client, over HTTP and WebSocket. */
async function main(environment: Environment): Promise<void> {
  const startedAt = Date.now();
  const url = gatewayUrl(environment);
  const client = new GatewayClient(url, await apiKey(environment));
  const terminal = new Terminal({ write: (line) => console.log(line), colours: process.stdout.isTTY === true && !environment['NO_COLOR'] });
  const walk = { client, terminal, pictures: await drawPictures(), run: startedAt.toString(36) };
  try {
    await introduce(client, terminal);
    await walkCustomer(walk);
    await walkInstitution(walk);
    await walkRefusal(walk);
  } finally {
    await client.close();
  }
  terminal.done(`Three walks in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s. Try the steps yourself: ${url}/graphql in a browser.`);
}

/** Says whom the walks speak to; before them, so that a gateway that is not there is noticed before anything is printed. */
async function introduce(client: GatewayClient, terminal: Terminal): Promise<void> {
  const { organization } = await client.ask<{ organization: { name: string; environment: string } }>(ORGANIZATION, {});
  if (organization.environment !== 'SANDBOX') throw new DemoError(`${organization.name} is no sandbox: set API_KEY to an API key of one.`);
  terminal.heading(`Gateway at ${client.url}, organization ${organization.name} (sandbox)`);
}

function gatewayUrl(environment: Environment): string {
  const url = environment['GATEWAY_URL']?.trim() || 'http://localhost:4000';
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new DemoError('GATEWAY_URL must be a URL that begins with http:// or https://.');
  return url.replace(/\/+$/, '').replace(/\/graphql$/, '');
}

/** The partner's key: given, or that of the Demo organization which the gateway's first start has kept. */
async function apiKey(environment: Environment): Promise<Key> {
  const given = environment['API_KEY']?.trim();
  // Pasted shortened, with its ellipsis, it could not even be sent.
  if (given && !/^[\x21-\x7e]+$/.test(given)) throw new DemoError('API_KEY is not an API key: copy all of it from what the gateway printed when it started.');
  if (given) return { secret: given, source: 'API_KEY' };
  const path = join(resolve(environment['DATA_DIR']?.trim() || 'data'), 'demo-keys.json');
  const kept = await readFile(path, 'utf8').then(parseKeys, () => null);
  if (kept === null) {
    throw new DemoError(`No key to send, as there is none in ${path}: start the gateway with \`npm start\`, or set API_KEY to an API key of a sandbox.`);
  }
  return { secret: kept, source: path };
}

function parseKeys(text: string): string | null {
  try {
    const keys = JSON.parse(text) as { apiKey?: unknown } | null;
    return typeof keys?.apiKey === 'string' ? keys.apiKey : null;
  } catch {
    return null;
  }
}

main(process.env).catch((error: unknown) => {
  if (error instanceof DemoError) console.error(error.message);
  else if (error instanceof Refusal) console.error(`The gateway refused: ${error.code}, ${error.message}`);
  else console.error(error);
  process.exitCode = 1;
});
