import { typeidUnboxed } from 'typeid-js';

/** The prefix of each kind of object. A prefix and a UUIDv7 in base 32 make an id: readable, sortable by age. */
export const ID_PREFIXES = {
  organization: 'org',
  apiKey: 'key',
  customer: 'cus',
  identity: 'idn',
  document: 'doc',
  file: 'fup',
  fileRead: 'frd',
  signature: 'sig',
  event: 'evt',
  auditEntry: 'aud',
  webhookEndpoint: 'whe',
  webhookDelivery: 'whd',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

/** A UUIDv7 in base 32 has 26 digits, the first at most 7. */
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** A new id such as `cus_01kb3v6k8pe2mvb5s3w3x0d2qz`. Ids of one process sort in the order of their making. */
export function newId(kind: IdKind): string {
  return typeidUnboxed(ID_PREFIXES[kind]);
}

/** The kind of object that an id names, or null when it is not one of ours. */
export function kindOfId(id: string): IdKind | null {
  const separator = id.indexOf('_');
  if (separator < 0 || !SUFFIX.test(id.slice(separator + 1))) return null;
  const prefix = id.slice(0, separator);
  for (const kind of Object.keys(ID_PREFIXES) as IdKind[]) {
    if (ID_PREFIXES[kind] === prefix) return kind;
  }
  return null;
}
