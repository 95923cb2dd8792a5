import { parentPort } from 'node:worker_threads';
import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import { getDocumentProxy } from 'unpdf';
import type { FileWarning, ImageRules, Inspection } from './inspection.js';

// This file runs as it is, types stripped, when the sources are tested: it imports nothing but packages (types vanish),
// and has no syntax that needs a compiler. Whatever parses a stranger's bytes is here, in a thread that can be ended.

/** Pixels of an ID-1 card (85.60 × 53.98 mm) at 300 DPI, below which small print and security features are lost. */
const CARD = { long: 1011, short: 638, dotsPerInch: 300 } as const;
/** Bytes. A card in a readable quality does not fit in less. */
const SMALL_FILE = 100 * 1024;
/** Pixels of the longer side of the picture that is measured: the card's, so that blur is judged at the scale a reviewer reads. */
const MEASURED_SIDE = 1024;
/** Levels of 255 that the channels of a pixel may differ on average in a grey picture: JPEG and white balance add some. */
const GREYSCALE_SPREAD = 4;
/** Variance of the Laplacian of luma. Print in focus gives several hundred at this scale, an unreadable one under 50. */
const BLUR_VARIANCE = 60;
/** Mean luma of 255. A document at 60 was taken in the dark; dark passports in good light have 80 and more. */
const DARK_LUMA = 60;
/** Luma from which a pixel is burnt out. */
const BURNT_LUMA = 250;
/** Share of burnt-out pixels: under the first it covers no field, over the second it is the white ground of a scan. */
const GLARE_SHARE = { from: 0.04, to: 0.5 } as const;
/**
 * Pixels of a progressive JPEG or an interlaced PNG. Neither can be shrunk while it is decoded: the library keeps all of it, up to
 * six bytes a pixel, so that a megabyte of such a file took 600 MB. Cameras write neither.
 */
const WHOLE_PIXELS = 25_000_000;
/** Bytes from the end in which a ZIP's directory must stand: its record and the longest comment. */
const ZIP_TAIL = 22 + 65_535;
/** Bytes from the start in which readers accept a PDF's header, and from the end in which they look for its trailer. */
const PDF_WINDOW = 1024;

/** Length and number of the lines of a machine-readable zone: TD3, TD2, TD1. */
const ZONES = [[44, 2], [36, 2], [30, 3]] as const;

/** How other files begin. No two alternatives begin alike: megabytes are searched, and those cost three times as much. */
const FOREIGN = /%PDF-|<(?:!doctype\s+html|(?:html|script|body|iframe|svg)[\s>]|\?php)|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c/i;

// libvips has loaders for dozens of formats, some with a history: only these two may see a stranger's bytes.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer'] });
sharp.cache(false);

/** A refusal on its way out of the nested steps. */
class Fault extends Error {
  readonly inspection: Inspection & { ok: false };
  constructor(code: (Inspection & { ok: false })['code'], fault: string, message: string) {
    super(message);
    this.inspection = { ok: false, code, fault, message };
  }
}

/** Judges one file by its bytes alone. Never rejects. */
export async function inspectFile(bytes: Uint8Array, rules: ImageRules): Promise<Inspection> {
  try {
    const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const mimeType = await acceptedType(file);
    refuseZip(file);
    return mimeType === 'application/pdf' ? await inspectPdf(file, rules) : await inspectImage(file, mimeType, rules);
  } catch (error) {
    return error instanceof Fault ? error.inspection : corrupt().inspection;
  }
}

function corrupt(): Fault {
  return new Fault('BAD_USER_INPUT', 'corrupt', 'The file is damaged and cannot be read. Take or export it again.');
}

function truncated(): Fault {
  return new Fault('BAD_USER_INPUT', 'truncated', 'The end of the file is missing. Upload it again.');
}

function polyglot(): Fault {
  return new Fault('UNSUPPORTED_MEDIA_TYPE', 'polyglot', 'The file holds another file inside. Send a plain JPEG, PNG or PDF.');
}

async function acceptedType(file: Buffer): Promise<'image/jpeg' | 'image/png' | 'application/pdf'> {
  if (file.length === 0) throw new Fault('BAD_USER_INPUT', 'empty', 'The file is empty.');
  // Type detection skips what may stand before a file (a byte order mark, an ID3 tag). Nothing may stand before these.
  const mime = (await fileTypeFromBuffer(file))?.mime;
  if (mime === 'image/jpeg' && file[0] === 0xff) return mime;
  if (mime === 'image/png' && file[0] === 0x89) return mime;
  if (mime === 'application/pdf' && file.toString('latin1', 0, 5) === '%PDF-') return mime;
  const isHeic = mime?.startsWith('image/hei');
  const found = isHeic ? 'HEIC is not accepted: set the camera to "most compatible", or export the picture as JPEG.' : 'Only JPEG, PNG and PDF are accepted, whatever the name says.';
  throw new Fault('UNSUPPORTED_MEDIA_TYPE', isHeic ? 'heic' : 'unsupported_type', found);
}

/** A ZIP is read from its end and may hide behind any other file: a directory record whose comment ends with the file is one. */
function refuseZip(file: Buffer): void {
  const tail = file.subarray(Math.max(0, file.length - ZIP_TAIL));
  for (let at = tail.indexOf('PK\x05\x06', 0, 'latin1'); at !== -1 && at + 22 <= tail.length; at = tail.indexOf('PK\x05\x06', at + 1, 'latin1')) {
    if (at + 22 + tail.readUInt16LE(at + 20) <= tail.length && tail.readUInt16LE(at + 4) === 0) throw polyglot();
  }
}

async function inspectImage(file: Buffer, mimeType: 'image/jpeg' | 'image/png', rules: ImageRules): Promise<Inspection> {
  // The header is read without decoding; its own limit is off so that the refusal is ours.
  const header = await sharp(file, { limitInputPixels: false }).metadata();
  const [width, height] = [header.autoOrient.width, header.autoOrient.height];
  const isWhole = header.isProgressive === true;
  const maximumPixels = isWhole ? Math.min(WHOLE_PIXELS, rules.maximumPixels) : rules.maximumPixels;
  if (width * height > maximumPixels) {
    const advice = isWhole ? ' of a progressive or interlaced picture: save it without that, or smaller' : '';
    throw new Fault('PAYLOAD_TOO_LARGE', 'too_many_pixels', `The picture has ${width} × ${height} pixels; at most ${maximumPixels} in all are accepted${advice}.`);
  }
  if (Math.min(width, height) < rules.minimumPixels) {
    throw new Fault('BAD_USER_INPUT', 'too_few_pixels', `The picture has ${width} × ${height} pixels; each side needs at least ${rules.minimumPixels}.`);
  }
  const foreign = mimeType === 'image/jpeg' ? outsideJpegScans(file) : outsidePngPixels(file);
  if (foreign.some((bytes) => FOREIGN.test(bytes.toString('latin1'))) || file.subarray(0, PDF_WINDOW).includes('%PDF-')) throw polyglot();
  return { ok: true, mimeType, width, height, warnings: [...sizeWarnings(file.length), ...resolutionWarnings(width, height), ...(await pictureWarnings(file, rules))] };
}

/** The parts of a JPEG in which something else could be written: its segments and what follows its end, as phones append. */
function outsideJpegScans(file: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let at = 2;
  while (at + 4 <= file.length) {
    if (file[at] !== 0xff) throw corrupt();
    const marker = file[at + 1] ?? 0;
    if (marker === 0xd9) return [...parts, file.subarray(at + 2)];
    if (marker === 0xff) at += 1;
    else if (isRestart(marker)) at += 2;
    else {
      const end = at + 2 + file.readUInt16BE(at + 2);
      parts.push(file.subarray(at + 4, end));
      at = marker === 0xda ? endOfScan(file, end) : end;
    }
  }
  if (file.length - at >= 2 && file[at] === 0xff && file[at + 1] === 0xd9) return parts;
  throw truncated();
}

/** The next marker that is neither a stuffed byte nor a restart: only then the entropy-coded data has ended. */
function endOfScan(file: Buffer, from: number): number {
  for (let at = file.indexOf(0xff, from); at !== -1; at = file.indexOf(0xff, at + 1)) {
    const next = file[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !isRestart(next)) return at;
  }
  return file.length;
}

/** Markers that have no length. */
function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

/** The parts of a PNG in which something else could be written: all chunks but the pixels, and what follows its end. */
function outsidePngPixels(file: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const end = at + 12 + file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    if (end > file.length) break;
    if (type === 'IEND') return [...parts, file.subarray(end)];
    if (type !== 'IDAT') parts.push(file.subarray(at + 8, end - 4));
    at = end;
  }
  throw truncated();
}

function sizeWarnings(size: number): FileWarning[] {
  return size < SMALL_FILE ? [{ code: 'small_file', message: 'The file is small for a document that must be read closely.', measured: size, wanted: SMALL_FILE }] : [];
}

function resolutionWarnings(width: number, height: number): FileWarning[] {
  const share = Math.min(Math.max(width, height) / CARD.long, Math.min(width, height) / CARD.short);
  if (share >= 1) return [];
  const message = 'Even a card that fills the picture is under 300 DPI. Take it from nearer or with more pixels.';
  return [{ code: 'low_resolution', message, measured: Math.floor(share * CARD.dotsPerInch), wanted: CARD.dotsPerInch }];
}

/** Decodes the whole picture, so that damage anywhere in it is found, and measures a copy that was shrunk while decoding. */
async function pictureWarnings(file: Buffer, rules: ImageRules): Promise<FileWarning[]> {
  const { data, info } = await sharp(file, { failOn: 'warning', limitInputPixels: rules.maximumPixels, sequentialRead: true })
    .resize({ width: MEASURED_SIDE, height: MEASURED_SIDE, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixels = info.width * info.height;
  const luma = new Float32Array(pixels);
  let [differences, total, burnt] = [0, 0, 0];
  for (let index = 0, at = 0; index < pixels; index += 1, at += info.channels) {
    const red = data[at] ?? 0;
    const green = data[at + 1] ?? 0;
    const blue = data[at + 2] ?? 0;
    const light = 0.299 * red + 0.587 * green + 0.114 * blue;
    luma[index] = light;
    total += light;
    differences += Math.abs(red - green) + Math.abs(green - blue) + Math.abs(blue - red);
    if (light >= BURNT_LUMA) burnt += 1;
  }
  // The three differences of a pixel are twice that of its strongest channel and its weakest, for which V8 takes longer.
  return judge({ spread: differences / 2 / pixels, luma: total / pixels, burnt: burnt / pixels, sharpness: laplacianVariance(luma, info.width, info.height) });
}

function judge(measured: { spread: number; luma: number; burnt: number; sharpness: number }): FileWarning[] {
  const warnings: FileWarning[] = [];
  const warn = (code: string, message: string, value: number, wanted: number): void => {
    warnings.push({ code, message, measured: Math.round(value * 100) / 100, wanted });
  };
  if (measured.spread < GREYSCALE_SPREAD) warn('greyscale', 'The picture has no colours. Take it in colour.', measured.spread, GREYSCALE_SPREAD);
  if (measured.sharpness < BLUR_VARIANCE) warn('blurred', 'The picture is blurred. Hold the camera still and let it focus.', measured.sharpness, BLUR_VARIANCE);
  if (measured.luma < DARK_LUMA) warn('dark', 'The picture is dark. Take it in more light.', measured.luma, DARK_LUMA);
  if (measured.burnt > GLARE_SHARE.from && measured.burnt < GLARE_SHARE.to) {
    warn('glare', 'Parts of the picture are burnt out. Avoid the flash and reflections.', measured.burnt, GLARE_SHARE.from);
  }
  return warnings;
}

/** How much the picture has of edges: the variance of its second derivative. */
function laplacianVariance(luma: Float32Array, width: number, height: number): number {
  let [count, total, squares] = [0, 0, 0];
  for (let row = 1; row < height - 1; row += 1) {
    for (let at = row * width + 1; at < (row + 1) * width - 1; at += 1) {
      const value = (luma[at - 1] ?? 0) + (luma[at + 1] ?? 0) + (luma[at - width] ?? 0) + (luma[at + width] ?? 0) - 4 * (luma[at] ?? 0);
      count += 1;
      total += value;
      squares += value * value;
    }
  }
  return count === 0 ? 0 : squares / count - (total / count) ** 2;
}

async function inspectPdf(file: Buffer, rules: ImageRules): Promise<Inspection> {
  const end = file.lastIndexOf('%%EOF');
  if (end === -1 || (end < file.length - PDF_WINDOW && !FOREIGN.test(file.toString('latin1', end)))) throw truncated();
  if (FOREIGN.test(file.toString('latin1', end))) throw polyglot();
  const size = file.length;
  const document = await openPdf(file);
  try {
    const { info } = (await document.getMetadata()) as { info: { EncryptFilterName?: string | null } };
    if (info.EncryptFilterName) throw encrypted();
    if (document.numPages === 0) throw new Fault('BAD_USER_INPUT', 'no_pages', 'The PDF has no page.');
    if (document.numPages > rules.maximumPdfPages) {
      throw new Fault('BAD_USER_INPUT', 'too_many_pages', `The PDF has ${document.numPages} pages; at most ${rules.maximumPdfPages} are accepted.`);
    }
    const text: string[] = [];
    for (let number = 1; number <= document.numPages; number += 1) {
      const { items } = await (await document.getPage(number)).getTextContent();
      text.push(...items.flatMap((item) => ('str' in item ? [item.str, item.hasEOL ? '\n' : ''] : [])), '\n');
    }
    const noText: FileWarning[] = text.some((part) => part.trim() !== '') ? [] : [{ code: 'no_text_layer', message: 'The PDF is a picture without text. An original from the issuer is better.', measured: null, wanted: null }];
    const mrz = machineReadableZone(text.join(''));
    return { ok: true, mimeType: 'application/pdf', width: null, height: null, warnings: [...sizeWarnings(size), ...noText], ...(mrz === null ? {} : { mrz }) };
  } finally {
    await document.loadingTask.destroy();
  }
}

/** The first two or three lines of one text that have the length and the letters of ICAO 9303's. */
function machineReadableZone(text: string): string | null {
  const lines = text.split('\n').map((line) => line.replaceAll(' ', ''));
  for (const [length, count] of ZONES) {
    const found = lines.findIndex((_, index) => lines.slice(index, index + count).filter((line) => line.length === length && /^[A-Z0-9<]*<[A-Z0-9<]*$/.test(line)).length === count);
    if (found !== -1) return lines.slice(found, found + count).join('\n');
  }
  return null;
}

function encrypted(): Fault {
  return new Fault('BAD_USER_INPUT', 'encrypted', 'The PDF is encrypted. Export it without a password or restrictions.');
}

async function openPdf(file: Buffer): ReturnType<typeof getDocumentProxy> {
  try {
    // A view, not the Buffer: pdf.js refuses Node's subclass. Nothing is drawn, fetched or logged. A font that it cannot
    // read, such as a Chinese one without its tables, is no damage: hence it may go on after an error in a page.
    return await getDocumentProxy(new Uint8Array(file.buffer, file.byteOffset, file.byteLength), { disableFontFace: true, verbosity: 0 });
  } catch (error) {
    throw error instanceof Error && error.name === 'PasswordException' ? encrypted() : corrupt();
  }
}

parentPort?.on('message', ({ bytes, rules }: { bytes: Uint8Array<ArrayBuffer>; rules: ImageRules }) => {
  void inspectFile(bytes, rules).then((inspection) => {
    parentPort?.postMessage(inspection);
    // What was moved here is given back at once; the garbage collector would go through all there is for it.
    if (!bytes.buffer.detached) bytes.buffer.transfer(0);
  });
});
// Whoever hands in a file knows by this that a thread that ends later ended over the file.
parentPort?.postMessage('ready');
