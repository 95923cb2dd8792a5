import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { Bench } from '../bench.ts';
import { contenderFile, MAIN, NODE, serve, serveGateway, type Server } from '../contenders/server.ts';
import { Crowd } from './crowd.ts';
import { Organization, type Place } from './organization.ts';
import type { Subscription } from './subscribers.ts';

const OPERATOR_KEY = 'the-operator-key-of-the-benchmarks';
/** Measured servers collect their garbage when they are asked how much they hold. */
const FLAGS = ['--expose-gc', '--import', new URL('probe.ts', import.meta.url).href];
const KIBIBYTE = 1_024;
/** Subscribers that come and go before the memory of others is measured: what code and caches take is not theirs. */
const FIRST_GUESTS = 300;

let databases = 0;

/** Memory of a server: what is in use of its heap, that with what is resident beside the heap, and all that is resident. */
export interface Memory {
  heapUsed: number;
  held: number;
  rss: number;
}

/** A gateway on a database of its own, with nothing but what a work of subscriptions puts there. */
export class Stage {
  readonly gateway: Server;
  readonly #place: Place;
  readonly #undo: (() => Promise<void>)[];

  private constructor(gateway: Server, place: Place, undo: (() => Promise<void>)[]) {
    this.gateway = gateway;
    this.#place = place;
    this.#undo = undo;
  }

  static async open({ cluster }: Pick<Bench, 'cluster'>, { flags = [] as readonly string[], main = MAIN } = {}): Promise<Stage> {
    const name = `streams_${(databases += 1)}`;
    await cluster.psql('postgres', `create database ${name}`);
    const databaseUrl = cluster.url(name);
    const tokenKey = JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
    const keyRing = `bench:${Buffer.alloc(32, 'bench').toString('base64url')}`;
    const gateway = await serveGateway(databaseUrl, { tokenKey, keyRing }, OPERATOR_KEY, { flags: [...flags, ...FLAGS], main, environment: { OPERATOR_KEY } });
    return new Stage(gateway, { url: gateway.url, operatorKey: OPERATOR_KEY, databaseUrl }, [() => gateway.stop()]);
  }

  /** The server that writes one prebuilt frame to every socket. */
  async floor(): Promise<Server> {
    const floor = await serve({ name: 'prebuilt frame', command: [...NODE, ...FLAGS, contenderFile('frames')], environment: {}, readiness: '/' });
    this.#undo.push(() => floor.stop());
    return floor;
  }

  async organization(subscribers: number, customers: number): Promise<Organization> {
    const organization = await Organization.create(this.#place, subscribers, customers);
    this.#undo.push(() => organization.close());
    return organization;
  }

  async crowd(): Promise<Crowd> {
    const crowd = new Crowd();
    this.#undo.push(() => crowd.stop());
    return Promise.resolve(crowd);
  }

  /** Opens subscriptions. @returns how many KiB each of them costs the server. */
  async fill(server: Server, crowd: Crowd, subscriptions: readonly Subscription[]): Promise<Memory> {
    const guests = new Crowd();
    await guests.open(server.url, subscriptions.slice(0, FIRST_GUESTS));
    await guests.stop();
    const before = await memoryOf(server);
    await crowd.open(server.url, subscriptions);
    const after = await memoryOf(server);
    const each = (bytes: number): number => bytes / KIBIBYTE / subscriptions.length;
    return { heapUsed: each(after.heapUsed - before.heapUsed), held: each(after.held - before.held), rss: each(after.rss - before.rss) };
  }

  async close(): Promise<void> {
    for (const step of this.#undo.reverse()) await step();
  }
}

async function memoryOf({ child }: Server): Promise<Memory> {
  const answer = once(child, 'message');
  child.send({ probe: 'memory' });
  return (await answer)[0] as Memory;
}
