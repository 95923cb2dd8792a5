import type { Express, Request, Response } from 'express';
import { FILES_PATH, type FileLinks, type ReadableFile } from '../document/links.js';

/** Lets viewers read files back by the links of FileUpload.url. Refusals are JSON, as everywhere. */
export function mountFiles(app: Express, links: FileLinks): void {
  app.get(`${FILES_PATH}/:id`, (request, response, next) => {
    links.open(request.params.id, { viewer: parameter(request, 'viewer'), expires: parameter(request, 'expires'), signature: parameter(request, 'signature') }).then(
      (file) => send(request, response, file),
      next,
    );
  });
}

function parameter(request: Request, name: string): string {
  const value = request.query[name];
  return typeof value === 'string' ? value : '';
}

function send(request: Request, response: Response, { bytes, mimeType, fileName }: ReadableFile): void {
  response.set({
    'content-type': mimeType,
    'content-disposition': disposition(fileName ?? 'document'),
    'cache-control': 'private, no-store',
    'accept-ranges': 'bytes',
    // Should a browser open it all the same, it is a document without scripts, origin or visitors.
    'content-security-policy': "default-src 'none'; frame-ancestors 'self'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
  });
  const ranges = request.range(bytes.length, { combine: true });
  if (ranges === -1) {
    response.status(416).set('content-range', `bytes */${bytes.length}`).end();
    return;
  }
  const range = Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges[0] : undefined;
  const part = range ? bytes.subarray(range.start, range.end + 1) : bytes;
  if (range) response.status(206).set('content-range', `bytes ${range.start}-${range.end}/${bytes.length}`);
  response.set('content-length', String(part.length)).end(request.method === 'HEAD' ? undefined : part);
}

/** RFC 6266: the name in ASCII for old clients, and as it is. */
function disposition(name: string): string {
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replaceAll(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
