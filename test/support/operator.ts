import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestGateway } from './gateway.js';
import { KEY_RING } from './key-ring.js';
import { TOKEN_KEY } from './token-key.js';

const OPERATOR = fileURLToPath(new URL('../../dist/operator.js', import.meta.url));

/** What a command of the operator's command line printed, and how it ended. */
export interface Ran {
  code: number;
  out: string;
  error: string;
}

/** Whose data a command works on. */
type Operated = Pick<TestGateway, 'dataDirectory' | 'databaseUrl'>;

/** Runs the operator's command line, as it is built, on the data of a gateway. */
export function operate(gateway: Operated, ...words: string[]): Promise<Ran> {
  return operateWith({}, gateway, ...words);
}

/** The same with other variables. */
export function operateWith(changes: Readonly<Record<string, string>>, gateway: Operated, ...words: string[]): Promise<Ran> {
  const { PATH } = process.env;
  const environment = { PATH, TOKEN_KEY, KEY_RING, ...changes, DATA_DIR: gateway.dataDirectory, ...(gateway.databaseUrl === null ? {} : { DATABASE_URL: gateway.databaseUrl }) };
  return new Promise((resolve) => {
    execFile(process.execPath, [OPERATOR, ...words], { env: environment, encoding: 'utf8' }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, out: stdout.trim(), error: stderr.trim() });
    });
  });
}
