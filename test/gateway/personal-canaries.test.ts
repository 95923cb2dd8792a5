import { createHash, createSecretKey } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/core/config.js';
import { unseal, type DataKey } from '../../src/core/crypto/cipher.js';
import { openFile } from '../../src/core/crypto/file-cipher.js';
import { parseKeyRing } from '../../src/core/crypto/key-ring.js';
import { SEALED_COLUMN } from '../../src/core/crypto/sealed-table.js';
import { bytesOf, purposeOf } from '../../src/core/crypto/vault.js';
import { createLog } from '../../src/core/log.js';
import { mappedFields } from '../../src/data-map.js';
import { startGateway, type Gateway } from '../../src/gateway.js';
import { PERSONAL_CLASSES, SEALED_TABLES } from '../../src/kyc/personal-data.js';
import { Cluster, hasPostgreSql } from '../faults/support/cluster.js';
import { jpeg, pdf, pdfStream, png, pngChunk } from '../files.js';
import { found, MARK, needlesOf, scanDirectory, type Needle } from '../support/canaries.js';
import { CUSTOMER_CHANGES, DOCUMENT_CHANGES, IDENTITY_CHANGES } from '../support/changes.js';
import { Client } from '../support/client.js';
import { erase } from '../support/erasing.js';
import { useFileServer } from '../support/file-server.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, submit } from '../support/flows.js';
import { newOrganization, OPERATOR_KEY, type TestOrganization } from '../support/gateway.js';
import { KEY_RING } from '../support/key-ring.js';
import { CREATE_CUSTOMER, DEACTIVATE, EVENTS, PATCH_CUSTOMER, PATCH_IDENTITY, REVIEW, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES } from '../support/operations.js';
import { withDatabase } from '../support/raw-database.js';
import { Receiver } from '../support/receiver.js';
import { EventStream } from '../support/streams.js';
import { TOKEN_KEY } from '../support/token-key.js';
import { clientToken } from '../support/tokens.js';
import { deliveriesOf, newEndpoint } from '../support/webhooks.js';

// A value of its own in every personal field and in every kind of file; then everything that the gateway has written or said
// is looked through for it, in every form that it might have. What is not encrypted shows; so does what erasing has left.

const word = (suffix: string): string => MARK + suffix;
/** Is said in words that events and webhooks tell, and so to hold nothing of a person (docs/data-map.md): erasing takes it back all the same. */
const EXPLANATION = 'Moved to Atlantis.';

/** The value that each field of docs/data-map.md is given. */
const CANARIES: Readonly<Record<string, string>> = {
  'Customer.email': `${MARK.toLowerCase()}mail@example.com`, 'Customer.firstName': word('cusfirst'), 'Customer.lastName': word('cuslast'), 'Customer.partnerUserId': word('partneruser'),
  'Identity.kycData.legalFirstName': word('first'), 'Identity.kycData.legalMiddleName': word('middle'), 'Identity.kycData.legalLastName': word('last'),
  'Identity.kycData.phoneNumber': '+442079460958', 'Identity.kycData.dateOfBirth': '1979-11-23', 'Identity.kycData.nationalIdNumber': 'ZYXQANARYNATIONAL',
  'Identity.kycData.mostRecentOccupation': word('occupation'), 'Identity.kycData.digitalAssetWalletAddress': word('wallet'), 'Identity.kycData.notionalTradedEachMonth': '47114711.4711',
  'Identity.kycData.enterpriseName': word('enterprise'), 'Identity.kycData.dateOfIncorporation': '2003-10-29',
  'Identity.kycData.address.addressLine1': word('lineone'), 'Identity.kycData.address.addressLine2': word('linetwo'), 'Identity.kycData.address.city': word('city'), 'Identity.kycData.address.postalCode': 'ZE2 9XQ',
  'Identity.ipAddress': '198.51.100.211', 'Identity.enterpriseId': word('enterpriseid'), 'Identity.userId': word('userid'),
  'Identity.signer.contractSignerNameFull': word('signer'), 'Identity.signer.contractSignedIPAddress': '198.51.100.212',
  'Identity.documentsByUrl.number': word('urlnumber'), 'Identity.documentsByUrl.issueDate': '2019-04-17', 'Identity.documentsByUrl.expirationDate': '2039-05-18', 'Identity.documentsByUrl.files': word('path'),
  'Identity.reviewNote': word('note'), 'Identity.debugFailureReason': word('debug'),
  'Document.number': word('number'), 'Document.issueDate': '2018-03-16', 'Document.expirationDate': '2038-02-15', 'Document.mrz': 'ZYXQANARYMRZ',
  'FileUpload.fileName': word('file'), 'FileUpload.sourceUrl': word('path'),
  'Signature.contractSignerNameFull': word('signature'), 'Signature.contractSignedIPAddress': '198.51.100.213',
};
/** What takes no value of its own. */
const WORDS_OF_A_LIST = [
  'nationality', 'countryOfResidence', 'nationalIdType', 'nationalIdIssuingCountry', 'employmentStatus', 'occupation', 'sourceOfFunds', 'accountPurpose', 'expectedMonthlyPaymentsUsd', 'isIntermediary',
  'politicallyExposedPerson', 'annualIncome', 'netWorth', 'sourceOfNetWorth', 'initialDepositType', 'expectedMonthlyDeposits', 'expectedMonthlyWithdrawals', 'isEntity', 'countryOfIncorporation',
  'address.state', 'address.stateCode', 'address.country', 'address.locale',
].map((name) => `Identity.kycData.${name}`);
const WITHOUT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(WORDS_OF_A_LIST.map((path) => [path, 'a word of a list'])),
  'Identity.documentsByUrl.issuingCountry': 'a word of a list',
  'Document.issuingCountry': 'a word of a list',
  'Identity.documentsByUrl.mrz': 'is not given by URL',
  'Identity.providerState': 'is the provider’s to write',
  'FileUpload.sha256': 'is computed: it is looked for as it comes out',
};

/** Files with a canary where cameras, scanners and people write: in metadata, comments and text. */
async function markedFiles(): Promise<Record<'jpeg' | 'png' | 'pdf', Buffer>> {
  const exif = { IFD0: { Make: word('exif'), ImageDescription: word('description') } };
  const photograph = Buffer.concat([await sharp(await jpeg({ width: 640, height: 400 })).withExif(exif).jpeg().toBuffer(), Buffer.from(word('trailer'))]);
  const plain = await png({ width: 640, height: 400 });
  const picture = Buffer.concat([plain.subarray(0, 33), pngChunk('tEXt', Buffer.from(`Comment\0${word('comment')}`)), plain.subarray(33)]);
  const metadata = pdfStream('/Type /Metadata /Subtype /XML', Buffer.from(`<x:xmpmeta>${word('xmp')}</x:xmpmeta>`));
  const image = pdfStream('/Type /XObject /Subtype /Image /Width 640 /Height 400 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode', photograph);
  return { jpeg: photograph, png: picture, pdf: pdf({ text: word('text'), objects: [metadata, image, Buffer.from(`<< /Author (${word('author')}) /Title <${Buffer.from(`\ufeff${word('title')}`, 'utf16le').swap16().toString('hex')}> >>`)] }) };
}

const isPostgreSql = process.env['TEST_DATABASE'] === 'postgresql';
if (isPostgreSql && !hasPostgreSql) console.log('Left out: canaries in the files of PostgreSQL (this machine has no programs of a server).');

const lines: string[] = [];
const log = createLog({ logLevel: 'trace' }, { write: (line) => void lines.push(line) });
/** What was said to somebody to whom no value is shown: refusals, events, webhooks. */
const said: string[] = [];

let directory: string;
let cluster: Cluster | null = null;
let databaseUrl: string | null = null;
let gateway: Gateway | null = null;
let files: Record<'jpeg' | 'png' | 'pdf', Buffer>;
let digests: string[];
let receiver: Receiver;
let organization: TestOrganization & { key: { partner: string; reviewer: string } };
let customerId: string;

const server = useFileServer(async () => ({ [`/${word('path')}.jpg`]: (await markedFiles()).jpeg }));

async function start(): Promise<void> {
  const environment = { PORT: '0', DATA_DIR: directory, DATABASE_URL: databaseUrl ?? undefined, OPERATOR_KEY, TOKEN_KEY, KEY_RING, ALLOW_PRIVATE_URLS: 'true' };
  gateway = await startGateway(readConfig(environment), { log });
}
async function stop(): Promise<void> {
  await gateway?.stop();
  gateway = null;
}
const clientOf = (key: string | null): Client => new Client(gateway!.url, key);

describe.skipIf(isPostgreSql && !hasPostgreSql)('canaries', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kyc-canaries-'));
    if (isPostgreSql) {
      cluster = await Cluster.create();
      databaseUrl = (await cluster.database('canaries'))();
    }
    files = await markedFiles();
    digests = Object.values(files).map((file) => createHash('sha256').update(file).digest('hex'));
    receiver = await Receiver.start();
    await start();
    const made = await newOrganization(clientOf);
    organization = { ...made, key: { partner: made.partner.key!, reviewer: made.reviewer.key! } };
    await flow();
  }, 240_000);
  afterAll(async () => {
    await stop();
    await receiver.stop();
    await cluster?.remove();
    await rm(directory, { recursive: true, force: true });
  });

  /** Somebody goes all the way, with every canary; who listens hears, and what is refused is said. */
  async function flow(): Promise<void> {
    const { partner, reviewer } = organization;
    const of = (path: string): string => CANARIES[path]!;
    const kyc = (name: string): string => of(`Identity.kycData.${name}`);
    await newEndpoint(partner, receiver.url());
    customerId = await newCustomer(partner, { email: of('Customer.email'), firstName: of('Customer.firstName'), lastName: of('Customer.lastName'), partnerUserId: of('Customer.partnerUserId') });
    const heard = [await partner.subscribe(CUSTOMER_CHANGES, {}), await partner.subscribe(IDENTITY_CHANGES, {}), await clientOf(await clientToken(partner, customerId)).subscribe(DOCUMENT_CHANGES, {})] as const;
    const stream = await EventStream.open(partner, IDENTITY_CHANGES, {});
    const identityId = await submit(partner, customerId, {
      legalFirstName: kyc('legalFirstName'), legalMiddleName: kyc('legalMiddleName'), legalLastName: kyc('legalLastName'), phoneNumber: kyc('phoneNumber'), dateOfBirth: kyc('dateOfBirth'),
      nationality: 'GB', countryOfResidence: 'GB', politicallyExposedPerson: false, nationalIdType: 'NATIONAL_ID', nationalIdNumber: kyc('nationalIdNumber'), nationalIdIssuingCountry: 'GB',
      address: { addressLine1: kyc('address.addressLine1'), addressLine2: kyc('address.addressLine2'), city: kyc('address.city'), stateCode: 'LND', postalCode: kyc('address.postalCode'), country: 'GB', locale: 'en-GB' },
      mostRecentOccupation: kyc('mostRecentOccupation'), digitalAssetWalletAddress: kyc('digitalAssetWalletAddress'), notionalTradedEachMonth: Number(kyc('notionalTradedEachMonth')),
      isEntity: true, enterpriseName: kyc('enterpriseName'), countryOfIncorporation: 'GB', dateOfIncorporation: kyc('dateOfIncorporation'),
      documents: [{ type: 'PASSPORT', number: of('Identity.documentsByUrl.number'), issuingCountry: 'GB', issueDate: of('Identity.documentsByUrl.issueDate'), expirationDate: of('Identity.documentsByUrl.expirationDate'), frontImageUrl: server.url(`/${word('path')}.jpg`) }],
    }, { transactionType: 'EU_INDIVIDUAL', enterpriseId: of('Identity.enterpriseId'), userId: of('Identity.userId'), ipAddress: of('Identity.ipAddress'), debugStatus: 'PASSED', debugFailureReason: of('Identity.debugFailureReason') });
    await refusals(identityId);
    await advance(partner, EVALUATION + DOCUMENT_CHECK);
    await reviewer.request(REVIEW, { input: { identityId, decision: 'REQUEST_INFORMATION', requiredDocuments: ['UTILITY_BILL'], note: of('Identity.reviewNote'), message: EXPLANATION } });
    await partner.request(PATCH_IDENTITY, { input: { identityId, signer: { contractSignerNameFull: of('Identity.signer.contractSignerNameFull'), contractSignedIPAddress: of('Identity.signer.contractSignedIPAddress') } } });
    const upload = (kind: keyof typeof files, type: string): File => new File([new Uint8Array(files[kind])], `${of('FileUpload.fileName')}.${kind}`, { type });
    await partner.request(SUBMIT_DOCUMENT, {
      input: {
        identityId, selectedIdClass: 'UTILITY_BILL', number: of('Document.number'), issuingCountry: 'GB', issueDate: of('Document.issueDate'), expirationDate: of('Document.expirationDate'),
        mrz: `${'P<GBR'}${of('Document.mrz')}`.padEnd(44, '<') + '\n' + 'C01X00T478GBR9001318F9912315<<<<<<<<<<<<<<04',
        frontPhoto: upload('png', 'image/png'), backPhoto: upload('jpeg', 'image/jpeg'), proofOfResidency: upload('pdf', 'application/pdf'),
      },
    });
    await advance(partner, DOCUMENT_CHECK);
    await reviewer.request(REVIEW, { input: { identityId, decision: 'APPROVE', note: of('Identity.reviewNote') } });
    const signed = { contractType: 'CSA' as const, contractVersion: '1.0', contractSignedDate: '2026-01-31T09:30:00Z', userAgreesToTerms: true };
    await partner.request(SUBMIT_SIGNATURES, { input: { identityId, signatures: [{ ...signed, contractSignerNameFull: of('Signature.contractSignerNameFull'), contractSignedIPAddress: of('Signature.contractSignedIPAddress') }] } });
    await advance(partner, 0);
    await partner.request(DEACTIVATE, { input: { customerId, reason: EXPLANATION } });
    await receiver.until(() => receiver.taken.some(({ event }) => event.payload?.['newStatus'] === 'DEACTIVATED'));
    await stream.take(5);
    said.push(JSON.stringify(heard.map(({ received }) => received)), JSON.stringify(stream.received));
    await Promise.all(heard.map((subscription) => subscription.close()));
    stream.close();
    await collect();
  }

  /** Everything that is told of what has happened. */
  async function collect(): Promise<void> {
    const partner = clientOf(organization.key.partner);
    said.push(JSON.stringify(await partner.request(EVENTS, { first: 100 })), JSON.stringify(await deliveriesOf(partner)), ...receiver.received.map(({ body, headers }) => body + JSON.stringify(headers)));
  }

  /** Requests with canaries that are refused: by the schema, the domain, the state, the database, the role. */
  async function refusals(identityId: string): Promise<void> {
    const { partner, reviewer } = organization;
    const text = word('refused');
    const answers = [
      await partner.send(CREATE_CUSTOMER, { input: { partnerUserId: CANARIES['Customer.partnerUserId']! } }),
      await partner.send(CREATE_CUSTOMER, { input: { email: `${text}@` } }),
      await partner.send(PATCH_CUSTOMER, { input: { customerId, kycData: { legalFirstName: `${text}\u0000`, phoneNumber: text, dateOfBirth: text, nationality: text, notionalTradedEachMonth: text as never } } }),
      await partner.send(PATCH_CUSTOMER, { input: { customerId, firstName: `${text}\u0000`, kycData: { legalFirstName: `${text}\ud800`, phoneNumber: text, address: { postalCode: text, country: 'GB' } } } }),
      await partner.send(SUBMIT_IDENTITY, { input: { customerId, kycData: { legalFirstName: text } } }),
      await partner.send(PATCH_IDENTITY, { input: { identityId, userId: text, kycData: { legalLastName: text } } }),
      await partner.send(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', number: text, frontPhoto: new File([text], `${text}.jpg`) } }),
      await reviewer.send(CREATE_CUSTOMER, { input: { firstName: text, email: `${text}@example.com` } }),
    ];
    for (const { errors } of answers) {
      expect(errors).toBeDefined();
      said.push(JSON.stringify(errors));
    }
    for (const query of [`{ customer(id: "${text}") { id } }`, `{ customer(id: "${text}) { id } }`, `mutation { createCustomer(input: { email: ${text} }) { customer { id } } }`]) said.push((await partner.post({ query })).text);
    said.push((await clientOf(text).post({ query: '{ lifecycle { to } }' })).text);
  }

  const marks: Needle[] = needlesOf(MARK);
  const needles = (): Needle[] => [...marks, ...[...Object.values(CANARIES).filter((value) => !value.toLowerCase().includes(MARK.toLowerCase())), ...digests].flatMap(needlesOf)];

  /** Every row of every table, as text: what lies compressed in the files of the database shows here. */
  const dumped = (): Promise<string> =>
    withDatabase({ databaseUrl, dataDirectory: directory }, async (query) => {
      const tables = await query("select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_schema in ('public', 'pgboss') and table_type = 'BASE TABLE'");
      const rows = [];
      for (const { name } of tables) rows.push(...(await query(`select t::text as text from ${String(name)} t`)).map(({ text }) => `${String(name)} ${String(text)}`));
      return rows.join('\n');
    });

  /** Stops everything, so that all has been written, and looks through all of it. */
  async function scan(): Promise<{ bytes: number; rows: number; hits: string[] }> {
    await stop();
    const looked = needles();
    const dump = await dumped();
    if (cluster) {
      await cluster.ask('canaries', 'checkpoint');
      await cluster.stop('fast');
    }
    const places = [directory, ...(cluster ? [cluster.directory] : [])];
    const total = { bytes: 0, rows: dump.split('\n').length, hits: found(Buffer.from(dump), looked).map((hit) => `rows: ${hit}`) };
    for (const place of places) {
      const { bytes, hits } = await scanDirectory(place, looked);
      total.bytes += bytes;
      total.hits.push(...hits);
    }
    await cluster?.start();
    await start();
    return total;
  }

  /** A ciphertext of the customer as it was stored, with how it is opened by a key. */
  interface Stored {
    name: string;
    open(key: DataKey): Promise<Buffer>;
  }

  /** Every ciphertext that is stored of the customer: of rows and of files. */
  async function ciphertexts(): Promise<Stored[]> {
    return withDatabase({ databaseUrl, dataDirectory: directory }, async (query) => {
      const stored: Stored[] = [];
      for (const { table } of SEALED_TABLES) {
        for (const row of await query(`select id, organization_id, sealed from ${table} where ${table === 'customer' ? 'id' : 'customer_id'} = $1`, [customerId])) {
          const place = { organizationId: String(row['organization_id']), table, column: SEALED_COLUMN, rowId: String(row['id']) };
          const sealed = Buffer.from(bytesOf(row['sealed'] as Uint8Array));
          if (sealed.length > 0) stored.push({ name: `${table} ${place.rowId}`, open: async (key) => unseal(key, place, sealed) });
        }
      }
      for (const row of await query('select id, organization_id, storage_key from file_upload where customer_id = $1', [customerId])) {
        const place = { organizationId: String(row['organization_id']), id: String(row['id']), storageKey: String(row['storage_key']) };
        const sealed = await readFile(join(directory, 'documents', place.storageKey)).catch(() => null);
        // The header names the key: any other is tried under that name.
        if (sealed) stored.push({ name: `file ${place.id}`, open: (key) => buffer(openFile({ ...key, id: sealed.toString('hex', 1, 9) }, place, Readable.from([sealed]))) });
      }
      return stored;
    });
  }

  /** Every data key that the key ring can still make of what is stored, and the gateway's own. */
  async function keysLeft(): Promise<DataKey[]> {
    const ring = parseKeyRing(KEY_RING, 'KEY_RING');
    return withDatabase({ databaseUrl, dataDirectory: directory }, async (query) => {
      const keys: DataKey[] = [];
      for (const row of await query('select customer_id, id, key_id, wrapped from data_key where wrapped is not null')) {
        keys.push({ id: String(row['id']), secret: createSecretKey(await ring.unwrap({ keyId: String(row['key_id']), wrapped: bytesOf(row['wrapped'] as Uint8Array) }, purposeOf(String(row['customer_id'])))) });
      }
      for (const row of await query('select name, key_id, wrapped from gateway_key')) {
        keys.push({ id: '00'.repeat(8), secret: createSecretKey(await ring.unwrap({ keyId: String(row['key_id']), wrapped: bytesOf(row['wrapped'] as Uint8Array) }, String(row['name']))) });
      }
      return keys;
    });
  }

  /** What each ciphertext says under any of the keys; null where none opens it. */
  function opened(stored: readonly Stored[], keys: readonly DataKey[]): Promise<(Buffer | null)[]> {
    return Promise.all(stored.map(async ({ open }) => {
      for (const key of keys) {
        const text = await open(key).catch(() => null);
        if (text !== null) return text;
      }
      return null;
    }));
  }

  it('are given to every field of docs/data-map.md that is encrypted and takes a value of its own', () => {
    const fields = mappedFields().filter(({ personalClass }) => PERSONAL_CLASSES[personalClass].sealed).map(({ entity, path }) => `${entity}.${path}`);
    expect(fields.filter((field) => field in CANARIES === field in WITHOUT)).toEqual([]);
    expect([...Object.keys(CANARIES), ...Object.keys(WITHOUT)].filter((field) => !fields.includes(field))).toEqual([]);
    console.log(`canaries: ${Object.keys(CANARIES).length} of ${fields.length} encrypted fields, 3 kinds of files`);
    expect(Object.keys(CANARIES).length).toBeGreaterThanOrEqual(35);
  });

  let before: Stored[] = [];

  it('are all stored, and open with the key ring: each field’s, and each file to its last byte', async () => {
    await stop();
    before = await ciphertexts();
    const plain = await opened(before, await keysLeft());
    await start();
    expect(plain.filter((text) => text === null)).toEqual([]);
    const texts = plain.map((text) => text!);
    expect(Object.entries(CANARIES).filter(([, value]) => !texts.some((text) => text.includes(value))).map(([field]) => field)).toEqual([]);
    for (const [kind, file] of Object.entries(files)) expect([kind, texts.some((text) => text.equals(file))]).toEqual([kind, true]);
    expect(before.length).toBeGreaterThanOrEqual(12);
  });

  it('are nowhere in what is written: data directory, write-ahead log, storage, rows', async () => {
    const { bytes, rows, hits } = await scan();
    console.log(`canaries: 0 hits expected, ${hits.length} found in ${(bytes / 1e6).toFixed(0)} MB of files and ${rows} rows, ${needles().length} forms`);
    expect(hits).toEqual([]);
    expect(bytes).toBeGreaterThan(20_000_000);
    expect(rows).toBeGreaterThan(100);
  }, 240_000);

  it('are in no line of the log, no refusal, no event and no webhook', () => {
    const looked = needles();
    expect(found(Buffer.from(lines.join('\n')), looked)).toEqual([]);
    expect(said.filter((text) => found(Buffer.from(text), looked).length > 0)).toEqual([]);
    console.log(`canaries: ${lines.length} lines of the log, ${said.length} answers and messages, ${receiver.received.length} webhooks`);
    expect([lines.length >= 30, said.length > 20, receiver.received.length > 15]).toEqual([true, true, true]);
  });

  it('are found by the same scan where they are written in the plain, in each of the forms', async () => {
    const path = join(directory, 'documents', 'control');
    await stop();
    const statement = `create table control as select '${word('plain')}'::text as plain`;
    await withDatabase({ databaseUrl, dataDirectory: directory }, (query) => query(statement));
    const text = Buffer.from(word('plain'));
    const written = [text, Buffer.from(word('plain'), 'utf16le'), Buffer.from(word('plain'), 'utf16le').swap16(), Buffer.from(text.toString('hex')), ...[0, 1, 2].map((count) => Buffer.from(Buffer.concat([Buffer.alloc(count, 'x'), text]).toString('base64')))];
    await writeFile(path, Buffer.concat(written));
    await start();
    const { hits } = await scan();
    for (const form of ['utf-8', 'utf-16le', 'utf-16be', 'hex', 'base64+0', 'base64+1', 'base64+2']) expect(hits).toContain(`control: ${MARK} as ${form}`);
    expect(hits).toContain(`rows: ${MARK} as utf-8`);
    // The table's own file, beside the one that was made for this.
    expect(hits.filter((hit) => /^[0-9A-F]+: /.test(hit)).length).toBeGreaterThan(0);
    await stop();
    await withDatabase({ databaseUrl, dataDirectory: directory }, (query) => query('drop table control'));
    await rm(path);
    await start();
  }, 240_000);

  it('do not open any more once the customer is erased: no ciphertext of before, by no key that is left', async () => {
    const partner = clientOf(organization.key.partner);
    await newCustomer(partner, { email: 'another@example.com' });
    await erase(partner, customerId);
    await advance(partner, 0);
    await collect();
    await stop();
    const keys = await keysLeft();
    const plain = await opened(before, keys);
    const left = await ciphertexts();
    const dump = await dumped();
    const stored = await readdir(join(directory, 'documents', organization.id)).catch(() => []);
    await start();
    console.log(`canaries: ${plain.filter((text) => text !== null).length} of ${before.length} ciphertexts open by ${keys.length} keys after erasure`);
    expect(keys.length).toBeGreaterThanOrEqual(2);
    expect(plain.filter((text) => text !== null)).toEqual([]);
    expect([left, stored]).toEqual([[], []]);
    expect(dump).not.toContain('Atlantis');
    const again = clientOf(organization.key.partner);
    expect(JSON.stringify([await again.request(EVENTS, { first: 100 }), await deliveriesOf(again)])).not.toContain('Atlantis');
  });
});
