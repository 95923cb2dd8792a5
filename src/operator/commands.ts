import { randomUUID } from 'node:crypto';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GraphQLError } from 'graphql';
import type { Kysely } from 'kysely';
import type { Core } from '../core/command.js';
import { ConfigError } from '../core/config.js';
import { newRingEntry } from '../core/crypto/key-ring.js';
import { rotateKeys } from '../core/crypto/rotation.js';
import { kindOfId } from '../core/ids.js';
import type { LedgerTables } from '../core/ledger.js';
import { newRequestScope, requestScope } from '../core/request-scope.js';
import { exportChain, ledgers, verifyChain } from '../audit/chain.js';
import { readAnchor, type Anchor } from '../audit/verifier.js';
import { createApiKey, createOrganization } from '../organization/commands.js';
import { UsageError } from './usage.js';

/** Who acts when the operator's command line does. */
const OPERATOR = { role: 'OPERATOR', organizationId: null, actor: 'operator command line' } as const;

/** The values of a command's options; what was not given is absent. */
export type Options = Readonly<Record<string, string | undefined>>;

/** A command of the operator's command line. */
export interface OperatorCommand {
  /** What it does, in one line of the usage. */
  summary: string;
  /** Its options, each with what its value is; those in `optional` may be left out. */
  options: Readonly<Record<string, string>>;
  optional?: readonly string[];
  /** In place of `run`, where neither configuration nor database is needed: what is printed. */
  print?(): string;
  /** `report` is told of progress. @returns what is printed on standard output. Throws what went wrong. */
  run?(core: Core, options: Options, report: (line: string) => void): Promise<string>;
}

/** Every command, by the words that call it. */
export const COMMANDS: Readonly<Record<string, OperatorCommand>> = {
  migrate: {
    summary: 'bring the schema of the database up to date',
    options: {},
    // Opening the database has done it.
    run: () => Promise.resolve('The schema is up to date.'),
  },
  'keys generate': {
    summary: 'print a new key for KEY_RING',
    options: {},
    print: newRingEntry,
  },
  'keys rotate': {
    summary: 'wrap every data key under the newest key of KEY_RING, while the gateway serves',
    options: {},
    run: rotate,
  },
  'organization create': {
    summary: 'make an organization',
    options: { name: 'text', environment: 'SANDBOX|LIVE' },
    run: async (core, { name = '', environment }) => {
      const organization = await createOrganization(core, OPERATOR, { name, environment: oneOf('environment', environment, ['SANDBOX', 'LIVE'] as const) });
      return organization.id;
    },
  },
  'api-key create': {
    summary: "make a key of an organization; its secret is printed this once",
    options: { organization: 'id', role: 'ADMIN|PARTNER|REVIEWER', name: 'text', expires: 'date' },
    optional: ['expires'],
    run: async (core, { organization, role, name = '', expires }) => {
      const expiresAt = expires === undefined ? null : new Date(expires);
      if (expiresAt && Number.isNaN(expiresAt.getTime())) throw new UsageError('--expires is no date: give one such as 2027-01-31.');
      const { secret } = await createApiKey(core, OPERATOR, { organizationId: organization ?? null, role: oneOf('role', role, ['ADMIN', 'PARTNER', 'REVIEWER'] as const), name, expiresAt });
      return secret;
    },
  },
  'audit verify': {
    summary: 'follow the audit trail, of one organization or of all, and name whatever was changed, removed, reordered or inserted',
    options: { organization: 'id', anchor: 'file' },
    optional: ['organization', 'anchor'],
    run: verify,
  },
  'audit export': {
    summary: 'write the audit trail into a directory, with an anchor to be kept elsewhere and a verifier that needs nothing but Node',
    options: { organization: 'id', to: 'directory' },
    optional: ['organization'],
    run: exportTrail,
  },
};

/** What a command has found broken. Its message says all of it. */
export class FoundBroken extends Error {}

/** A command with what was given to it. */
export interface Asked {
  name: string;
  options: Options;
}

/** Does a command, which the audit trail knows by an id of its own. @returns what is printed. */
export function perform(core: Core, { name, options }: Asked, report: (line: string) => void): Promise<string> {
  const run = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]?.run : undefined;
  if (!run) throw new UsageError('There is no such command.');
  return requestScope.run({ ...newRequestScope(randomUUID()), operations: [name] }, () => run(core, options, report));
}

/** Whether the message of an error is all that is to be said of it. */
export function isExpected(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof UsageError || error instanceof FoundBroken || error instanceof GraphQLError;
}

async function rotate(core: Core, _options: Options, report: (line: string) => void): Promise<string> {
  const { newest, rewrapped, broken } = await rotateKeys(core, OPERATOR, report);
  const done = `${rewrapped} keys wrapped anew; all are under ${newest}`;
  if (broken.length === 0) return `${done}.`;
  throw new FoundBroken(`${done} but those of these customers, which do not open: ${broken.join(', ')}. Keep the older keys of KEY_RING until they are restored.`);
}

async function verify(core: Core, { organization, anchor }: Options): Promise<string> {
  const anchors = anchor === undefined ? [] : [anchored(anchor)];
  const asked = await organizations(core, organization);
  const elsewhere = anchors.filter(({ organizationId }) => !asked.includes(organizationId));
  if (elsewhere.length > 0) throw new UsageError('The anchor is of an organization that is not verified.');
  const lines: string[] = [];
  let isBroken = false;
  for (const id of asked) {
    const { head, faults } = await verifyChain(ownerReader(core), core.database.vault, id, anchors);
    if (faults.length > 0) isBroken = true;
    lines.push(...(faults.length > 0 ? faults.map((fault) => `${id}: ${fault}`) : [`${id}: ${head.position} entries, unbroken to ${head.hash}`]));
  }
  if (isBroken) throw new FoundBroken(lines.join('\n'));
  return lines.join('\n');
}

async function exportTrail(core: Core, { organization, to = '' }: Options): Promise<string> {
  const lines: string[] = [];
  const broken: string[] = [];
  await mkdir(to, { recursive: true });
  for (const id of await organizations(core, organization)) {
    const { files, isWhole } = await exportChain(ownerReader(core), id, to);
    lines.push(...files);
    if (!isWhole) broken.push(`${id}: where the chain should end is not kept: the ledger of the organization is missing, and there is no anchor`);
  }
  const verifier = join(to, 'verify-audit.mjs');
  await copyFile(fileURLToPath(new URL('../audit/verifier.js', import.meta.url)), verifier);
  lines.push(verifier);
  if (broken.length > 0) throw new FoundBroken([...lines, ...broken].join('\n'));
  return lines.join('\n');
}

function anchored(path: string): Anchor {
  try {
    return readAnchor(path);
  } catch {
    throw new UsageError('--anchor names no file that holds an anchor: give one that `audit export` has written.');
  }
}

/** The organization that is asked for, or all. */
async function organizations(core: Core, asked: string | undefined): Promise<readonly string[]> {
  const known = await ledgers(ownerReader(core));
  if (asked === undefined) return known;
  if (kindOfId(asked) !== 'organization' || !known.includes(asked)) throw new UsageError('--organization names no organization.');
  return [asked];
}

function ownerReader(core: Core): Kysely<LedgerTables> {
  return core.database.owner().getKysely() as unknown as Kysely<LedgerTables>;
}

function oneOf<Word extends string>(option: string, value: string | undefined, words: readonly Word[]): Word {
  const word = words.find((known) => known === value);
  if (word === undefined) throw new UsageError(`--${option} must be one of ${words.join(', ')}.`);
  return word;
}

/** What a command line asks for. Throws UsageError when it is none of ours. */
export function parseCommandLine(words: readonly string[]): { name: string; command: OperatorCommand; options: Options } {
  const name = Object.keys(COMMANDS).find((known) => known === words.slice(0, known.split(' ').length).join(' '));
  const command = name === undefined ? undefined : COMMANDS[name];
  if (name === undefined || !command) throw new UsageError(words.length === 0 ? usage() : `There is no such command.\n\n${usage()}`);
  const options = optionsOf(name, command, words.slice(name.split(' ').length));
  const missing = Object.keys(command.options).filter((option) => options[option] === undefined && !command.optional?.includes(option));
  if (missing.length > 0) throw new UsageError(`${name} needs ${missing.map((option) => `--${option}`).join(', ')}: ${usageOf(name, command)}`);
  return { name, command, options };
}

function optionsOf(name: string, command: OperatorCommand, words: readonly string[]): Options {
  try {
    const { values } = parseArgs({ args: [...words], options: Object.fromEntries(Object.keys(command.options).map((option) => [option, { type: 'string' as const }])), strict: true });
    return values as Options;
  } catch {
    throw new UsageError(`${name} does not take that: ${usageOf(name, command)}`);
  }
}

function usageOf(name: string, { options, optional }: OperatorCommand): string {
  const given = Object.entries(options).map(([option, value]) => (optional?.includes(option) ? `[--${option} ${value}]` : `--${option} ${value}`));
  return ['npm run gateway --', name, ...given].join(' ');
}

/** Every command with what it does. */
export function usage(): string {
  return Object.entries(COMMANDS).map(([name, command]) => `  ${usageOf(name, command)}\n      ${command.summary}`).join('\n');
}
