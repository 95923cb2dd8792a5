import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { CreateBucketCommand, DeleteBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { readConfig } from '../../src/core/config.js';
import type { S3Location } from '../../src/core/storage-location.js';

/** A new bucket on the server that TEST_STORAGE_URL names, reached through a line of its own that can be cut. */
export class TestBucket {
  readonly name = `kyc-${randomUUID()}`;
  readonly client: S3Client;
  readonly #server: URL;
  readonly #line: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor() {
    const { endpoint } = readConfig({ STORAGE_URL: process.env['TEST_STORAGE_URL'] }).storage as S3Location;
    this.#server = new URL(endpoint ?? '');
    this.client = new S3Client({ region: 'us-east-1', endpoint: this.#server.href, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' });
    this.#line = createServer((near) => this.#carry(near));
  }

  static async create(): Promise<TestBucket> {
    const bucket = new TestBucket();
    await bucket.client.send(new CreateBucketCommand({ Bucket: bucket.name }));
    await new Promise<void>((resolve) => bucket.#line.listen(0, '127.0.0.1', resolve));
    return bucket;
  }

  /** Where it is for a gateway. */
  get url(): string {
    return `s3://${this.name}/documents?endpoint=http://127.0.0.1:${(this.#line.address() as AddressInfo).port}`;
  }

  /** Ends every connection and refuses new ones. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** What lies in it, unfinished uploads included. */
  async keys(): Promise<string[]> {
    const { Contents } = await this.client.send(new ListObjectsV2Command({ Bucket: this.name }));
    const { Uploads } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.name }));
    return [...(Contents ?? []).map(({ Key }) => Key ?? ''), ...(Uploads ?? []).map(({ Key }) => `unfinished ${Key}`)].sort();
  }

  /** Takes the bucket away; it must be empty. */
  async remove(): Promise<void> {
    await this.client.send(new DeleteBucketCommand({ Bucket: this.name }));
  }

  async close(): Promise<void> {
    this.cut();
    this.client.destroy();
    await new Promise((resolve) => this.#line.close(resolve));
  }

  #carry(near: Socket): void {
    if (this.#isCut) return void near.destroy();
    const far = connect(Number(this.#server.port), this.#server.hostname);
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }
}
