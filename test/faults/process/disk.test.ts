import { execFile } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { newCustomer } from '../../support/flows.js';
import { CREATE_CUSTOMER, CUSTOMER } from '../../support/operations.js';
import { withDatabase } from '../../support/raw-database.js';
import { ownDirectory, Program } from '../support/program.js';
import { scaled, told, until } from '../support/scale.js';

// A disk that fills up under the embedded database: a small file system in memory, which only a superuser may mount.
const run = promisify(execFile);
const MEGABYTE = 1_048_576;
const DISK_MEGABYTES = 200;
const TIMES = scaled(10, 2);
/** The gateway looks at its disk every second. */
const NOTICED_MILLISECONDS = 5_000;

const probe = await ownDirectory();
const canMount = await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe.path]).then(() => true, () => false);
if (canMount) await run('umount', [probe.path]);
else console.log('Left out: the full disk (mounting a file system of a test’s own is not allowed here).');
await probe.remove();

/** A small disk of a test's own, with the program's data on it. */
async function withDisk(use: (disk: { program: Program; directory: string; fill(leaving: number): Promise<void>; empty(): Promise<void> }) => Promise<void>): Promise<void> {
  const { path, remove } = await ownDirectory();
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'tmpfs', path]);
  const directory = join(path, 'data');
  const program = new Program(directory);
  const filler = join(path, 'filler');
  const fill = async (leaving: number): Promise<void> => {
    const { stdout } = await run('df', ['-B1', '--output=avail', path]);
    await writeFile(filler, Buffer.alloc(Number(stdout.split('\n')[1]) - leaving));
  };
  try {
    await use({ program, directory, fill, empty: () => rm(filler) });
  } finally {
    await program.end('SIGKILL');
    await run('umount', ['-l', path]);
    await remove();
  }
}

it.skipIf(!canMount)('a disk that is nearly full: changes are refused with a clear error, reading goes on, and with room it recovers by itself', () =>
  withDisk(async ({ program, fill, empty }) => {
    let refused = 0;
    let read = 0;
    await program.start();
    const { partner } = await program.organization();
    const create = () => partner.send(CREATE_CUSTOMER, { input: { email: 'ada@example.com' } });
    for (let time = 0; time < TIMES; time += 1) {
      // Control: with room the same request is accepted.
      const id = await newCustomer(partner);
      await fill(20 * MEGABYTE);
      await until('the refusal', NOTICED_MILLISECONDS, async () => (await create()).errors !== undefined);
      for (let request = 0; request < 20; request += 1) {
        const { errors } = await create();
        expect(errors?.[0]?.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 30 });
        expect(errors?.[0]?.message).toMatch(/disk of the gateway is nearly full/);
        refused += 1;
        expect((await partner.request(CUSTOMER, { id })).customer?.status).toBe('CREATED');
        read += 1;
      }
      await empty();
      await until('recovery', NOTICED_MILLISECONDS, async () => (await create()).errors === undefined);
    }
    told('disk nearly full', { times: TIMES, 'changes refused': refused, reads: read, recoveries: TIMES });
    expect((await program.end('SIGTERM')).code).toBe(0);
  }));

/** PostgreSQL's log is written in files of so many bytes (wal_segment_size), each made whole when the one before is full. */
const SEGMENT = 16 * MEGABYTE;
/** Less than a start writes (some 100 kB). */
const LEFT_IN_SEGMENT = 32_768;
const STEP = 16_384;

/** Has the log of an embedded database that is not running come near the end of its file, with none made in advance. */
async function nearSegmentEnd(dataDirectory: string): Promise<void> {
  const current = await withDatabase({ databaseUrl: null, dataDirectory }, async (query) => {
    for (;;) {
      const [{ left }] = (await query(`select ${SEGMENT} - ((pg_current_wal_insert_lsn() - '0/0') % ${SEGMENT})::int as left`)) as [{ left: number }];
      const excess = left - LEFT_IN_SEGMENT;
      if (excess >= 0 && excess < STEP) break;
      // What is written is a little more than what is said: in small steps near the end.
      await query(`select pg_logical_emit_message(true, 'fill', repeat('x', ${STEP / 2})) from generate_series(1, ${excess > MEGABYTE ? Math.floor(excess / STEP) : 1})`);
    }
    return (await query('select pg_walfile_name(pg_current_wal_insert_lsn()) as name'))[0]!['name'] as string;
  });
  const log = join(dataDirectory, 'database', 'pg_wal');
  for (const name of await readdir(log)) if (/^[0-9A-F]{24}$/.test(name) && name > current) await rm(join(log, name));
}

it.skipIf(!canMount)('an embedded database that cannot write its log ends the process with one sentence, and with room nothing that was acknowledged is lost', () =>
  withDisk(async ({ program, directory, fill, empty }) => {
    const acknowledged: string[] = [];
    await program.start();
    const { partner } = await program.organization();
    for (let time = 0; time < TIMES; time += 1) {
      acknowledged.push(await newCustomer(program.client(partner.key!)));
      expect((await program.end('SIGTERM')).code).toBe(0);
      await nearSegmentEnd(directory);
      // Room for everything but the log's next file.
      await fill(SEGMENT / 2);
      await expect(program.start()).rejects.toThrow(/did not start/);
      const ending = await program.ended();
      expect([ending.code, ending.signal]).toEqual([1, null]);
      expect(ending.said).toMatch(/^The embedded database has failed, [^\n]*make room and start it again[^\n]*\n$/);
      await empty();
      await program.start();
    }
    for (const id of acknowledged) expect((await program.client(partner.key!).request(CUSTOMER, { id })).customer?.id).toBe(id);
    told('disk full, database aborted', { times: TIMES, 'writes acknowledged': acknowledged.length, lost: 0, 'ended with a sentence': TIMES });
    expect((await program.end('SIGTERM')).code).toBe(0);
  }));
