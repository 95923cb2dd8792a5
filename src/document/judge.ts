import { moveInto } from '../core/parts.js';
import type { DocumentFileType } from '../kyc/vocabularies.js';
import type { Inspection, Inspector } from './inspection.js';
import type { Scanner } from './scanner.js';

/** Bounds the memory of decoding one picture: the largest sensors of phones have fifty megapixels, in bursts of twice that. */
const MAXIMUM_PIXELS = 100_000_000;

/** What policy asks of a file. */
export interface FileRules {
  maxBytes: number;
  minPixels: number;
  maxPdfPages: number;
}

/** A file that lies in the storage and has yet to be judged. */
export interface ReceivedFile {
  /** What came, anew each time, in pieces that have memory of their own. */
  read(): AsyncIterable<Buffer<ArrayBuffer>>;
  size: number;
  documentType: DocumentFileType;
}

/** Judges files that were received, however they came. */
export class FileJudge {
  constructor(
    private readonly inspector: Inspector,
    /** Null: files are not scanned. */
    private readonly scanner: Scanner | null,
  ) {}

  /** The verdict on one file under the organization's rules. Fails with SERVICE_UNAVAILABLE when the storage or the scanner does not answer. */
  async judge(file: ReceivedFile, rules: FileRules): Promise<Inspection> {
    if (file.size > rules.maxBytes) {
      return { ok: false, code: 'PAYLOAD_TOO_LARGE', fault: 'too_large', message: `A file may have at most ${rules.maxBytes} bytes.` };
    }
    // First, so that nothing parses what is known to be malicious.
    if (this.scanner && (await this.scanner.isInfected(file.read()))) {
      return { ok: false, code: 'BAD_USER_INPUT', fault: 'infected', message: 'The virus scanner refuses this file. Scan your device, and take or export the document again.' };
    }
    const inspection = await this.inspector.inspect(() => wholeOf(file), {
      minimumPixels: rules.minPixels,
      maximumPixels: MAXIMUM_PIXELS,
      maximumPdfPages: rules.maxPdfPages,
    });
    if (inspection.ok && file.documentType === 'SELFIE' && inspection.mimeType === 'application/pdf') {
      return { ok: false, code: 'UNSUPPORTED_MEDIA_TYPE', fault: 'unsupported_type', message: 'A selfie is a JPEG or a PNG.' };
    }
    return inspection;
  }
}

/** All of a file, in memory that can be moved to the thread as it is. */
async function wholeOf({ read, size }: ReceivedFile): Promise<Uint8Array> {
  const whole = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for await (const piece of read()) {
    const { length } = piece;
    moveInto(whole, piece, at);
    at += length;
  }
  return whole;
}
