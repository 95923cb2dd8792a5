import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Core } from '../core/command.js';
import { errorFacts } from '../core/log.js';
import { FoundBroken, isExpected, perform, type Asked } from './commands.js';

// The embedded database takes one process. While a gateway has it, the operator's command line asks the gateway by a socket in
// the data directory, which nobody but its owner may open; on a server it needs no door.

const SOCKET = 'operator.sock';
const SOCKET_MODE = 0o600;
/** Bytes; systems take 104 or 108, its end counted. */
const LONGEST_PATH = 100;

/** What is said to who asks, a line of JSON each: of the progress, and at the end what came of it, or why nothing did. */
type Said = { report: string } | { result: string } | { refused: string };

/** Where the door of a data directory is; null where the system has none. */
function doorOf(directory: string): string | null {
  const path = join(directory, SOCKET);
  return process.platform === 'win32' || Buffer.byteLength(path) > LONGEST_PATH ? null : path;
}

/** Does what the operator's command line asks for, until it is closed. Only for the process that has the data directory. */
export async function openDoor(core: Core, directory: string): Promise<() => Promise<void>> {
  const path = doorOf(directory);
  if (path === null) return () => Promise.resolve();
  // Left by a process that was killed.
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  // One command after the other, as processes take turns at the database: two rotations would each make a key.
  let turn = Promise.resolve();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
    text(socket).then(
      (asked) => (turn = turn.then(() => serve(core, socket, asked))),
      () => socket.destroy(),
    );
  });
  try {
    await once(server.listen(path), 'listening');
    await chmod(path, SOCKET_MODE);
  } catch (error) {
    // Not every file system bears sockets, and the gateway can do without.
    core.log.warn(errorFacts(error), 'the commands of the operator find no door while the gateway serves');
    server.close();
    return () => Promise.resolve();
  }
  return async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await turn;
  };
}

async function serve(core: Core, socket: Socket, asked: string): Promise<void> {
  if (socket.destroyed) return;
  const say = (said: Said): void => {
    // What nobody waits for any more ends at its next word.
    if (socket.destroyed) throw new Error('Nobody listens');
    socket.write(`${JSON.stringify(said)}\n`);
  };
  try {
    say({ result: await perform(core, JSON.parse(asked) as Asked, (report) => say({ report })) });
  } catch (error) {
    if (socket.destroyed) return;
    if (!isExpected(error)) core.log.error(errorFacts(error), 'a command of the operator failed');
    say({ refused: isExpected(error) ? error.message : 'The gateway could not do that; its log says where it failed.' });
  } finally {
    socket.end();
  }
}

/**
 * Has a command done by the gateway that has the data directory. `report` is told of progress.
 * @returns what is printed; null where no gateway opens.
 */
export async function askGateway(directory: string, { name, options }: Asked, report: (line: string) => void): Promise<string | null> {
  const path = doorOf(directory);
  const socket = path === null ? null : await reach(path);
  if (!socket) return null;
  // The gateway works in another directory.
  const paths = Object.fromEntries(['to', 'anchor'].flatMap((option) => (options[option] === undefined ? [] : [[option, resolve(options[option])]])));
  socket.end(JSON.stringify({ name, options: { ...options, ...paths } } satisfies Asked));
  let rest = '';
  let result: string | null = null;
  for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const said of lines.map((line) => JSON.parse(line) as Said)) {
      if ('refused' in said) throw new FoundBroken(said.refused);
      if ('report' in said) report(said.report);
      else ({ result } = said);
    }
  }
  if (result === null) throw new FoundBroken('The gateway ended before that was done: do it again.');
  return result;
}

/** A connection to a door; null where there is none, or nobody behind it. */
async function reach(path: string): Promise<Socket | null> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return null;
  }
}
