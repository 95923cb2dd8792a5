import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../src/core/config.js';

const read = (url: string | undefined) => readConfig({ DATA_DIR: '/var/lib/kyc', STORAGE_URL: url }).storage;

describe('STORAGE_URL', () => {
  it.each([
    [undefined, { directory: '/var/lib/kyc/documents' }],
    ['file:/srv/documents', { directory: '/srv/documents' }],
    ['file:///srv/my%20documents', { directory: '/srv/my documents' }],
    ['s3://kyc-documents', { bucket: 'kyc-documents', prefix: '', endpoint: null, region: null }],
    ['s3://kyc.documents/live/eu/?region=eu-central-1', { bucket: 'kyc.documents', prefix: 'live/eu', endpoint: null, region: 'eu-central-1' }],
    ['s3://kyc?endpoint=https://storage.example.com:9000', { bucket: 'kyc', prefix: '', endpoint: 'https://storage.example.com:9000', region: null }],
  ])('%s is understood', (url, location) => {
    expect(read(url)).toEqual(location);
  });

  it.each([
    'documents', '/srv/documents', 'file:documents', 'file://host/srv', 'file:/srv%2f..%2fetc', 'https://bucket.s3.amazonaws.com', 's3:bucket', 's3://', 's3://Bucket', 's3://ab', 's3://-bucket',
    's3://key:secret@bucket', 's3://bucket/a//b', 's3://bucket/a b', 's3://bucket?prefix=x', 's3://bucket?endpoint=storage.example.com', 's3://bucket?endpoint=https://key:secret@storage.example.com', 's3://bucket:9000/x',
  ])('%s ends the start with one sentence that names the variable and keeps the value to itself', (url) => {
    expect(() => read(url)).toThrow(ConfigError);
    expect(() => read(url)).toThrow(/^STORAGE_URL m[^\n]+\.$/);
    expect(() => read(url)).not.toThrow(/secret/);
  });
});
