import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { Bench, customerBodies, pageBody, say, type ContenderName, type Extent } from './bench.ts';
import { customerQuery, pageQuery } from './contenders/fields.ts';
import { MODULES, type Server } from './contenders/server.ts';
import { ROWS } from './data/generate.ts';
import { READERS, WRITERS, type Shot } from './measure/rounds.ts';
import { freePort } from './machine/processes.ts';
import { Stage } from './streams/stage.ts';
import { OPENED } from './works/opening.ts';
import { dryRuns } from './works/dry-run.ts';
import { creations } from './works/flows.ts';
import { photo, uploadsOf } from './works/file-upload.ts';
import { openFlows } from './works/full-flow.ts';
import { watching } from './works/streams.ts';
import { table } from './report/text.ts';

/** A node of a .cpuprofile: a function as it was called from another. */
interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
}

/** What the inspector gives, and what .cpuprofile files hold. Microseconds. */
interface Profile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

/** Does so much of a work. */
type Run = (amount: number) => Promise<void>;

/** Readies the work of a server. */
type Ready = (bench: Bench, server: Server) => Promise<Run>;

/** A work under the profiler: a server that is started with these flags of Node, and what it is to do, how much warm and how much to be looked at. */
interface Profiled {
  open: (bench: Bench, flags: readonly string[]) => Promise<{ run: Run; close?: () => Promise<void> }>;
  warm: number;
  amount: number;
}

/** What can be profiled. */
const PROFILED: Readonly<Record<string, Profiled>> = {
  Q1: { open: on('gateway', ROWS, requesting((bench) => customerBodies(bench))), warm: 40_000, amount: 10_000 },
  Q2: { open: on('gateway', ROWS, requesting(() => [pageBody(null)])), warm: 5_000, amount: 1_000 },
  Q1E: { open: on('gateway', ROWS, requesting((bench) => customerBodies(bench, customerQuery(OPENED)))), warm: 30_000, amount: 8_000 },
  Q2E: { open: on('gateway', ROWS, requesting(() => [pageBody(null, pageQuery(OPENED))])), warm: 3_000, amount: 500 },
  Q3: { open: on('gateway', ROWS, requesting(dryRuns)), warm: 8_000, amount: 8_000 },
  M1: { open: on('gateway-without-workers', 'commands', requesting(creations, WRITERS)), warm: 1_000, amount: 1_500 },
  M2: { open: on('gateway', 'files', uploading), warm: 40, amount: 60 },
  S1: { open: telling, warm: 100, amount: 200 },
  E1: { open: on('fast sandbox', 'flows', openFlows), warm: 200, amount: 300 },
};
/** Uploads that are readied: no fewer than are made warm and looked at. */
const UPLOADS = 100;
/** Who hears of each change. */
const SUBSCRIBERS = 1_000;
const SAMPLING_MICROSECONDS = 200;
const TOP = 40;

/** A work on a contender of the bench. */
function on(contender: ContenderName, database: string, ready: Ready): Profiled['open'] {
  return async (bench, flags) => ({ run: await ready(bench, await bench.server(contender, database, flags)) });
}

/** Uploads one after another. What the inspector's thread does is not in the profile. */
async function uploading(bench: Bench, server: Server): Promise<Run> {
  const uploadNext = await uploadsOf(bench, server, UPLOADS, await photo());
  return async (amount) => {
    for (let number = 0; number < amount; number += 1) await uploadNext();
  };
}

/** Has the load ask what a work asks, over as many connections as there. */
function requesting(flowsOf: (bench: Bench) => Shot['bodies'], connections = READERS): Ready {
  return async (bench, { url, headers }) => {
    const flows = flowsOf(bench).map((flow) => (typeof flow === 'string' ? [{ body: flow }] : flow));
    return async (amount) => {
      const { errors, firstError } = await bench.load.run({ url, headers: [headers], flows, connections, amount, isLookedAt: true });
      if (errors > 0) throw new Error(`${errors} requests failed, first with ${firstError}`);
    };
  };
}

/** Changes, each told a thousand subscribers over graphql-ws. */
async function telling(bench: Bench, flags: readonly string[]): ReturnType<Profiled['open']> {
  const stage = await Stage.open(bench, { flags, main: MODULES });
  try {
    const organization = await stage.organization(SUBSCRIBERS, 1);
    const crowd = await stage.crowd();
    await crowd.open(stage.gateway.url, watching(organization, 'graphql-ws', Array.from({ length: SUBSCRIBERS }, () => ({}))));
    const run: Run = async (amount) => {
      for (let number = 0; number < amount; number += 1) await crowd.hear(() => organization.change(organization.customers[0] ?? ''));
    };
    return { run, close: () => stage.close() };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** Profiles the gateway at a work: writes a .cpuprofile, and prints where the time went. */
export async function profile(work: string, extent: Extent): Promise<void> {
  const profiled = PROFILED[work];
  if (!profiled) throw new Error(`Profiles are of ${Object.keys(PROFILED).join(', ')}.`);
  const { open, warm, amount } = profiled;
  const bench = await Bench.open(extent);
  let close: (() => Promise<void>) | undefined;
  try {
    const port = await freePort();
    const opened = await open(bench, [`--inspect=127.0.0.1:${port}`]);
    close = opened.close;
    const { run } = opened;
    say('Warming …');
    await run(warm);
    const inspector = await connect(port);
    await inspector.send('Profiler.enable');
    await inspector.send('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
    await inspector.send('Profiler.start');
    say('Profiling …');
    await run(amount);
    const { profile: taken } = (await inspector.send('Profiler.stop')) as { profile: Profile };
    inspector.close();
    const path = resolve(`${work}.cpuprofile`);
    await writeFile(path, JSON.stringify(taken));
    console.log(`${amount} times; ${path} opens in the developer tools of Chrome.\n`);
    console.log(table(['µs each', '%', 'package'], top(taken, amount, ({ callFrame }) => packageOf(callFrame.url))));
    console.log(`\n${table(['µs each', '%', 'function'], top(taken, amount, ({ callFrame: { functionName, url, lineNumber } }) => `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`))}`);
  } finally {
    await close?.();
    await bench.stop();
  }
}

/** A connection to the inspector of a process. */
async function connect(port: number) {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await once(socket, 'open');
  let id = 0;
  return {
    send: async (method: string, params: object = {}): Promise<unknown> => {
      id += 1;
      const own = id;
      socket.send(JSON.stringify({ id: own, method, params }));
      for (;;) {
        const [event] = (await once(socket, 'message')) as [MessageEvent<string>];
        const answer = JSON.parse(event.data) as { id?: number; result?: unknown };
        if (answer.id === own) return answer.result;
      }
    },
    close: () => socket.close(),
  };
}

/** Where the time itself was spent, by whatever functions are grouped by, most first. Idle time is left out. */
function top({ nodes, samples, timeDeltas }: Profile, amount: number, groupOf: (node: ProfileNode) => string): string[][] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map<string, number>();
  for (const [index, sample] of samples.entries()) {
    const node = byId.get(sample);
    if (!node || node.callFrame.functionName === '(idle)') continue;
    const group = groupOf(node);
    times.set(group, (times.get(group) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...times].sort(([, left], [, right]) => right - left).slice(0, TOP);
  return sorted.map(([group, time]) => [(time / amount).toFixed(1), ((time / all) * 100).toFixed(1), group]);
}

/** The package, or the folder of the gateway, that a function is of. */
function packageOf(url: string): string {
  const installed = url.split('/node_modules/').at(-1);
  if (installed !== undefined && installed !== url) return installed.split('/').slice(0, installed.startsWith('@') ? 2 : 1).join('/');
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  return url === '' ? '(engine)' : (url.split('/dist/')[1] ?? url);
}
