import { extname } from 'node:path';
import { isMarkedAsUntransferable, Worker } from 'node:worker_threads';
// libvips must be loaded by the main thread first, or a thread that is ended takes the library down with it.
import 'sharp';

/** What a file must satisfy, from the organization's policy. */
export interface ImageRules {
  /** Of each side of a picture. */
  minimumPixels: number;
  /** Of a picture in all, width × height, which bounds the memory of decoding it. */
  maximumPixels: number;
  maximumPdfPages: number;
}

/** What a reviewer may object to. `measured` and `wanted` are in the unit that the code implies; null where nothing is measured. */
export interface FileWarning {
  code: string;
  message: string;
  measured: number | null;
  wanted: number | null;
}

/** The verdict on a file. Width and height are as the picture is shown (EXIF orientation honoured); null for a PDF. `mrz`: the machine-readable zone in its text. */
export type Inspection =
  | { ok: true; mimeType: 'image/jpeg' | 'image/png' | 'application/pdf'; width: number | null; height: number | null; warnings: FileWarning[]; mrz?: string }
  | { ok: false; code: 'UNSUPPORTED_MEDIA_TYPE' | 'PAYLOAD_TOO_LARGE' | 'BAD_USER_INPUT'; fault: string; message: string };

/** Judges files off the event loop, one at a time, in the order they were handed in. */
export interface Inspector {
  /**
   * The bytes are given away: they are moved to the thread, and must not be used after the call. A function is called
   * only when it is the file's turn, so that a queue of files does not fill the memory; its failure is the caller's.
   */
  inspect(file: Uint8Array | (() => Promise<Uint8Array>), rules: ImageRules): Promise<Inspection>;
  /** Ends the thread. Inspections that are waiting reject. */
  close(): Promise<void>;
}

/** Milliseconds for one file. The slowest honest one, a PNG of 50 megapixels, takes under 5 s on one busy core. */
const TIME_LIMIT = 10_000;
/** Megabytes of JavaScript heap for the thread. Ten pages of text need under 100; a PDF that wants more ends its thread. */
const HEAP_LIMIT = 256;
/** Bytes outside that heap. An honest PDF of 15 MB needs under 100 MB; a megabyte can be made to unpack into gigabytes. */
const BUFFER_LIMIT = 256 * 1024 * 1024;
/** Milliseconds between two looks at that memory: a parser fills a few megabytes in each. */
const MEMORY_CHECK = 20;
/** Built, the thread's file is JavaScript, of its own where the rest is in one file; from the sources it is TypeScript, which Node runs itself. */
const WORKER_FILE = new URL(`../document/inspection-worker${extname(import.meta.url)}`, import.meta.url);

const OUT_OF_BOUNDS: Inspection = {
  ok: false,
  code: 'BAD_USER_INPUT',
  fault: 'corrupt',
  message: 'The file cannot be read within the limits. Take or export it again.',
};

interface Thread { worker: Worker; ready: Promise<void> }

/** Starts the inspector's thread at once, so that the first file need not wait for the libraries to load. */
export function createInspector(options: { timeLimit?: number } = {}): Inspector {
  const timeLimit = options.timeLimit ?? TIME_LIMIT;
  let thread = startThread();
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  const inspectNext = async (file: Uint8Array | (() => Promise<Uint8Array>), rules: ImageRules): Promise<Inspection> => {
    const bytes = typeof file === 'function' ? await file() : file;
    if (closed) throw new Error('The inspector is closed.');
    if (hasEnded(thread)) thread = startThread();
    await thread.ready;
    const inspection = await askWorker(thread.worker, bytes, rules, timeLimit);
    if (inspection) return inspection;
    if (closed) throw new Error('The inspector is closed.');
    await thread.worker.terminate();
    thread = startThread();
    return OUT_OF_BOUNDS;
  };
  return {
    inspect: (file, rules) => {
      const result = last.then(() => inspectNext(file, rules));
      last = result.catch(() => undefined);
      return result;
    },
    close: async () => {
      closed = true;
      await thread.worker.terminate();
      await last;
    },
  };
}

function startThread(): Thread {
  // Without the parent's flags: those of a test runner or a debugger are not for this thread.
  const worker = new Worker(WORKER_FILE, { name: 'inspection', execArgv: [], resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT } });
  const ready = new Promise<void>((resolve, reject) => {
    worker.once('message', () => {
      // An idle thread does not keep the process alive.
      worker.unref();
      resolve();
    });
    // Permanent: a thread that dies between two files must not end the process; the next file finds it gone.
    worker.on('error', (cause) => reject(new Error('The inspection thread failed.', { cause })));
    worker.once('exit', () => reject(new Error('The inspection thread ended before it could work.')));
  });
  // Who waits for it is told; when nobody does, the next file is.
  ready.catch(() => undefined);
  return { worker, ready };
}

function hasEnded({ worker }: Thread): boolean {
  return worker.threadId === -1;
}

/** The thread's answer, or undefined when it took too long or died over the file. */
function askWorker(worker: Worker, bytes: Uint8Array, rules: ImageRules, timeLimit: number): Promise<Inspection | undefined> {
  return new Promise((resolve) => {
    const finish = (inspection?: Inspection): void => {
      clearTimeout(timer);
      clearInterval(memory);
      worker.off('message', finish).off('exit', onExit).unref();
      resolve(inspection);
    };
    const onExit = (): void => finish();
    const timer = setTimeout(finish, timeLimit);
    // No limit of V8's holds for buffers, so they are watched from here, where a busy thread can be asked too.
    const memory = setInterval(async () => {
      const used = await worker.getHeapStatistics().catch(() => undefined);
      if (used && used.external_memory > BUFFER_LIMIT) finish();
    }, MEMORY_CHECK);
    worker.on('message', finish).once('exit', onExit).ref();
    const whole = bytes.byteLength === bytes.buffer.byteLength && !isMarkedAsUntransferable(bytes.buffer);
    // A slice of a pool that other buffers share cannot be moved.
    const owned = whole ? bytes : new Uint8Array(bytes);
    worker.postMessage({ bytes: owned, rules }, [owned.buffer as ArrayBuffer]);
  });
}
