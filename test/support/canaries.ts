import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Stands in every canary that is a text, and nowhere else. Letters alone: names and numbers of documents take it. */
export const MARK = 'Zyxqanary';

/** A value as it might be found written somewhere. */
export interface Needle {
  value: string;
  form: string;
  bytes: Buffer;
}

/** Every form in which a value is looked for: UTF-8, UTF-16, hexadecimal and base64, as it is and in lower and upper case. */
export function needlesOf(value: string): Needle[] {
  const cases = [...new Set([value, value.toLowerCase(), value.toUpperCase()])];
  return cases.flatMap((text) => {
    const utf8 = Buffer.from(text);
    const forms: Record<string, Buffer> = {
      'utf-8': utf8,
      'utf-16le': Buffer.from(text, 'utf16le'),
      'utf-16be': Buffer.from(text, 'utf16le').swap16(),
      hex: Buffer.from(utf8.toString('hex')),
      HEX: Buffer.from(utf8.toString('hex').toUpperCase()),
      ...Object.fromEntries([0, 1, 2].flatMap((offset) => (['base64', 'base64url'] as const).map((encoding) => [`${encoding}+${offset}`, Buffer.from(within(utf8, offset, encoding))]))),
    };
    return Object.entries(forms).map(([form, bytes]) => ({ value, form, bytes }));
  });
}

/** What is certain of a text's base64 where it stands so many bytes behind a group of three. */
function within(text: Buffer, offset: number, encoding: 'base64' | 'base64url'): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), text]).toString(encoding);
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + text.length) * 8) / 6));
}

/** The needles that some bytes hold, each as value and form. */
export function found(bytes: Buffer, needles: readonly Needle[]): string[] {
  return needles.filter((needle) => bytes.includes(needle.bytes)).map(({ value, form }) => `${value} as ${form}`);
}

/** Looks through every file below a directory. @returns how many bytes there were, and each hit with its file. */
export async function scanDirectory(directory: string, needles: readonly Needle[]): Promise<{ bytes: number; hits: string[] }> {
  const total = { bytes: 0, hits: [] as string[] };
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const content = await readFile(join(entry.parentPath, entry.name));
    total.bytes += content.length;
    total.hits.push(...found(content, needles).map((hit) => `${entry.name}: ${hit}`));
  }
  return total;
}
