import { request as httpRequest, type ClientRequest } from 'node:http';
import { print } from 'graphql';
import { BOUNDARY, json, part } from '../multipart.js';
import type { Client } from './client.js';
import { SUBMIT_DOCUMENT } from './operations.js';

/** Announces a passport of `announced` bytes, sends `sent` of them and no more. Destroy it at the end. */
export function halfUpload(client: Client, identityId: string, announced: number, sent: number): ClientRequest {
  return halfRequest(client, { query: print(SUBMIT_DOCUMENT), variables: { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: null } } }, 'frontPhoto', announced, sent);
}

/** The same of any operation with a file in its input. */
export function halfRequest({ url, headers }: Client, operation: { query: string; variables: unknown }, field: string, announced: number, sent: number): ClientRequest {
  const head = Buffer.concat([
    part(json('operations', operation)),
    part(json('map', { 0: [`variables.input.${field}`] })),
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="0"; filename="front.jpg"\r\n\r\n`),
  ]);
  const request = httpRequest(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'apollo-require-preflight': '1', 'content-length': head.length + announced },
  });
  // Whoever breaks off is told so.
  request.on('error', () => undefined).write(head);
  if (sent > 0) request.write(Buffer.alloc(sent));
  return request;
}
