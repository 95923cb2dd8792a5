import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { isRefusal, refusal } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';
import type { ScannerAddress } from '../core/scanner-address.js';

/** Looks for viruses in files. */
export interface Scanner {
  /** Fails with SERVICE_UNAVAILABLE when that cannot be told: a file that was not scanned is not accepted. */
  isInfected(file: AsyncIterable<Uint8Array>): Promise<boolean>;
}

/** Milliseconds for one file, waiting for a free thread of clamd's included. 15 MB take under a second, and two files must fit into the time of a job. */
const TIME_LIMIT = 5_000;
/** Seconds that a caller is told to wait. */
const RETRY_AFTER_SECONDS = 5;
/** The command, and the chunk of length 0 that ends what follows it (clamd(8)). */
const COMMAND = 'zINSTREAM\0';
const END = Buffer.alloc(4);

/** ClamAV's daemon, over a connection for each file. `timeLimit` is in milliseconds. */
export function clamdScanner(address: ScannerAddress, log: Log, timeLimit = TIME_LIMIT): Scanner {
  return {
    isInfected: async (file) => {
      try {
        return verdict(await ask(address, file, timeLimit));
      } catch (error) {
        if (isRefusal(error)) throw error;
        log.error(errorFacts(error), 'virus scanner');
        throw refusal('SERVICE_UNAVAILABLE', 'The virus scanner does not answer just now, and no file is accepted without it. Nothing was kept; try again shortly.', { retryAfter: RETRY_AFTER_SECONDS });
      }
    },
  };
}

/** Only the two answers that say something are believed; another one, such as a limit that was exceeded, is a fault. */
function verdict(answer: string): boolean {
  if (/^stream: OK\0$/.test(answer)) return false;
  if (/^stream: [^\0]+ FOUND\0$/.test(answer)) return true;
  throw new Error(`clamd answered: ${answer.slice(0, 100)}`);
}

async function ask(address: ScannerAddress, file: AsyncIterable<Uint8Array>, timeLimit: number): Promise<string> {
  const signal = AbortSignal.timeout(timeLimit);
  const socket = connect({ ...address, signal });
  const answer = text(socket);
  // Whoever awaits it is told; when the sending has failed before, nobody does.
  answer.catch(() => undefined);
  try {
    await once(socket, 'connect', { signal });
    socket.write(COMMAND);
    for await (const chunk of file) {
      // A chunk of length 0 would end the file; and clamd is sent no more than it takes.
      if (chunk.byteLength > 0 && !sendChunk(socket, chunk)) await once(socket, 'drain', { signal });
    }
    socket.write(END);
    return await answer;
  } finally {
    socket.destroy();
  }
}

/** One chunk with its length before it. @returns false when the next must wait. */
function sendChunk(socket: Socket, chunk: Uint8Array): boolean {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(chunk.byteLength);
  socket.write(length);
  return socket.write(chunk);
}
