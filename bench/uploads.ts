import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';

// The memory of eight uploads of 15 MB at once: what the resident memory of a built gateway rises by at its highest.

const FILES = 8;
const FILE_BYTES = 15 * 1_048_576;
const MEGABYTE = 1_048_576;
/** Megabytes that the resident memory may rise by. */
const BUDGET = 150;
/** Milliseconds between two looks at it. */
const LOOK = 10;

interface Gateway { url: string; key: string; pid: number; stop: () => Promise<void> }

async function startGateway(): Promise<Gateway> {
  const directory = await mkdtemp(join(tmpdir(), 'kyc-bench-'));
  const child = spawn(process.execPath, ['dist/main.js'], { env: { ...process.env, PORT: '0', DATA_DIR: directory, LOG_LEVEL: 'silent', DATABASE_URL: '' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await once(child, 'exit');
    await rm(directory, { recursive: true, force: true });
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /Gateway ready at (\S+)/.exec(line)?.[1];
    if (!url) continue;
    const { apiKey } = JSON.parse(await readFile(join(directory, 'demo-keys.json'), 'utf8')) as { apiKey: string };
    return { url, key: apiKey, pid: child.pid ?? 0, stop };
  }
  throw new Error('The gateway did not start.');
}

/** Resident megabytes of a process. */
async function resident(pid: number): Promise<number> {
  const pages = Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return pages / 1024;
}

async function send<Data>({ url, key }: Gateway, query: string, variables: unknown, file?: Blob): Promise<Data> {
  const headers = { authorization: `Bearer ${key}`, 'apollo-require-preflight': 'true' };
  const operations = JSON.stringify({ query, variables });
  const form = new FormData();
  if (file) {
    form.set('operations', operations);
    form.set('map', '{"0":["variables.input.frontPhoto"]}');
    form.set('0', file, 'front.jpg');
  }
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers: file ? headers : { ...headers, 'content-type': 'application/json' }, body: file ? form : operations });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Somebody of whom a photo id is asked. @returns the attempt's id. */
async function applicant(gateway: Gateway): Promise<string> {
  const { createCustomer } = await send<{ createCustomer: { customer: { id: string } } }>(gateway, 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }', { input: { email: 'bench@example.com' } });
  const kycData = {
    legalFirstName: 'Ada', legalLastName: 'Lovelace', dateOfBirth: '1990-01-31', nationality: 'DE', countryOfResidence: 'DE', politicallyExposedPerson: false,
    address: { addressLine1: 'Unter den Linden 1', city: 'Berlin', stateCode: 'BE', postalCode: '10117', country: 'DE' },
  };
  const input = { customerId: createCustomer.customer.id, transactionType: 'EU_INDIVIDUAL', kycData };
  const { submitIdentity } = await send<{ submitIdentity: { identity: { id: string } } }>(gateway, 'mutation ($input: SubmitIdentityInput!) { submitIdentity(input: $input) { identity { id } } }', { input });
  return submitIdentity.identity.id;
}

const UPLOAD = 'mutation ($input: SubmitDocumentInput!) { submitDocument(input: $input) { document { id } } }';
const upload = (gateway: Gateway, identityId: string, file: Blob) => send(gateway, UPLOAD, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: null } }, file);

/** Measures, prints, and fails when the memory rises by more than its budget. */
export async function uploads(): Promise<void> {
  const pixels = Buffer.from(Uint8Array.from({ length: 2000 * 1200 * 3 }, (_, index) => (index * 73 + ((index * 7919) % 251)) % 256));
  const image = await sharp(pixels, { raw: { width: 2000, height: 1200, channels: 3 } }).jpeg().toBuffer();
  const file = new Blob([new Uint8Array(image), new Uint8Array(FILE_BYTES - image.length)]);
  const gateway = await startGateway();
  try {
    const attempts = await Promise.all(Array.from({ length: FILES + 1 }, () => applicant(gateway)));
    await send(gateway, 'mutation { advanceSandboxClock(input: { seconds: 10 }) { now } }', {});
    // Once before it counts: libraries load and caches fill with the first file.
    await upload(gateway, attempts[0] ?? '', file);
    const before = await resident(gateway.pid);
    let highest = before;
    const watch = setInterval(() => void resident(gateway.pid).then((now) => (highest = Math.max(highest, now))), LOOK);
    const started = performance.now();
    await Promise.all(attempts.slice(1).map((attempt) => upload(gateway, attempt, file)));
    const seconds = (performance.now() - started) / 1000;
    clearInterval(watch);
    const rise = highest - before;
    console.log(`${FILES} uploads of ${FILE_BYTES / MEGABYTE} MB at once: ${seconds.toFixed(1)} s, resident memory ${before.toFixed(0)} MB, rise ${rise.toFixed(0)} MB (budget ${BUDGET} MB)`);
    if (rise >= BUDGET) process.exitCode = 1;
  } finally {
    await gateway.stop();
  }
}
