import { stringifyDocument } from 'urql';
import type { TypedDocumentString } from '../generated/graphql';
import { ENDPOINT, failureOfErrors, RefusedError } from './gateway';

/** How far an upload has come, from 0 to 1. */
export type OnProgress = (share: number) => void;

/**
 * Sends a mutation whose input has files, by the GraphQL multipart request specification. XMLHttpRequest, because fetch
 * says nothing of how much has been sent. Throws RefusedError; code `network` when the connection broke.
 */
export function upload<Data, Variables extends { input: object }>(token: string, document: TypedDocumentString<Data, Variables>, variables: Variables, onProgress: OnProgress = () => undefined): Promise<Data> {
  const files = Object.entries(variables.input).filter((entry): entry is [string, Blob] => entry[1] instanceof Blob);
  const withoutFiles = { ...variables.input, ...Object.fromEntries(files.map(([name]) => [name, null])) };
  const form = new FormData();
  form.set('operations', JSON.stringify({ query: stringifyDocument(document.toString()), variables: { input: withoutFiles } }));
  form.set('map', JSON.stringify(Object.fromEntries(files.map(([name], index) => [index, [`variables.input.${name}`]]))));
  for (const [index, [name, file]] of files.entries()) form.set(String(index), file, file instanceof File ? file.name : `${name}.jpg`);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', ENDPOINT);
    request.setRequestHeader('authorization', `Bearer ${token}`);
    request.setRequestHeader('apollo-require-preflight', 'true');
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (answer?.data && !answer.errors) resolve(answer.data as Data);
      else reject(new RefusedError(failureOfErrors(answer?.errors)));
    };
    request.onerror = request.onabort = request.ontimeout = () => reject(new RefusedError(failureOfErrors(undefined)));
    request.send(form);
  });
}

function parsed(text: string): { data?: unknown; errors?: { message: string; extensions?: Record<string, unknown> }[] } | null {
  try {
    return JSON.parse(text) as ReturnType<typeof parsed>;
  } catch {
    return null;
  }
}
