import type { GraphQLError } from 'graphql';
import { Upload, type FileUpload } from 'graphql-upload-minimal';
import { refusal } from '../core/errors.js';

/** Characters of a path in `map`: the deepest of the schema has under 60. */
const MAX_PATH_LENGTH = 200;

/** The library declares neither, yet both are how a parser hands over the file that the `Upload` scalar waits for. */
export type PendingUpload = Upload & { resolve(file: FileUpload): void; reject(error: Error): void };
/** A file that `map` promises: where it belongs, and the value that stands there until it comes. */
export interface ExpectedFile { path: string; upload: PendingUpload }

/** BAD_REQUEST for a body that is not a GraphQL multipart request, and why. */
export function malformed(reason: string): GraphQLError {
  return refusal('BAD_REQUEST', `This is not a GraphQL multipart request: ${reason}.`);
}

/** The JSON object in a field of the form. */
export function parseObject(field: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(`'${field}' is not JSON`);
  }
  if (Array.isArray(value) && field === 'operations') throw malformed('operations cannot be sent in batches');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`'${field}' is not an object`);
  return value as Record<string, unknown>;
}

/** Puts an `Upload` at each path that `map` names and answers them by the name of their part. */
export function expectFiles(operations: Record<string, unknown>, map: Record<string, unknown>, maxFiles: number): Map<string, ExpectedFile> {
  const entries = Object.entries(map);
  if (entries.length > maxFiles) throw refusal('PAYLOAD_TOO_LARGE', `At most ${maxFiles} files may come in one request.`);
  const expected = new Map<string, ExpectedFile>();
  for (const [name, paths] of entries) {
    const path: unknown = Array.isArray(paths) && paths.length === 1 ? paths[0] : undefined;
    if (typeof path !== 'string' || path.length > MAX_PATH_LENGTH) throw malformed("each entry of 'map' must be a list of one path");
    const upload = new Upload() as PendingUpload;
    placeUpload(operations, path, upload);
    expected.set(name, { path, upload });
  }
  return expected;
}

/** Only own properties are walked and only a null is replaced: no path reaches a prototype, a method or another's upload. */
function placeUpload(operations: Record<string, unknown>, path: string, upload: Upload): void {
  const segments = path.split('.');
  const last = segments.pop() ?? '';
  let container: unknown = operations;
  for (const segment of segments) container = ownValue(container, segment);
  if (segments[0] !== 'variables' || ownValue(container, last) !== null) throw malformed("a path of 'map' does not lead to a null in 'variables'");
  (container as Record<string, unknown>)[last] = upload;
}

function ownValue(container: unknown, key: string): unknown {
  if (typeof container !== 'object' || container === null || container instanceof Upload || !Object.hasOwn(container, key)) return undefined;
  return (container as Record<string, unknown>)[key];
}

/** `variables.input.frontPhoto` is `frontPhoto` in the words of the mutation's input, whatever the client calls its variable. */
export function inputPath(path: string): string {
  const [, variable = path, ...rest] = path.split('.');
  return rest.length > 0 ? rest.join('.') : variable;
}
