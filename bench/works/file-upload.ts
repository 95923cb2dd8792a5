import sharp from 'sharp';
import type { Bench, Work } from '../bench.ts';
import type { Server } from '../contenders/server.ts';
import { processorTimes, residentMegabytes, spent } from '../machine/processes.ts';
import { figure, ratio, single } from '../measure/statistics.ts';
import { noise } from '../data/seed.ts';
import { dataOf } from './asking.ts';

const DATABASE = 'files';
const UPLOAD = 'mutation ($input: SubmitDocumentInput!) { submitDocument(input: $input) { document { id } } }';
const BYTES = 5 * 1_048_576;
const [WIDTH, HEIGHT] = [3_000, 2_000] as const;
/** By count, as many for the pipe: what is left to warm after these costs less than the clock's grain. */
const WARM = 30;
const UPLOADS_A_ROUND = 6;
/** Megabytes that uploads one after another may leave behind: what the heap and libvips breathe by. */
const FLAT = 60;

/** A photo of 5 MB: its picture and, as phones append, something after its end. */
export async function photo(): Promise<Buffer<ArrayBuffer>> {
  const pixels = Buffer.from(Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, index) => (noise('pixel', index >> 4) & 127) + 64));
  const picture = await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).jpeg({ quality: 80 }).toBuffer();
  if (picture.length > BYTES) throw new Error(`The picture alone has ${picture.length} bytes`);
  return Buffer.concat([picture, Buffer.alloc(BYTES - picture.length)]);
}

/** Attempts of whom a document is wanted, each with its organization's key. */
async function applicants({ cluster, dataset }: Bench, amount: number): Promise<{ identityId: string; apiKey: string }[]> {
  const keys = new Map(dataset.organizations.map(({ id, apiKey }) => [id, apiKey]));
  const rows = await cluster.psql(DATABASE, `select id, organization_id from identity where status = 'AWAITING_DOCUMENT_UPLOAD' order by id limit ${amount}`);
  return rows.split('\n').map((row) => {
    const [identityId = '', organizationId = ''] = row.split('|');
    return { identityId, apiKey: keys.get(organizationId) ?? '' };
  });
}

async function submit({ url }: Server, { identityId, apiKey }: { identityId: string; apiKey: string }, file: Blob): Promise<void> {
  const form = new FormData();
  form.set('operations', JSON.stringify({ query: UPLOAD, variables: { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: null } } }));
  form.set('map', '{"0":["variables.input.frontPhoto"]}');
  form.set('0', file, 'front.jpg');
  await dataOf(await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${apiKey}`, 'apollo-require-preflight': 'true' }, body: form }));
}

/** Readies uploads of the photo, so many at most. @returns what sends the next of them. */
export async function uploadsOf(bench: Bench, server: Server, amount: number, bytes: Buffer<ArrayBuffer>): Promise<() => Promise<void>> {
  const file = new Blob([bytes], { type: 'image/jpeg' });
  const people = (await applicants(bench, amount)).values();
  return async () => {
    const { value } = people.next();
    if (!value) throw new Error('Too few attempts want a document');
    await submit(server, value, file);
  };
}

async function pipe({ url }: Server, bytes: Buffer<ArrayBuffer>): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: bytes });
  if (!response.ok) throw new Error(await response.text());
}

/** Microseconds of processor time of a server for each of so many turns. */
async function cost(server: Server, turns: number, turn: () => Promise<void>): Promise<number> {
  const before = await processorTimes([server.pid]);
  for (let number = 0; number < turns; number += 1) await turn();
  return spent(before, await processorTimes([server.pid])) / turns;
}

export const M2: Work = {
  name: 'M2',
  async run(bench) {
    const { rounds } = bench.extent;
    const [gateway, floor] = [await bench.server('gateway', DATABASE), await bench.server('pipe', DATABASE)];
    const bytes = await photo();
    const submitNext = await uploadsOf(bench, gateway, WARM + rounds * UPLOADS_A_ROUND, bytes);
    await cost(gateway, WARM, submitNext);
    await cost(floor, WARM, () => pipe(floor, bytes));
    const before = await residentMegabytes(gateway.pid);
    const costs: { gateway: number[]; pipe: number[] } = { gateway: [], pipe: [] };
    for (let round = 0; round < rounds; round += 1) {
      costs.pipe.push(await cost(floor, UPLOADS_A_ROUND, () => pipe(floor, bytes)));
      costs.gateway.push(await cost(gateway, UPLOADS_A_ROUND, submitNext));
    }
    const rise = (await residentMegabytes(gateway.pid)) - before;
    return {
      name: 'M2',
      title: 'submitDocument with a photo of 5 MB',
      about: 'One after another: received, hashed, stored, judged by its bytes and its picture, recorded, and its check begun. The pipe hashes and encrypts the same bytes on their way to the disk, and decodes the picture to the size that is judged. Memory: how much more of it was resident after all uploads than after the first few.',
      rows: [
        { name: 'pipe', figures: { 'server CPU µs': figure(costs.pipe) } },
        { name: 'gateway', figures: { 'server CPU µs': figure(costs.gateway), 'memory MB': single(rise) } },
      ],
      chart: 'server CPU µs',
      goals: [
        { name: 'M2: server CPU of gateway ÷ pipe', value: ratio(costs.gateway, costs.pipe), limit: 1.5, better: 'lower' },
        { name: 'M2: megabytes more after all uploads', value: single(rise), limit: FLAT, better: 'lower', isAbsolute: true },
      ],
    };
  },
};
