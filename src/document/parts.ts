import type { Core } from '../core/command.js';
import type { Config } from '../core/config.js';
import { PlainSweep } from '../core/crypto/plain-sweep.js';
import { OutboundClient } from '../core/outbound.js';
import type { TokenKey } from '../core/token-key.js';
import { FileChecks } from './checking.js';
import { DocumentCommands } from './commands.js';
import { EncryptedFiles } from './encrypted-files.js';
import { DocumentFetches } from './fetching.js';
import { createInspector } from './inspection.js';
import { FileJudge } from './judge.js';
import { FileLinks } from './links.js';
import { openStorage } from './open-storage.js';
import { PlainFiles } from './plain-files.js';
import { clamdScanner } from './scanner.js';
import { FileSweep } from './sweep.js';

/** All that has to do with the files of documents, on the storage of the configuration. What is to be closed is added to `undo`. */
export async function openDocumentParts(config: Config, core: Core, tokenKey: TokenKey, undo: (() => Promise<void>)[]) {
  const { log } = core;
  const inspector = createInspector();
  undo.push(() => inspector.close());
  const storage = await openStorage(config, log, undo);
  const files = new EncryptedFiles(storage, core.database.vault);
  const judge = new FileJudge(inspector, config.scanner && clamdScanner(config.scanner, log));
  return {
    documents: new DocumentCommands(core, files, judge),
    fetches: new DocumentFetches(core, files, judge, new OutboundClient({ allowPrivate: config.allowPrivateUrls })),
    checks: new FileChecks(core, storage, judge),
    links: new FileLinks(core, files, tokenKey.derive('file links')),
    /** What goes on by itself. */
    background: [new FileSweep(core, storage), new PlainSweep(new PlainFiles(core, files), log)],
  };
}
