import type { Config } from '../core/config.js';
import type { Log } from '../core/log.js';
import { localStorage, type FileStorage } from './storage.js';

/** Opens the storage that the configuration names, in a directory or in S3; what is to be closed is added to `undo`. */
export async function openStorage({ storage: location }: Pick<Config, 'storage'>, log: Log, undo: (() => Promise<void>)[]): Promise<FileStorage> {
  if ('directory' in location) return localStorage(location.directory);
  // Its library is loaded only where it is used.
  const { openS3Storage } = await import('./s3-storage.js');
  const storage = await openS3Storage(location, log);
  undo.push(() => Promise.resolve(storage.close()));
  return storage;
}
