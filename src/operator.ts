import { systemClock } from './core/clock.js';
import type { Core } from './core/command.js';
import { readConfig, type Config } from './core/config.js';
import { openDatabase } from './core/database.js';
import { lockDirectory } from './core/directory-lock.js';
import { Jobs } from './core/jobs.js';
import { createLog } from './core/log.js';
import { databaseParts } from './gateway.js';
import { isExpected, parseCommandLine, perform, type Asked } from './operator/commands.js';
import { askGateway } from './operator/door.js';

/** Runs one command of the operator with the configuration of the environment, on the database that the gateway runs on. */
async function main(): Promise<void> {
  const { name, command, options } = parseCommandLine(process.argv.slice(2));
  if (command.print) return console.log(command.print());
  const config = readConfig(process.env);
  const asked = { name, options };
  const report = (line: string): void => console.error(line);
  const answer = config.databaseUrl === null ? await askGateway(config.dataDirectory, asked, report) : null;
  console.log(answer ?? (await performHere(config, asked, report)));
}

/** Does a command in this process. */
async function performHere(config: Config, asked: Asked, report: (line: string) => void): Promise<string> {
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
    return await perform(core, asked, report);
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(isExpected(error) ? error.message : error);
    process.exit(1);
  },
);
