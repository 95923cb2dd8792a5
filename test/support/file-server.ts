import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

/** What lies on a partner's server, by path. */
export type Files = Readonly<Record<string, Buffer | RequestListener>>;

/** A partner's file server on this machine, while the tests of the calling file run. */
export function useFileServer(files: () => Promise<Files>): { url: (path: string) => string; asked: string[] } {
  let server: Server | undefined;
  const asked: string[] = [];
  beforeAll(async () => {
    const served = await files();
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const file = served[request.url ?? ''];
      if (typeof file === 'function') file(request, response);
      else if (file) response.end(file);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });
  return { url: (path) => `http://127.0.0.1:${(server?.address() as AddressInfo).port}${path}`, asked };
}
