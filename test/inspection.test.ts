import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createInspector, type ImageRules, type Inspection, type Inspector } from '../src/document/inspection.js';
import { deflatedMegabytes, heic, jpeg, jpegBomb, other, pdf, png, pngBomb, pngChunk, withJpegComment, zip } from './files.js';

const RULES: ImageRules = { minimumPixels: 200, maximumPixels: 50_000_000, maximumPdfPages: 10 };
/** Milliseconds in which a decompression bomb must be refused. */
const BOMB_WITHIN = 100;
/** Bytes that this process may grow by over a PDF that unpacks into a gigabyte. */
const BOMB_MEMORY = 600 * 1024 * 1024;
/** Bytes that it may grow by over a picture that has to be decoded whole. */
const WHOLE_MEMORY = 300 * 1024 * 1024;

// Making large pictures and bombs takes seconds on a busy machine; the inspector's own limits are tested as such.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let inspector: Inspector;
beforeAll(async () => {
  inspector = createInspector();
  await inspector.inspect(await jpeg(), RULES);
});
afterAll(() => inspector.close());

const inspect = (file: Uint8Array): Promise<Inspection> => inspector.inspect(file, RULES);
const codes = (inspection: Inspection): string[] => (inspection.ok ? inspection.warnings.map(({ code }) => code) : [inspection.fault]);

describe('files that are accepted', () => {
  test('a good JPEG, with its size and no warning', async () => {
    expect(await inspect(await jpeg())).toEqual({ ok: true, mimeType: 'image/jpeg', width: 1600, height: 1000, warnings: [] });
  });

  test('a good PNG, with its size and no warning', async () => {
    expect(await inspect(await png())).toEqual({ ok: true, mimeType: 'image/png', width: 1600, height: 1000, warnings: [] });
  });

  test('a JPEG that is shown on its side, with the size as it is shown', async () => {
    expect(await inspect(await jpeg({ orientation: 6 }))).toMatchObject({ ok: true, width: 1000, height: 1600 });
  });

  test('a progressive, grey or interlaced one, whatever its encoder chose', async () => {
    const { default: sharp } = await import('sharp');
    expect(await inspect(await sharp(await jpeg()).jpeg({ progressive: true }).toBuffer())).toMatchObject({ ok: true });
    expect(await inspect(await sharp(await png()).png({ progressive: true, palette: true }).toBuffer())).toMatchObject({ ok: true });
  });

  test('a picture of exactly 200 × 200 pixels', async () => {
    expect(await inspect(await png({ width: 200, height: 200 }))).toMatchObject({ ok: true, width: 200, height: 200 });
  });

  test('a JPEG with what phones append: another JPEG, a film', async () => {
    const photo = await jpeg();
    expect(await inspect(Buffer.concat([photo, await jpeg({ width: 300, height: 300 })]))).toMatchObject({ ok: true });
    expect(await inspect(Buffer.concat([photo, Buffer.from('\0\0\0\x18ftypmp42'), Buffer.alloc(10_000, 7)]))).toMatchObject({ ok: true });
  });

  test('a PDF of one page and of ten', async () => {
    expect(await inspect(pdf())).toMatchObject({ ok: true, mimeType: 'application/pdf', width: null, height: null });
    expect(await inspect(pdf({ pages: 10 }))).toMatchObject({ ok: true });
  });

  test('a PDF whose table of objects is lost, as every reader accepts it', async () => {
    expect(await inspect(Buffer.from(pdf().toString('latin1').replace('xref', 'xxxx'), 'latin1'))).toMatchObject({ ok: true });
  });
});

describe('files that are refused, with the reason', () => {
  const refused: [name: string, make: () => Promise<Buffer> | Buffer, code: string, fault: string][] = [
    ['an empty file', () => Buffer.alloc(0), 'BAD_USER_INPUT', 'empty'],
    ['a text named .jpg', () => Buffer.from('I am a picture, believe me.'), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['an SVG', () => Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a page of HTML', () => Buffer.from('<!doctype html><script>alert(1)</script>'), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a GIF', () => other('gif'), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a TIFF', () => other('tiff'), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a WebP', () => other('webp'), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['an AVIF', () => other('avif'), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a HEIC', () => heic(), 'UNSUPPORTED_MEDIA_TYPE', 'heic'],
    ['an archive', () => zip('x'), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a JPEG behind a byte order mark', async () => Buffer.concat([Buffer.from('\ufeff'), await jpeg()]), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a JPEG behind an ID3 tag', async () => Buffer.concat([Buffer.from('ID3\x03\0\0\0\0\0\x0a'), Buffer.alloc(10), await jpeg()]), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a JPEG followed by a PDF', async () => Buffer.concat([await jpeg(), pdf()]), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a JPEG followed by HTML', async () => Buffer.concat([await jpeg(), Buffer.from('<HTML ><body>')]), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a JPEG followed by an archive', async () => Buffer.concat([await jpeg(), zip('no comment')]), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a JPEG with a PDF in its comment', async () => withJpegComment(await jpeg(), '%PDF-1.4 1 0 obj'), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a JPEG with a script in its comment', async () => withJpegComment(await jpeg(), '<script>alert(1)</script>'), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a PNG followed by a PDF', async () => Buffer.concat([await png(), pdf()]), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a PNG followed by an archive', async () => Buffer.concat([await png(), zip()]), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a PNG with a script in a text', async () => insertPngText(await png(), 'Comment\0<?php system($_GET[0]);'), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a PDF followed by an archive', () => Buffer.concat([pdf(), zip()]), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a PDF followed by HTML', () => Buffer.concat([pdf(), Buffer.from('<html>'), Buffer.alloc(5000)]), 'UNSUPPORTED_MEDIA_TYPE', 'polyglot'],
    ['a PDF that starts later', () => Buffer.concat([Buffer.from('hello\n'), pdf()]), 'UNSUPPORTED_MEDIA_TYPE', 'unsupported_type'],
    ['a JPEG of 199 pixels', () => jpeg({ width: 199, height: 400 }), 'BAD_USER_INPUT', 'too_few_pixels'],
    ['a PNG of 65,535² pixels in 300 kB', () => pngBomb(65_535, 65_535), 'PAYLOAD_TOO_LARGE', 'too_many_pixels'],
    ['a JPEG of 65,500² pixels, the most that its library reads', () => jpegBomb(65_500, 65_500), 'PAYLOAD_TOO_LARGE', 'too_many_pixels'],
    ['a JPEG of 65,535² pixels', () => jpegBomb(65_535, 65_535), 'BAD_USER_INPUT', 'corrupt'],
    ['a JPEG that promises more than it holds', () => jpegBomb(5_000, 5_000), 'BAD_USER_INPUT', 'corrupt'],
    ['half a JPEG', async () => half(await jpeg()), 'BAD_USER_INPUT', 'truncated'],
    ['half a JPEG with an end marker', async () => Buffer.concat([half(await jpeg()), Buffer.from([0xff, 0xd9])]), 'BAD_USER_INPUT', 'corrupt'],
    ['a JPEG without its last byte', async () => (await jpeg()).subarray(0, -1), 'BAD_USER_INPUT', 'truncated'],
    ['a JPEG damaged in the middle', async () => damaged(await jpeg()), 'BAD_USER_INPUT', 'corrupt'],
    ['the first bytes of a JPEG', async () => (await jpeg()).subarray(0, 20), 'BAD_USER_INPUT', 'corrupt'],
    ['half a PNG', async () => half(await png()), 'BAD_USER_INPUT', 'truncated'],
    ['a PNG damaged in the middle', async () => damaged(await png()), 'BAD_USER_INPUT', 'corrupt'],
    ['a PNG without pixels', () => pngBomb(1_000, 1_000, 10), 'BAD_USER_INPUT', 'corrupt'],
    ['half a PDF', () => half(pdf()), 'BAD_USER_INPUT', 'truncated'],
    ['a PDF of nonsense', () => Buffer.from('%PDF-1.7 nonsense %%EOF'), 'BAD_USER_INPUT', 'corrupt'],
    ['a PDF of eleven pages', () => pdf({ pages: 11 }), 'BAD_USER_INPUT', 'too_many_pages'],
    ['a PDF without a page', () => pdf({ pages: 0 }), 'BAD_USER_INPUT', 'no_pages'],
    ['a PDF with a password', () => pdf({ encryption: 'password' }), 'BAD_USER_INPUT', 'encrypted'],
    ['a PDF encrypted without asking for a password', () => pdf({ encryption: 'owner' }), 'BAD_USER_INPUT', 'encrypted'],
  ];

  test.each(refused)('%s', async (_name, make, code, fault) => {
    const verdict = await inspect(await make());
    expect(verdict).toMatchObject({ ok: false, code, fault });
    expect(verdict.ok ? '' : verdict.message).toMatch(/^[A-Z].*\.$/s);
  });

  test.each(['%PDF-', '%pdf-', '<!DOCTYPE\nhtml', '<html>', '<Script ', '<body>', '<iframe ', '<svg>', '<?php', 'Rar!\x1a\x07', '7z\xbc\xaf\x27\x1c'])('a picture behind whose end stands %j', async (beginning) => {
    const appended = Buffer.concat([Buffer.alloc(100_000, '<'), Buffer.from(`${beginning} and more`, 'latin1'), Buffer.alloc(100_000)]);
    expect(await inspect(Buffer.concat([await jpeg(), appended]))).toMatchObject({ ok: false, code: 'UNSUPPORTED_MEDIA_TYPE', fault: 'polyglot' });
  });

  test.each(['% PDF-', '<!doctypehtml', '<htmlx>', '<scripture', '<embody>', '< svg>', '<? php', 'Rar!', '7z'])('but not %j, which only looks like it', async (beginning) => {
    const appended = Buffer.concat([Buffer.alloc(100_000, '<'), Buffer.from(`${beginning} and more`, 'latin1')]);
    expect(await inspect(Buffer.concat([await jpeg(), appended]))).toMatchObject({ ok: true });
  });

  test(`decompression bombs within ${BOMB_WITHIN} ms`, async () => {
    for (const bomb of [pngBomb(65_535, 65_535), await jpegBomb(65_500, 65_500), await jpegBomb(65_535, 65_535)]) {
      let fastest = Infinity;
      // The fastest of three: the machine may be busy with other tests.
      for (let round = 0; round < 3; round += 1) {
        const started = performance.now();
        expect(await inspect(Buffer.from(bomb))).toMatchObject({ ok: false });
        fastest = Math.min(fastest, performance.now() - started);
      }
      expect(fastest).toBeLessThan(BOMB_WITHIN);
    }
  });
});

describe('pictures that cannot be shrunk while they are decoded', () => {
  const plain = async (width: number, height: number, format: 'jpeg' | 'png'): Promise<Buffer> => {
    const { default: sharp } = await import('sharp');
    return sharp({ create: { width, height, channels: 3, background: '#336699' } }).toFormat(format, { progressive: true }).toBuffer();
  };

  test.each(['jpeg', 'png'] as const)('a progressive %s of 25 megapixels passes without filling the memory, and one row more is refused', async (format) => {
    const passing = await plain(5000, 5000, format);
    const before = process.memoryUsage.rss();
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5);
    expect(await inspect(passing)).toMatchObject({ ok: true });
    clearInterval(watch);
    console.log(`a progressive ${format} of 25 megapixels raised resident memory by ${Math.round((peak - before) / 1e6)} MB`);
    expect(peak - before).toBeLessThan(WHOLE_MEMORY);
    expect(await inspect(await plain(5000, 5001, format))).toMatchObject({ ok: false, code: 'PAYLOAD_TOO_LARGE', fault: 'too_many_pixels' });
  });
});

describe('warnings', () => {
  const warned: [name: string, make: () => Promise<Buffer> | Buffer, expected: string[]][] = [
    ['a blurred picture', () => jpeg({ blur: 3 }), ['blurred']],
    ['a large picture that is as blurred to its reader', () => jpeg({ width: 4000, height: 3000, blur: 8 }), ['blurred']],
    ['a dark picture', () => jpeg({ brightness: 0.25 }), ['dark']],
    ['a picture with glare', () => jpeg({ glare: true }), ['glare']],
    ['a grey picture', () => jpeg({ grey: true }), ['greyscale']],
    ['a grey PNG', () => png({ grey: true }), ['greyscale']],
    ['a small picture', () => jpeg({ width: 300, height: 200 }), ['small_file', 'low_resolution']],
    ['a PDF without text', () => pdf({ text: '' }), ['small_file', 'no_text_layer']],
    ['a picture of exactly a card at 300 DPI', () => png({ width: 638, height: 1011 }), []],
    ['a picture one pixel short of it', () => png({ width: 637, height: 1011 }), ['low_resolution']],
  ];

  test.each(warned)('%s', async (_name, make, expected) => {
    const verdict = await inspect(await make());
    expect(verdict.ok).toBe(true);
    expect(codes(verdict)).toEqual(expected);
  });

  test.each([[13, 11, 10], [13, 10, 11], [11, 13, 10], [10, 13, 11], [11, 10, 13], [10, 11, 13]])('measure a picture of one colour, %i %i %i, as it is', async (red, green, blue) => {
    const { default: sharp } = await import('sharp');
    const verdict = await inspect(await sharp({ create: { width: 700, height: 700, channels: 3, background: { r: red, g: green, b: blue } } }).png().toBuffer());
    const measured = verdict.ok ? Object.fromEntries(verdict.warnings.map((warning) => [warning.code, warning.measured])) : {};
    expect(measured).toMatchObject({ greyscale: 3, blurred: 0, dark: Math.round((0.299 * red + 0.587 * green + 0.114 * blue) * 100) / 100 });
  });

  test('say what was measured and what is wanted', async () => {
    expect(await inspect(await png({ width: 505, height: 505 }))).toMatchObject({ warnings: expect.arrayContaining([expect.objectContaining({ code: 'low_resolution', measured: 149, wanted: 300 })]) as unknown });
  });
});

describe('the inspector', () => {
  test('gives up on a PDF that unpacks into a gigabyte before it fills the memory, and works on', async () => {
    const file = pdf({ content: deflatedMegabytes(1000, ' ') });
    const before = process.memoryUsage.rss();
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 10);
    expect(await inspect(file)).toMatchObject({ ok: false, fault: 'corrupt' });
    clearInterval(watch);
    console.log(`a PDF that unpacks into 1 GB raised resident memory by ${Math.round((peak - before) / 1e6)} MB`);
    expect(peak - before).toBeLessThan(BOMB_MEMORY);
    expect(await inspect(pdf())).toMatchObject({ ok: true });
  });

  test('replaces its thread when a file takes too long, and the next file is judged', async () => {
    const hasty = createInspector({ timeLimit: 300 });
    const slow = pdf({ content: deflatedMegabytes(100, 'BT (a) Tj ET ') });
    for (let round = 0; round < 3; round += 1) {
      expect(await hasty.inspect(Buffer.from(slow), RULES)).toMatchObject({ ok: false, fault: 'corrupt' });
      expect(await hasty.inspect(await png({ width: 300, height: 300 }), RULES)).toMatchObject({ ok: true });
    }
    await hasty.close();
  });

  test('survives a thread that is ended in the middle of decoding', async () => {
    const hasty = createInspector({ timeLimit: 5 });
    const large = await jpeg({ width: 4000, height: 3000 });
    for (let round = 0; round < 10; round += 1) expect((await hasty.inspect(Buffer.from(large), RULES)).ok).toBe(false);
    await hasty.close();
  });

  test('leaves the event loop free', async () => {
    const large = await png({ width: 4000, height: 3000 });
    let ticks = 0;
    const clock = setInterval(() => (ticks += 1), 5);
    const started = performance.now();
    await inspect(large);
    clearInterval(clock);
    expect(ticks).toBeGreaterThan((performance.now() - started) / 5 / 3);
  });

  test('judges files in the order they came, each loaded only when it is its turn', async () => {
    let loaded = 0;
    const order: number[] = [];
    const load = async (): Promise<Uint8Array> => {
      loaded += 1;
      expect(loaded).toBe(order.length + 1);
      return png({ width: 300, height: 300 });
    };
    await Promise.all([1, 2, 3].map(async (number) => {
      await inspector.inspect(load, RULES);
      order.push(number);
    }));
    expect(order).toEqual([1, 2, 3]);
  });

  test('tells a caller whose file cannot be loaded, and judges the next', async () => {
    await expect(inspector.inspect(() => Promise.reject(new Error('gone')), RULES)).rejects.toThrow('gone');
    expect(await inspect(pdf())).toMatchObject({ ok: true });
  });

  test('takes a slice of a larger buffer and leaves the rest of it alone', async () => {
    const file = pdf();
    const shared = Buffer.concat([Buffer.from('head'), file, Buffer.from('tail')]);
    expect(await inspect(shared.subarray(4, 4 + file.length))).toMatchObject({ ok: true });
    expect(shared.toString('latin1', 0, 4)).toBe('head');
  });

  test('that is closed refuses to inspect', async () => {
    const closed = createInspector();
    await closed.close();
    await expect(closed.inspect(pdf(), RULES)).rejects.toThrow('closed');
  });
});

function half(file: Buffer): Buffer {
  return file.subarray(0, Math.floor(file.length / 2));
}

/** A JPEG has no checksum: only what its codes cannot mean is noticed, hence more than a byte. */
function damaged(file: Buffer): Buffer {
  const middle = Math.floor(file.length / 2);
  return Buffer.from(file.map((byte, index) => (index >= middle && index < middle + 2000 ? byte ^ 0x5a : byte)));
}

/** After the header chunk, which is the first and has 25 bytes. */
function insertPngText(file: Buffer, text: string): Buffer {
  return Buffer.concat([file.subarray(0, 33), pngChunk('tEXt', Buffer.from(text)), file.subarray(33)]);
}
