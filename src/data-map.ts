import { SEALED_COLUMN, type SealedTable } from './core/crypto/sealed-table.js';
import { PERSONAL_CLASSES, PERSONAL_DATA, SEALED_TABLES, type PersonalClass } from './kyc/personal-data.js';

type Parts = { readonly [name: string]: PersonalClass | Parts };

/** One personal field: where it is, and of which class. */
interface MappedField {
  entity: string;
  /** The property of the entity, and its part where it is an object: `kycData.address.city`. */
  path: string;
  personalClass: PersonalClass;
}

/** Every personal field that is kept, in the order of the table that declares it. */
export function mappedFields(): MappedField[] {
  const below = (entity: string, prefix: string, parts: Parts): MappedField[] =>
    Object.entries(parts).flatMap(([name, part]) => {
      const path = prefix === '' ? name : `${prefix}.${name}`;
      return typeof part === 'string' ? [{ entity, path, personalClass: part }] : below(entity, path, part);
    });
  return Object.entries(PERSONAL_DATA as Readonly<Record<string, Parts>>).flatMap(([entity, parts]) => below(entity, '', parts));
}

/** docs/data-map.md: what personal data the gateway keeps, where, and how; made from kyc/personal-data.ts. */
export function dataMap(): string {
  const classes = Object.entries(PERSONAL_CLASSES).map(([name, { meaning, sealed, masked }]) => `| ${name} | ${meaning} | ${sealed ? 'encrypted' : 'plain'} | ${masked ? 'masked' : 'by permission'} |`);
  const fields = mappedFields().map(({ entity, path, personalClass }) => `| ${tableOf(entity).table} | \`${path}\` | ${personalClass} | \`${tableOf(entity).unsealed[path] ?? SEALED_COLUMN}\` |`);
  const indexes = SEALED_TABLES.flatMap(({ table, indexes }) => Object.values(indexes).map(({ column, purpose }) => `| ${table} | \`${column}\` | ${purpose} |`));
  return [
    '# Data map',
    'Every personal field that the gateway keeps. Made by `npm run docs` from `src/kyc/personal-data.ts`, which encryption follows; a field that is missing there fails a test.',
    'What is encrypted lies in the column `sealed`, one AES-256-GCM ciphertext a row, under the customer’s own data key, which the keys of `KEY_RING` wrap. Files lie in the storage, encrypted under that key in segments; what opens the audit trail’s commitments, callers’ reasons among it, in `audit_opening`, encrypted as rows are.',
    '## Classes',
    ['| class | what it is | at rest | shown |', '|---|---|---|---|', ...classes].join('\n'),
    '## Fields',
    ['| table | field | class | column |', '|---|---|---|---|', ...fields].join('\n'),
    '## Blind indexes',
    'Keyed digests by which rows are found without their text. Each purpose has a key of its own.',
    ['| table | column | of |', '|---|---|---|', ...indexes].join('\n'),
  ].join('\n\n') + '\n';
}

function tableOf(entity: string): SealedTable {
  const table = SEALED_TABLES.find((sealed) => sealed.entity === entity);
  if (!table) throw new Error(`No sealed table keeps the personal data of ${entity}`);
  return table;
}
