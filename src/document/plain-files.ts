import type { Kysely } from 'kysely';
import { systemPrincipal, type SystemActor } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import { consult, execute, type Core } from '../core/command.js';
import type { PlainSource } from '../core/crypto/plain-sweep.js';
import { isErased } from '../core/crypto/sealed-table.js';
import { newId } from '../core/ids.js';
import { isOutage } from '../core/outages.js';
import { DELETE_FILES_JOB } from './commands.js';
import type { CustomerFile, EncryptedFiles } from './encrypted-files.js';
import { FileUploadEntity, type FileUpload } from './entity.js';
import { digestOf } from './storage.js';

/** Who encrypts, in the audit trail. */
const ACTOR = 'document.encrypt-file';
/** Whoever had just looked up where the file was has opened it by then. */
const SPARED_SECONDS = 60;

interface PlainFile {
  id: string;
  organization_id: string;
}

interface PlainTables {
  file_upload: PlainFile & { encrypted: boolean; upload_status: string };
}

/**
 * The files that were stored before files were encrypted. Each is encrypted into a file beside it, and its row changed over
 * once that is known to open; the old one is deleted after that. Whatever is interrupted leaves one of them, whole.
 */
export class PlainFiles implements PlainSource<PlainFile> {
  readonly table = 'file_upload';

  constructor(
    private readonly core: Core,
    private readonly files: EncryptedFiles,
  ) {}

  next(after: string, limit: number): Promise<PlainFile[]> {
    const reader = this.core.database.owner().getKysely() as unknown as Kysely<PlainTables>;
    return reader.selectFrom('file_upload').select(['id', 'organization_id']).where('id', '>', after).where('encrypted', '=', false).where('upload_status', '=', 'UPLOADED').orderBy('id').limit(limit).execute();
  }

  async seal({ id, organization_id: organizationId }: PlainFile): Promise<void> {
    const principal = systemPrincipal(organizationId, ACTOR);
    const file = await consult(this.core, principal, (unit) => unit.entities.findOne(FileUploadEntity, { id }));
    if (!file || !isInThePlain(file)) return;
    const copy: CustomerFile = { id, organizationId, customerId: file.customerId, storageKey: `${organizationId}/${newId('file')}` };
    try {
      const { sha256 } = await this.files.put(copy, this.files.read(file, false));
      if ((await digestOf(this.files.read(copy))) !== sha256) throw new Error('An encrypted copy is not what it was made of');
      if (!(await this.#changeOver(principal, file.storageKey, copy))) await this.files.delete(copy.storageKey);
    } catch (error) {
      // Where the answer to the commit was lost the row may name it: the sweep of files sees to it.
      if (!isOutage(error)) await this.files.delete(copy.storageKey);
      throw error;
    }
  }

  /** @returns whether the row names the copy from now on: it may have been changed over by another replica, or erased. */
  #changeOver(principal: SystemActor, from: string, copy: CustomerFile): Promise<boolean> {
    return execute(this.core, principal, async (unit) => {
      const file = await unit.entities.findOne(FileUploadEntity, { id: copy.id }, true);
      if (!file || !isInThePlain(file) || file.storageKey !== from) return false;
      Object.assign(file, { storageKey: copy.storageKey, encrypted: true });
      unit.note({ subjects: [file.id], customerId: file.customerId });
      unit.enqueue({ name: DELETE_FILES_JOB, data: { keys: from }, dueAt: new Date(unit.organizationNow.getTime() + SPARED_SECONDS * MILLISECONDS_PER_SECOND) });
      return true;
    });
  }
}

/** Whether there is something to encrypt: of what was erased nothing is left. */
function isInThePlain(file: FileUpload): boolean {
  return !file.encrypted && !isErased({ sealed: file.sealed ?? null });
}
