/** Bytes of a marker and of a segment's length. */
const MARKER = 2;
/** What a JPEG needs to be shown as it was taken: JFIF, colour profile, Adobe's transform. Everything else may tell where that was. */
const KEPT_SEGMENTS: Readonly<Record<number, string>> = { 0xe0: 'JFIF\0', 0xe2: 'ICC_PROFILE\0', 0xee: 'Adobe' };
const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const EXIF = 0xe1;
const COMMENT = 0xfe;
/** The pixels and what their colours mean; not eXIf, tEXt, iTXt, zTXt and what else may be written into a PNG. */
const KEPT_CHUNKS = new Set(['IHDR', 'PLTE', 'IDAT', 'IEND', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'sBIT', 'pHYs', 'bKGD']);
const PNG_SIGNATURE = 8;
/** Bytes of a chunk beside its data: length, type and checksum. */
const CHUNK_FRAME = 12;
const ORIENTATION_TAG = 0x0112;
/** How the segments of a JPEG begin in which cameras and editors say where it was taken. */
const PHOTO_METADATA = ['Exif\0\0', 'http://ns.adobe.com/xap/1.0/\0', 'http://ns.adobe.com/xmp/extension/\0'];
/** What an XMP packet stands between. */
const XMP_BEGIN = '<?xpacket begin';
const XMP_END = '<?xpacket end';

/** A file as it may be shown to others: with its own pixels, turned as it says, and without the place where it was taken. */
export function withoutMetadata(file: Buffer, mimeType: string): Buffer {
  if (mimeType === 'image/jpeg') return cleanJpeg(file);
  return mimeType === 'image/png' ? cleanPng(file) : cleanPdf(file);
}

/**
 * A PDF with the metadata of the photographs in it blanked: they stand in it as the JPEGs that they were. So is its own
 * XMP, where that names a place. Every byte keeps its place, for PDFs refer to their parts by position.
 */
function cleanPdf(file: Buffer): Buffer {
  const cleaned = Buffer.from(file);
  for (const name of PHOTO_METADATA) {
    for (let at = cleaned.indexOf(name, 0, 'latin1'); at !== -1; at = cleaned.indexOf(name, at + 1, 'latin1')) {
      if (at >= 2 * MARKER && cleaned[at - 4] === 0xff && cleaned[at - 3] === EXIF) cleaned.fill(0, at, at - MARKER + cleaned.readUInt16BE(at - MARKER));
    }
  }
  for (let at = cleaned.indexOf(XMP_BEGIN); at !== -1; at = cleaned.indexOf(XMP_BEGIN, at + 1)) {
    const end = cleaned.indexOf(XMP_END, at);
    if (end !== -1 && cleaned.subarray(at, end).includes('GPS')) cleaned.fill(' ', at, end);
  }
  return cleaned;
}

/** Without place, time, device, thumbnail and whatever was appended. How it is to be turned is kept. */
function cleanJpeg(file: Buffer): Buffer {
  const kept: Buffer[] = [file.subarray(0, MARKER)];
  let orientation = 1;
  for (let at = MARKER; at + 2 * MARKER <= file.length; ) {
    const marker = file[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === END_OF_IMAGE) break;
    const end = Math.min(file.length, at + MARKER + file.readUInt16BE(at + MARKER));
    const name = KEPT_SEGMENTS[marker];
    const isApplication = marker >= 0xe0 && marker <= 0xef;
    if (marker === EXIF) orientation = orientationOf(file.subarray(at + 2 * MARKER, end)) ?? orientation;
    const isKept = name === undefined ? !isApplication && marker !== COMMENT : file.toString('latin1', at + 2 * MARKER, at + 2 * MARKER + name.length) === name;
    const next = marker === START_OF_SCAN ? endOfScan(file, end) : end;
    if (isKept) kept.push(file.subarray(at, next));
    at = next;
  }
  if (orientation !== 1) kept.splice(1, 0, orientationSegment(orientation));
  return Buffer.concat([...kept, Buffer.from([0xff, END_OF_IMAGE])]);
}

/** The next marker that is neither a stuffed byte nor a restart. */
function endOfScan(file: Buffer, from: number): number {
  for (let at = file.indexOf(0xff, from); at !== -1; at = file.indexOf(0xff, at + 1)) {
    const next = file[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return file.length;
}

/** How an EXIF segment says the picture is to be turned, 1 to 8; undefined where it does not say. */
function orientationOf(segment: Buffer): number | undefined {
  if (segment.toString('latin1', 0, 6) !== 'Exif\0\0' || segment.length < 16) return undefined;
  const tiff = segment.subarray(6);
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const u16 = (at: number): number => (at + 2 > tiff.length ? 0 : isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  for (let entry = 0; entry < u16(directory); entry += 1) {
    const at = directory + 2 + entry * 12;
    if (u16(at) === ORIENTATION_TAG) return u16(at + 8) >= 1 && u16(at + 8) <= 8 ? u16(at + 8) : undefined;
  }
  return undefined;
}

/** An EXIF segment that says how the picture is to be turned, and nothing else. */
function orientationSegment(orientation: number): Buffer {
  const tiff = Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  return Buffer.concat([Buffer.from([0xff, EXIF, 0, body.length + 2]), body]);
}

function cleanPng(file: Buffer): Buffer {
  const kept: Buffer[] = [file.subarray(0, PNG_SIGNATURE)];
  for (let at = PNG_SIGNATURE; at + CHUNK_FRAME <= file.length; ) {
    const end = at + CHUNK_FRAME + file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    if (KEPT_CHUNKS.has(type)) kept.push(file.subarray(at, end));
    if (type === 'IEND') break;
    at = end;
  }
  return Buffer.concat(kept);
}
