import { createHash } from 'node:crypto';
import { constants, crc32, deflateRawSync, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

// Files for tests, true ones and hostile ones, from pixels and bytes alone: the inspector blocks sharp's loaders of other
// formats for the whole process, so nothing here may depend on them.

/** How a test's picture looks. Without anything it is a picture that no warning applies to. */
export interface Looks {
  width?: number;
  height?: number;
  grey?: boolean;
  /** Sigma, in pixels. */
  blur?: number;
  /** Of 1. */
  brightness?: number;
  glare?: boolean;
  /** EXIF, 1 to 8. */
  orientation?: number;
}

/** Levels that single pixels stray from their colour, as a camera's do: it keeps files from compressing to nothing. */
const GRAIN = 12;

/** A chequered card in two colours: in focus, evenly lit, over 100 KB from 1011 × 638 pixels on. */
function picture({ width = 1600, height = 1000, grey, blur, brightness = 1, glare }: Looks): Sharp {
  const pixels = Buffer.alloc(width * height * 3);
  const cell = Math.max(4, Math.round(width / 128));
  const tone = (level: number): number => Math.max(0, Math.min(255, level * brightness));
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 3) {
      const isInk = (Math.floor(x / cell) * 7919 + Math.floor(y / cell) * 104_729) % 5 < 2;
      const grain = ((x * 73 + y * 151 + ((x * y) % 97)) % (2 * GRAIN + 1)) - GRAIN;
      pixels[at] = tone((isInk ? 40 : 200) + grain);
      pixels[at + 1] = tone((isInk ? 60 : 170) + grain);
      pixels[at + 2] = tone((isInk ? 110 : 120) + grain);
    }
    if (glare && y < height * 0.4) pixels.fill(255, y * width * 3, Math.floor((y + 0.4) * width) * 3);
  }
  let image = sharp(pixels, { raw: { width, height, channels: 3 } });
  if (blur) image = image.blur(blur);
  return grey ? image.greyscale() : image;
}

const made = new Map<string, Promise<Buffer>>();

/** Pictures are made once, but handed out as copies: the inspector takes away the bytes it is given. */
async function makeOnce(key: string, make: () => Promise<Buffer>): Promise<Buffer> {
  const file = made.get(key) ?? make();
  made.set(key, file);
  return Buffer.from(await file);
}

/** A JPEG. */
export function jpeg(looks: Looks = {}): Promise<Buffer> {
  const make = (image: Sharp): Promise<Buffer> => image.jpeg({ quality: 92 }).toBuffer();
  const { orientation } = looks;
  return makeOnce(`jpeg ${JSON.stringify(looks)}`, () => make(orientation ? picture(looks).withMetadata({ orientation }) : picture(looks)));
}

/** A PNG. */
export function png(looks: Looks = {}): Promise<Buffer> {
  return makeOnce(`png ${JSON.stringify(looks)}`, () => picture(looks).png().toBuffer());
}

/** The same picture in a format that is not accepted. */
export async function other(format: 'gif' | 'tiff' | 'webp' | 'avif'): Promise<Buffer> {
  return picture({ width: 300, height: 300 }).toFormat(format).toBuffer();
}

/** The beginning of what an iPhone takes: enough for its type to be known. */
export function heic(): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), Buffer.alloc(1000)]);
}

/** One chunk of a PNG. */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/** So many megabytes of this text, compressed, made without ever having them in memory. */
export function deflatedMegabytes(count: number, text: string): Buffer {
  const block = deflateRawSync(Buffer.alloc(1_000_000, text), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array.from({ length: count }, () => block), Buffer.from([3, 0])]);
}

/** A PNG whose header promises width × height pixels that decompress from very little. */
export function pngBomb(width: number, height: number, bytes = 300_000): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const pixels = deflatedMegabytes(Math.ceil(bytes / 1000), '\0').subarray(0, bytes);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), pngChunk('IHDR', header), pngChunk('IDAT', pixels), pngChunk('IEND', Buffer.alloc(0))]);
}

/** A JPEG whose frame header was made to promise width × height pixels. */
export async function jpegBomb(width: number, height: number): Promise<Buffer> {
  const file = await jpeg({ width: 800, height: 600 });
  const frame = file.indexOf(Buffer.from([0xff, 0xc0, 0x00, 0x11]));
  file.writeUInt16BE(height, frame + 5);
  file.writeUInt16BE(width, frame + 7);
  return file;
}

/** A JPEG with a comment, where PDF readers and browsers may find another file. */
export function withJpegComment(file: Buffer, comment: string): Buffer {
  const head = Buffer.from([0xff, 0xfe, 0, 0]);
  head.writeUInt16BE(Buffer.byteLength(comment) + 2, 2);
  return Buffer.concat([file.subarray(0, 2), head, Buffer.from(comment), file.subarray(2)]);
}

/** An empty ZIP archive with a comment. */
export function zip(comment = ''): Buffer {
  const record = Buffer.alloc(22);
  record.write('PK\x05\x06', 'latin1');
  record.writeUInt16LE(comment.length, 20);
  return Buffer.concat([record, Buffer.from(comment)]);
}

/** How a test's PDF is made. */
export interface PdfShape {
  pages?: number;
  /** What /Count says, where it is not the truth. */
  count?: number;
  /** Empty: a page without text. */
  text?: string;
  /** A password is asked for, or the document only claims restrictions. */
  encryption?: 'password' | 'owner';
  /** A page's content, compressed, instead of text. */
  content?: Buffer;
  /** Objects that stand beside the pages. */
  objects?: Buffer[];
}

/** A stream of a PDF that stands in it as it is. */
export function pdfStream(dictionary: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`<< ${dictionary} /Length ${bytes.length} >>\nstream\n`), bytes, Buffer.from('\nendstream')]);
}

/** A PDF with a table of its objects, as a printer driver would write it. */
export function pdf({ pages = 1, count = pages, text = 'Utility bill of A. Person', encryption, content, objects: others = [] }: PdfShape = {}): Buffer {
  const stream = content ?? deflateSync(Buffer.from(text ? `BT /F1 12 Tf 72 720 Td (${text}) Tj ET` : '0 0 100 100 re f'));
  const kids = Array.from({ length: pages }, (_, index) => `${5 + index} 0 R`);
  const objects: (string | Buffer)[] = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids.join(' ')}] /Count ${count} >>`,
    pdfStream('/Filter /FlateDecode', stream),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...kids.map(() => '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 3 0 R /Resources << /Font << /F1 4 0 R >> >> >>'),
  ];
  objects.push(...others);
  if (encryption) objects.push(encryptionDictionary(encryption));
  return assemble(objects, encryption ? `/Encrypt ${objects.length} 0 R /ID [<${FILE_ID}> <${FILE_ID}>]` : '');
}

function assemble(objects: (string | Buffer)[], trailer: string): Buffer {
  const parts = [Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
  const offsets: number[] = [];
  let length = parts[0]?.length ?? 0;
  for (const [index, object] of objects.entries()) {
    const part = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), Buffer.from(object as string), Buffer.from('\nendobj\n')]);
    offsets.push(length);
    length += part.length;
    parts.push(part);
  }
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  return Buffer.concat([...parts, Buffer.from(`xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${length}\n%%EOF\n`)]);
}

const FILE_ID = '00112233445566778899aabbccddeeff';
/** The padding that the PDF specification puts in the place of an empty password. */
const PASSWORD_PADDING = Buffer.from('28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a', 'hex');
/** Everything but printing is forbidden. */
const PERMISSIONS = -60;

/** The standard security handler, revision 2. With the true /U of an empty password a reader opens the file without asking. */
function encryptionDictionary(encryption: 'password' | 'owner'): string {
  const owner = Buffer.alloc(32, 0x5a);
  const permissions = Buffer.alloc(4);
  permissions.writeInt32LE(PERMISSIONS);
  const key = createHash('md5').update(Buffer.concat([PASSWORD_PADDING, owner, permissions, Buffer.from(FILE_ID, 'hex')])).digest().subarray(0, 5);
  const user = encryption === 'owner' ? rc4(key, PASSWORD_PADDING) : Buffer.alloc(32, 0x33);
  return `<< /Filter /Standard /V 1 /R 2 /O <${owner.toString('hex')}> /U <${user.toString('hex')}> /P ${PERMISSIONS} >>`;
}

/** OpenSSL 3 has no RC4 any more; PDF 1.4 has nothing else. */
function rc4(key: Buffer, data: Buffer): Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, index) => index);
  const at = (index: number): number => state[index & 255] ?? 0;
  const swap = (left: number, right: number): void => void ([state[left], state[right]] = [at(right), at(left)]);
  for (let i = 0, j = 0; i < 256; i += 1) {
    j = (j + at(i) + (key[i % key.length] ?? 0)) & 255;
    swap(i, j);
  }
  let [i, j] = [0, 0];
  return Buffer.from(data.map((byte) => {
    i = (i + 1) & 255;
    j = (j + at(i)) & 255;
    swap(i, j);
    return byte ^ at(at(i) + at(j));
  }));
}
