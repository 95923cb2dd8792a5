import { fileURLToPath } from 'node:url';

/** A bucket of Amazon S3 (no endpoint) or of a server that speaks its protocol. The prefix neither begins nor ends with a slash. */
export interface S3Location {
  bucket: string;
  prefix: string;
  endpoint: string | null;
  region: string | null;
}

/** Where the files of documents are kept. */
export type StorageLocation = { directory: string } | S3Location;

/** The names that Amazon gives out. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^(?:[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)?$/;

/** Reads STORAGE_URL: the location, or the rest of a sentence that begins with the variable's name. */
export function parseStorageUrl(value: string): StorageLocation | { fault: string } {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol === 'file:' && value.startsWith('file:/') && url.host === '' && !/%2f/i.test(url.pathname)) return { directory: fileURLToPath(url) };
  if (url?.protocol !== 's3:') return { fault: 'must be file:/a/directory or s3://bucket/prefix?endpoint=…&region=….' };
  if (url.username !== '' || url.password !== '') return { fault: 'must not hold credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.' };
  const { endpoint = null, region = null, ...others } = Object.fromEntries(url.searchParams);
  const prefix = url.pathname.replaceAll(/^\/+|\/+$/g, '');
  if (!BUCKET.test(url.host)) return { fault: 'must name a bucket as S3 does: 3 to 63 lower-case letters, digits, dots and hyphens.' };
  if (!PREFIX.test(prefix)) return { fault: 'may have a prefix of letters, digits, dots, _, - and single slashes.' };
  if (Object.keys(others).length > 0) return { fault: 'may have the parameters endpoint and region, and no other.' };
  if (endpoint !== null && !/^https?:\/\/[^/@]+\/?$/.test(endpoint)) return { fault: 'must have an endpoint such as https://storage.example.com:9000.' };
  return { bucket: url.host, prefix, endpoint, region };
}
