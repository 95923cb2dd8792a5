import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { systemClock } from './core/clock.js';
import type { Core } from './core/command.js';
import { ConfigError, readConfig } from './core/config.js';
import { openDatabase } from './core/database.js';
import { lockDirectory } from './core/directory-lock.js';
import { Jobs } from './core/jobs.js';
import { createLog } from './core/log.js';
import { newRequestScope, requestScope } from './core/request-scope.js';
import { databaseParts } from './gateway.js';
import { FoundBroken, parseCommandLine } from './operator/commands.js';
import { UsageError } from './operator/usage.js';

/** Runs one command of the operator with the configuration of the environment, on the database that the gateway runs on. */
async function main(): Promise<void> {
  const { name, command, options } = parseCommandLine(process.argv.slice(2));
  if (command.print) return console.log(command.print());
  const config = readConfig(process.env);
  const undo: (() => Promise<void>)[] = [];
  try {
    // A PostgreSQL server takes others beside the gateway; the embedded database does not.
    if (config.databaseUrl === null) undo.push(await lockDirectory(config.dataDirectory));
    // What a command prints is its result alone: the log is for the gateway.
    const log = createLog({ logLevel: 'silent' });
    const database = await openDatabase(config, databaseParts, log);
    undo.push(() => database.close());
    const jobs = await Jobs.open(database, [], log);
    undo.push(() => jobs.stop());
    const core: Core = { database, jobs, clock: systemClock, log, allowPrivateUrls: config.allowPrivateUrls };
    const scope = { ...newRequestScope(randomUUID()), operations: [name] };
    console.log(await requestScope.run(scope, () => command.run!(core, options, (line) => console.error(line))));
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const isExpected = error instanceof ConfigError || error instanceof UsageError || error instanceof FoundBroken || error instanceof GraphQLError;
    console.error(isExpected ? error.message : error);
    process.exit(1);
  },
);
