import { isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { dataMap, mappedFields } from '../src/data-map.js';
import { createLog } from '../src/core/log.js';
import { databaseParts, emptySchema } from '../src/gateway.js';
import { kycDataView } from '../src/identity/kyc-types.js';
import { PERSONAL_CLASSES, SEALED_TABLES } from '../src/kyc/personal-data.js';
import { read } from './support/sources.js';

/** What says nothing of a person but where they stand. A new property belongs here, or into kyc/personal-data.ts. */
const IMPERSONAL: Readonly<Record<string, string>> = {
  ApiKey: 'id organizationId prefix secretHash role name subject createdAt expiresAt revokedAt lastUsedAt',
  Customer: 'id organizationId type status kycStatus identityStatus documentAttemptsRemaining hasDocuments sealed emailIndex partnerUserIndex erasedAt closedAt verifiedAt currentIdentityId legalHoldSince version createdAt updatedAt',
  Identity: 'id organizationId customerId status step transactionType sealed enterpriseIndex userIndex nationalIdIndex programId policyId policy demands evaluations documentSubmissions documentAttemptsRemaining deadlineAt looksAt needsPerson hostedPage debugStatus version createdAt updatedAt',
  Document: 'id organizationId identityId customerId sealed selectedIdClass status submission version createdAt updatedAt',
  FileUpload: 'id organizationId documentId customerId sealed documentType fileSize mimeType width height uploadStatus storageKey encrypted warnings createdAt',
  FileRead: 'id organizationId fileId documentId reader readAt',
  Signature: 'id organizationId identityId customerId sealed contractType contractVersion contractSignedDate createdAt',
};
/** Entities of which no row is about a person. */
const OF_THE_ORGANIZATION = ['Organization', 'WebhookEndpoint', 'WebhookDelivery'];

const entities = databaseParts.entities.map((entity) => entity.meta).filter(({ className }) => !OF_THE_ORGANIZATION.includes(className));
const fields = mappedFields();
const propertiesOf = (entity: string): Set<string> => new Set(fields.filter((field) => field.entity === entity).map(({ path }) => path.split('.')[0]!));

describe('docs/data-map.md', () => {
  it('is what the code says: `npm run docs` writes it', () => {
    expect(read('docs/data-map.md')).toBe(dataMap());
  });
});

describe('every column', () => {
  it.each(entities.map((meta) => [meta.className, meta] as const))('of %s is declared as personal, or known to say nothing of a person', (name, meta) => {
    const declared = [...propertiesOf(name), ...(IMPERSONAL[name] ?? '').split(' ')];
    expect(Object.keys(meta.properties).filter((property) => !declared.includes(property))).toEqual([]);
    expect(declared.filter((property) => !(property in meta.properties))).toEqual([]);
  });

  it.each(SEALED_TABLES.map((table) => [table.entity, table] as const))('of %s that is declared as encrypted is, and no other', (name, { fields: sealed }) => {
    const encrypted = fields.filter(({ entity, personalClass }) => entity === name && PERSONAL_CLASSES[personalClass].sealed).map(({ path }) => path.split('.')[0]!);
    expect(Object.keys(sealed).toSorted()).toEqual([...new Set(encrypted)].toSorted());
  });

  it.each(SEALED_TABLES.map((table) => [table.entity, table] as const))('of %s that is personal and not encrypted is declared with its column, so that erasing empties it', (name, { unsealed }) => {
    const plain = fields.filter(({ entity, personalClass }) => entity === name && !PERSONAL_CLASSES[personalClass].sealed).map(({ path }) => path);
    expect(Object.keys(unsealed).toSorted()).toEqual(plain.toSorted());
  });

  it('of a masked class is masked, or shown nowhere', () => {
    const masked = fields.filter(({ personalClass }) => PERSONAL_CLASSES[personalClass].masked);
    const ofPerson = masked.flatMap(({ path }) => (path.startsWith('kycData.') ? [path.slice('kycData.'.length)] : []));
    const view = kycDataView(Object.fromEntries(ofPerson.map((name) => [name, 'QX12345678']))) as Record<string, unknown>;
    expect(ofPerson.map((name) => [name, view[name]])).toEqual(ofPerson.map((name) => [name, '******5678']));
    const others = masked.flatMap(({ path }) => (path.startsWith('kycData.') ? [] : [path.split('.').at(-1)!]));
    const shown = Object.values(emptySchema().getTypeMap()).flatMap((type) => (isObjectType(type) ? Object.keys(type.getFields()).flatMap((name) => (others.includes(name) ? [`${type.name}.${name}`] : [])) : []));
    // Masked by its resolver; and what was asked for by revealKycData.
    expect(shown).toEqual(['Document.number', 'RevealedDocument.number']);
  });

  it('is dropped by the log under its own name, at any depth', () => {
    const lines: string[] = [];
    const log = createLog({ logLevel: 'trace' }, { write: (line) => void lines.push(line) });
    for (const { path } of fields) log.info(path.split('.').reduceRight<object>((inner, name) => ({ [name]: inner, [path.split('.').at(-1)!]: 'Canaria4711' }), {}), 'a line');
    expect(lines).toHaveLength(fields.length);
    expect(lines.join()).not.toContain('Canaria4711');
  });

  it('is looked at: the count', () => {
    console.log(`data map: ${fields.length} personal fields of ${new Set(fields.map(({ entity }) => entity)).size} entities`);
    expect(fields.length).toBeGreaterThanOrEqual(60);
  });
});
