import { writeSync } from 'node:fs';
import type { Extension } from '@electric-sql/pglite';

const STANDARD_ERROR = 2;
export const DATABASE_FAILED = 'The embedded database has failed, most likely for want of room on the disk of DATA_DIR, and the gateway ends with it: make room and start it again, nothing that was acknowledged is lost.';

/**
 * Ends the process when the embedded database aborts: where PostgreSQL would end with PANIC, as when its log cannot be
 * written. PGlite would ask the aborted database again for ever, without returning to anybody who could answer or stop.
 */
export const endOnAbort: Extension = {
  name: 'end on abort',
  setup: async (_database, options) => ({
    emscriptenOpts: {
      ...(options as object),
      onAbort: () => {
        writeSync(STANDARD_ERROR, `${DATABASE_FAILED}\n`);
        process.exit(1);
      },
    },
  }),
};
