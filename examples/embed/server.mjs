import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';

const GATEWAY_URL = process.env.GATEWAY_URL ?? 'http://localhost:4000';
const PORT = Number(process.env.PORT ?? 5000);
const { GATEWAY_KEY } = process.env;
if (!GATEWAY_KEY) throw new Error("Set GATEWAY_KEY to a partner's key.");

/** Asks the gateway with the partner's key, which no browser ever sees. */
async function gateway(query, variables) {
  const response = await fetch(`${GATEWAY_URL}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${GATEWAY_KEY}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

const CREATE = 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id verificationLink } } }';
const STATUS = 'query ($id: ID) { customer(id: $id) { status kycStatus } }';
/** Whom each visitor is: your own sessions know it. */
let customerId = null;

const routes = {
  'GET /': async () => ({ type: 'text/html', body: (await readFile(new URL('index.html', import.meta.url), 'utf8')).replaceAll('GATEWAY_URL', GATEWAY_URL) }),
  'POST /verification': async () => {
    const { createCustomer: { customer } } = await gateway(CREATE, { input: { email: 'ada@example.com' } });
    customerId = customer.id;
    return { type: 'application/json', body: JSON.stringify({ link: customer.verificationLink }) };
  },
  'GET /status': async () => ({ type: 'application/json', body: JSON.stringify((await gateway(STATUS, { id: customerId })).customer) }),
};

createServer((request, response) => {
  const route = routes[`${request.method} ${request.url}`];
  if (!route) return response.writeHead(404).end();
  route().then(
    ({ type, body }) => response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body),
    (error) => response.writeHead(502, { 'content-type': 'text/plain' }).end(error.message),
  );
}).listen(PORT, () => console.log(`Open http://localhost:${PORT}`));
