import type { Versioned } from './command.js';
import { refusal, type FieldFault } from './errors.js';

const FIRST_VERSION = 1;

/**
 * Holds an object, locked by its command, to the version that the caller has seen. Null and absent hold it to nothing.
 * Throws CONFLICT, with the current version, for any other. @returns the fault of a number that no version can be.
 */
export function checkVersion(object: Versioned, ifVersion: number | null | undefined): FieldFault[] {
  if (ifVersion == null || ifVersion === object.version) return [];
  if (ifVersion < FIRST_VERSION) return [{ path: 'ifVersion', code: 'out_of_range', message: `Versions are numbers from ${FIRST_VERSION}: give the one that was read.` }];
  throw refusal('CONFLICT', `This has changed: its version is ${object.version} now. Read it again, then decide.`, { version: object.version });
}
