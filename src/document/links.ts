import { createHmac, timingSafeEqual } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Caller, Member, Role } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import { execute, type Core } from '../core/command.js';
import { isErased } from '../core/crypto/sealed-table.js';
import { notFound, refusal } from '../core/errors.js';
import { kindOfId, newId } from '../core/ids.js';
import { isOfErased } from '../customer/commands.js';
import { callerOfKey } from '../organization/reads.js';
import type { EncryptedFiles } from './encrypted-files.js';
import { FileReadEntity, FileUploadEntity } from './entity.js';
import { withoutMetadata } from './metadata.js';
import type { FileRow } from './reads.js';

/** Where files are read back; the file's id follows. */
export const FILES_PATH = '/files';
/** Long enough to look at a document, too short to be worth passing on. */
const LINK_SECONDS = 300;
const READERS: readonly Role[] = ['PARTNER', 'REVIEWER'];

/** What a link says beside the file's id. */
export interface LinkClaims {
  viewer: string;
  expires: string;
  signature: string;
}

/** A file as it is read back. */
export interface ReadableFile {
  bytes: Buffer;
  mimeType: string;
  fileName: string | null;
}

/** Links to files: each for one file and one viewer, for minutes, and only as long as the viewer's key lives. */
export class FileLinks {
  #baseUrl = '';

  constructor(
    private readonly core: Core,
    private readonly files: EncryptedFiles,
    private readonly key: Buffer,
  ) {}

  /** From now on links begin with this. */
  serveAt(baseUrl: string): void {
    this.#baseUrl = baseUrl;
  }

  /** A link for this caller; null where there is nothing to read, or the caller may not. */
  urlFor(caller: Caller, file: FileRow): string | null {
    if (!READERS.includes(caller.role) || file.upload_status !== 'UPLOADED' || isErased(file)) return null;
    const expires = String(Math.floor(this.core.clock.now().getTime() / MILLISECONDS_PER_SECOND) + LINK_SECONDS);
    const query = new URLSearchParams({ viewer: caller.actor, expires, signature: this.#sign(file.id, caller.actor, expires) });
    return `${this.#baseUrl}${FILES_PATH}/${file.id}?${query}`;
  }

  /** Opens a file for the viewer of a link and records that it was read. Throws FORBIDDEN or NOT_FOUND. */
  async open(fileId: string, claims: LinkClaims): Promise<ReadableFile> {
    const viewer = await this.#viewer(fileId, claims);
    const file = await execute(this.core, viewer, async (unit) => {
      const found = kindOfId(fileId) === 'file' ? await unit.entities.findOne(FileUploadEntity, { id: fileId, uploadStatus: 'UPLOADED' }) : null;
      if (!found || isErased(found)) throw notFound('file');
      unit.note({ kind: 'FILE_READ', operation: 'readFile', subjects: [fileId, found.documentId], customerId: found.customerId });
      unit.entities.create(FileReadEntity, { id: newId('fileRead'), organizationId: unit.organizationId, fileId, documentId: found.documentId, reader: viewer.actor, readAt: unit.now });
      return found;
    });
    const mimeType = file.mimeType ?? 'application/octet-stream';
    const bytes = await buffer(this.files.read(file, file.encrypted)).catch((error: unknown) => {
      throw isOfErased(error) ? notFound('file') : error;
    });
    return { bytes: withoutMetadata(bytes, mimeType), mimeType, fileName: file.fileName ?? null };
  }

  async #viewer(fileId: string, { viewer, expires, signature }: LinkClaims): Promise<Member> {
    const [given, wanted] = [Buffer.from(signature), Buffer.from(this.#sign(fileId, viewer, expires))];
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw refusal('FORBIDDEN', 'This link is not one of ours. Ask for FileUpload.url.');
    if (Number(expires) * MILLISECONDS_PER_SECOND <= this.core.clock.now().getTime()) throw refusal('FORBIDDEN', 'This link has expired. Ask for FileUpload.url again.');
    const caller = await callerOfKey(this.core.database, this.core.clock, viewer);
    if (!caller || !READERS.includes(caller.role)) throw refusal('FORBIDDEN', 'The key that this link was made for is no longer valid.');
    return caller;
  }

  #sign(fileId: string, viewer: string, expires: string): string {
    return createHmac('sha256', this.key).update(`${fileId}\n${viewer}\n${expires}`).digest('base64url');
  }
}
