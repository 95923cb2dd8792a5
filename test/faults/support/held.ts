import { readdir, readFile, readlink } from 'node:fs/promises';

/** What a process holds open, by what it is. */
export interface Held {
  /** Connections, those to its database apart. */
  sockets: number;
  /** Files, those of its embedded database apart: it opens and closes them as it sees fit. */
  files: number;
  /** Pipes, timers of the kernel and the like. */
  others: number;
}

/** What Linux says that a process has open. `databasePort` is where its database listens. */
export async function heldBy(pid: number, databasePort: number | null): Promise<Held> {
  const connections = await connectionsOf(pid);
  const held: Held = { sockets: 0, files: 0, others: 0 };
  for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => null);
    if (target === null) continue;
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) {
      const remotePort = connections.get(inode);
      // A socket that listens, or has no address, is not one that a caller has left.
      if (remotePort !== undefined && remotePort !== databasePort) held.sockets += 1;
    } else if (!target.startsWith('/') || target.startsWith('/dev/')) held.others += 1;
    else if (!target.includes('/database/')) held.files += 1;
  }
  return held;
}

/** The remote ports of a process's TCP connections, by inode (proc_net_tcp(5)). */
async function connectionsOf(pid: number): Promise<Map<string, number>> {
  const LISTENING = '0A';
  const remotePorts = new Map<string, number>();
  for (const family of ['tcp', 'tcp6']) {
    const table = await readFile(`/proc/${pid}/net/${family}`, 'utf8').catch(() => '');
    for (const line of table.trim().split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [, , remote, state] = fields;
      if (state !== LISTENING) remotePorts.set(fields[9]!, Number.parseInt(remote!.split(':')[1]!, 16));
    }
  }
  return remotePorts;
}
