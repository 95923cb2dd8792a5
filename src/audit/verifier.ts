import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, realpathSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// This file needs nothing but Node: `audit export` puts it, as it is built, beside what it exports. An export is a line
// with the head of the chain, then a line an entry, each in its canonical form. An entry's hash is the SHA-256 of its line.

/** The hash before the first entry. */
const GENESIS = '0'.repeat(64);
/** What is found after this many faults says nothing new. */
const MOST_FAULTS = 100;

/** A place of a chain that somebody noted outside the gateway. What comes before it cannot be changed unseen, by anybody. */
export interface Anchor {
  organizationId: string;
  position: number;
  hash: string;
}

/** The end of a chain, as it is kept beside the entries. */
export interface Head {
  position: number;
  hash: string;
}

/** Follows a chain entry by entry, and says everything that does not fit. */
export class ChainVerifier {
  readonly faults: string[] = [];
  #last: Head = { position: 0, hash: GENESIS };
  #anchors: Anchor[];

  constructor(
    private readonly organizationId: string,
    anchors: readonly Anchor[] = [],
  ) {
    this.#anchors = anchors.filter((anchor) => anchor.organizationId === organizationId);
  }

  /** What was followed so far. */
  get last(): Head {
    return this.#last;
  }

  /** Takes the next entry. @returns its members; null when it is no entry at all. */
  take(entry: string): Record<string, unknown> | null {
    const expected = this.#last.position + 1;
    const hash = createHash('sha256').update(entry).digest('hex');
    const members = parsed(entry);
    if (members === null) this.fault(`entry ${expected} is no entry`);
    else {
      if (members['organizationId'] !== this.organizationId) this.fault(`entry ${expected} belongs to another organization`);
      if (members['position'] !== expected) this.fault(`where entry ${expected} should be, there is entry ${String(members['position'])}`);
      if (members['previous'] !== this.#last.hash) this.fault(`entry ${expected} does not follow on the one before it`);
    }
    this.#last = { position: expected, hash };
    for (const anchor of this.#anchors) {
      if (anchor.position === expected && anchor.hash !== hash) this.fault(`entry ${expected} is not the one that was anchored`);
    }
    return members;
  }

  /** Says that there are no more, and where the chain is kept to end; null when that is kept nowhere. */
  end(head: Head | null): void {
    if (head === null) this.fault('where the chain should end is not kept: the ledger of the organization is missing');
    else if (head.position !== this.#last.position) this.fault(`the chain ends at entry ${this.#last.position}, and should at ${head.position}`);
    else if (head.hash !== this.#last.hash) this.fault(`entry ${head.position}, the last, is not the one that the chain should end with`);
    for (const anchor of this.#anchors) {
      if (anchor.position > this.#last.position) this.fault(`entry ${anchor.position}, which was anchored, is not there`);
    }
  }

  fault(sentence: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(sentence);
  }
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Reads an anchor from a file. Throws when it holds none. */
export function readAnchor(path: string): Anchor {
  const { organizationId, position, hash } = parsed(readFileSync(path, 'utf8')) ?? {};
  if (typeof organizationId !== 'string' || typeof position !== 'number' || typeof hash !== 'string') throw new Error(`${path} holds no anchor.`);
  return { organizationId, position, hash };
}

/** Verifies an exported chain. @returns its head, as found, and everything that does not fit. */
export async function verifyExport(path: string, anchors: readonly Anchor[]): Promise<{ organizationId: string; head: Head; faults: string[] }> {
  let verifier: ChainVerifier | null = null;
  let head: Head | null = null;
  let organizationId = '';
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (verifier) {
      verifier.take(line);
      continue;
    }
    const header = parsed(line) ?? {};
    organizationId = String(header['organizationId']);
    head = typeof header['hash'] === 'string' ? { position: Number(header['position']), hash: header['hash'] } : null;
    verifier = new ChainVerifier(organizationId, anchors);
    if (anchors.some((anchor) => anchor.organizationId !== organizationId)) verifier.fault('an anchor is of another organization');
  }
  if (!verifier) throw new Error(`${path} is empty.`);
  verifier.end(head);
  return { organizationId, head: verifier.last, faults: verifier.faults };
}

/** `node verify-audit.mjs <export> [--anchor <file>]…` */
async function main([path, ...words]: readonly string[]): Promise<number> {
  const anchors = words.flatMap((word, index) => (words[index - 1] === '--anchor' ? [word] : []));
  if (path === undefined || words.length !== anchors.length * 2) {
    console.error('usage: node verify-audit.mjs <export> [--anchor <file>]...');
    return 2;
  }
  const { organizationId, head, faults } = await verifyExport(path, anchors.map(readAnchor));
  for (const fault of faults) console.error(`${organizationId}: ${fault}`);
  if (faults.length === 0) console.log(`${organizationId}: ${head.position} entries, unbroken to ${head.hash}`);
  return faults.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exit(2);
    },
  );
}
