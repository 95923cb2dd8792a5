import type { Member } from '../core/caller.js';
import type { Core } from '../core/command.js';
import { newDataKey } from '../core/crypto/cipher.js';
import { badInput, refusal } from '../core/errors.js';
import { newId } from '../core/ids.js';
import { errorFacts } from '../core/log.js';
import type { DocumentFileType } from '../kyc/vocabularies.js';
import { readOrganization } from '../organization/reads.js';
import { putSealed, openSealed } from './encrypted-files.js';
import type { IncomingFile } from './incoming.js';
import type { Inspection } from './inspection.js';
import type { FileJudge } from './judge.js';
import { receiveFiles, type FileStorage } from './storage.js';

/** Judges files before they are submitted: by the same judge, but nothing of them is kept and no attempt is spent. While it is judged each is stored under a key that nobody keeps. */
export class FileChecks {
  constructor(
    private readonly core: Core,
    private readonly storage: FileStorage,
    private readonly judge: FileJudge,
  ) {}

  /** The verdict on one file. Throws what submitDocument would throw of it, at the path `file`. */
  async inspect(caller: Member, documentType: DocumentFileType, file: Promise<IncomingFile>): Promise<Extract<Inspection, { ok: true }>> {
    this.core.space?.require();
    const { policy } = await readOrganization(this.core.database, caller.organizationId);
    const id = newId('file');
    const place = { organizationId: caller.organizationId, id, storageKey: `${caller.organizationId}/${id}` };
    const key = newDataKey();
    const [received] = await receiveFiles([file], (stream) => putSealed(this.storage, key, place, stream), () => this.#discard(place.storageKey));
    try {
      const inspection = await this.judge.judge({ read: () => openSealed(this.storage, key, place), size: received!.size, documentType }, policy.image);
      if (inspection.ok) return inspection;
      const fields = [{ path: 'file', code: inspection.fault, message: inspection.message }];
      throw inspection.code === 'BAD_USER_INPUT' ? badInput(fields) : refusal(inspection.code, inspection.message, { fields });
    } finally {
      await this.#discard(place.storageKey);
    }
  }

  /** What cannot be deleted now the sweep collects. */
  async #discard(key: string): Promise<void> {
    await this.storage.delete(key).catch((error: unknown) => this.core.log.warn({ key, ...errorFacts(error) }, 'an inspected file was left to the sweep'));
  }
}
