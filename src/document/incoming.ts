import type { Readable } from 'node:stream';
import type { DocumentFileType } from '../kyc/vocabularies.js';

/** A file of a multipart request, as graphql-upload-minimal hands it over. */
export interface IncomingFile {
  filename: string;
  createReadStream(): Readable;
}

/** The files that a submission may have, by the name of their input field. */
export const FILE_INPUTS = { frontPhoto: 'FRONT_PHOTO', backPhoto: 'BACK_PHOTO', proofOfResidency: 'PROOF_OF_RESIDENCY', selfie: 'SELFIE' } as const satisfies Record<string, DocumentFileType>;
export type FileInput = keyof typeof FILE_INPUTS;
export type IncomingFiles = { [Input in FileInput]?: Promise<IncomingFile> | null | undefined };
