import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { ApolloClient, CombinedGraphQLErrors, InMemoryCache } from '@apollo/client';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';
import { afterAll, describe, expect, it } from 'vitest';
import { jpeg, zip } from '../files.js';
import { bringTo, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { SUBMIT_DOCUMENT } from '../support/operations.js';

const gateway = useGateway({}, { workers: false });
const clients: ApolloClient[] = [];
afterAll(() => clients.forEach((client) => client.stop()));

/** Apollo Client as a partner's browser application sets it up. */
function apolloOf({ partner }: Applicant): ApolloClient {
  const link = new UploadHttpLink({ uri: `${partner.url}/graphql`, headers: { ...partner.headers, 'Apollo-Require-Preflight': 'true' } });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  clients.push(client);
  return client;
}

describe('apollo-upload-client', () => {
  it('uploads two files of the disk, which arrive byte by byte', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kyc-client-'));
    const [front, back] = [join(directory, 'vorne ü.jpg'), join(directory, 'back.jpg')];
    const pictures = [await jpeg({ width: 1100, height: 700 }), await jpeg({ width: 1200, height: 800 })] as const;
    await writeFile(front, pictures[0]);
    await writeFile(back, pictures[1]);
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const frontPhoto = new File([await openAsBlob(front)], 'vorne ü.jpg', { type: 'image/jpeg' });
    const backPhoto = new File([await openAsBlob(back)], 'back.jpg', { type: 'image/jpeg' });
    const { data } = await apolloOf(person).mutate({
      mutation: SUBMIT_DOCUMENT,
      variables: { input: { identityId: person.identityId, selectedIdClass: 'DRIVERS_LICENSE', frontPhoto, backPhoto } },
    });
    await rm(directory, { recursive: true });
    expect(data?.submitDocument.identity.status).toBe('RECORDS_UPLOADED');
    const sent = pictures.map((bytes) => createHash('sha256').update(bytes).digest('hex'));
    const files = Object.fromEntries(data!.submitDocument.document.fileUploads.map((file) => [file.documentType, file]));
    expect(files['FRONT_PHOTO']).toMatchObject({ fileName: 'vorne ü.jpg', sha256: sent[0], width: 1100, height: 700 });
    expect(files['BACK_PHOTO']).toMatchObject({ fileName: 'back.jpg', sha256: sent[1], width: 1200, height: 800 });
  });

  it('is told of a refusal as of any GraphQL error', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const frontPhoto = new File([new Uint8Array(zip())], 'front.jpg');
    const failure: unknown = await apolloOf(person)
      .mutate({ mutation: SUBMIT_DOCUMENT, variables: { input: { identityId: person.identityId, selectedIdClass: 'PASSPORT', frontPhoto } } })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CombinedGraphQLErrors);
    expect((failure as CombinedGraphQLErrors).errors[0]?.extensions).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE', fields: [{ path: 'frontPhoto' }] });
  });
});
