import { parseArgs } from 'node:util';
import type { Core } from '../core/command.js';
import { UsageError } from './usage.js';
import { createApiKey, createOrganization } from '../organization/commands.js';

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
  /** @returns what is printed on standard output. Throws what went wrong. */
  run(core: Core, options: Options): Promise<string>;
}

/** Every command, by the words that call it. */
export const COMMANDS: Readonly<Record<string, OperatorCommand>> = {
  migrate: {
    summary: 'bring the schema of the database up to date',
    options: {},
    // Opening the database has done it.
    run: () => Promise.resolve('The schema is up to date.'),
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
};

function oneOf<Word extends string>(option: string, value: string | undefined, words: readonly Word[]): Word {
  const word = words.find((known) => known === value);
  if (word === undefined) throw new UsageError(`--${option} must be one of ${words.join(', ')}.`);
  return word;
}

/** What a command line asks for. Throws UsageError when it is none of ours. */
export function parseCommandLine(words: readonly string[]): { command: OperatorCommand; options: Options } {
  const name = Object.keys(COMMANDS).find((known) => known === words.slice(0, known.split(' ').length).join(' '));
  const command = name === undefined ? undefined : COMMANDS[name];
  if (name === undefined || !command) throw new UsageError(words.length === 0 ? usage() : `There is no such command.\n\n${usage()}`);
  const options = optionsOf(name, command, words.slice(name.split(' ').length));
  const missing = Object.keys(command.options).filter((option) => options[option] === undefined && !command.optional?.includes(option));
  if (missing.length > 0) throw new UsageError(`${name} needs ${missing.map((option) => `--${option}`).join(', ')}: ${usageOf(name, command)}`);
  return { command, options };
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
