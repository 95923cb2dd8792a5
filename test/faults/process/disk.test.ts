import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { newCustomer } from '../../support/flows.js';
import { CREATE_CUSTOMER, CUSTOMER } from '../../support/operations.js';
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

it.skipIf(!canMount)('a disk that is nearly full: changes are refused with a clear error, reading goes on, and with room it recovers by itself', async () => {
  const directory = await ownDirectory();
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'tmpfs', directory.path]);
  const program = new Program(join(directory.path, 'data'));
  const filler = join(directory.path, 'filler');
  let refused = 0;
  let read = 0;
  try {
    await program.start();
    const { partner } = await program.organization();
    const create = () => partner.send(CREATE_CUSTOMER, { input: { email: 'ada@example.com' } });
    for (let time = 0; time < TIMES; time += 1) {
      // Control: with room the same request is accepted.
      const id = await newCustomer(partner);
      const { stdout } = await run('df', ['-B1', '--output=avail', directory.path]);
      await writeFile(filler, Buffer.alloc(Number(stdout.split('\n')[1]) - 20 * MEGABYTE));
      await until('the refusal', NOTICED_MILLISECONDS, async () => (await create()).errors !== undefined);
      for (let request = 0; request < 20; request += 1) {
        const { errors } = await create();
        expect(errors?.[0]?.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 30 });
        expect(errors?.[0]?.message).toMatch(/disk of the gateway is nearly full/);
        refused += 1;
        expect((await partner.request(CUSTOMER, { id })).customer?.status).toBe('CREATED');
        read += 1;
      }
      await rm(filler);
      await until('recovery', NOTICED_MILLISECONDS, async () => (await create()).errors === undefined);
    }
    told('disk nearly full', { times: TIMES, 'changes refused': refused, reads: read, recoveries: TIMES });
    expect((await program.end('SIGTERM')).code).toBe(0);
  } finally {
    await program.end('SIGKILL');
    await run('umount', ['-l', directory.path]);
    await directory.remove();
  }
});
