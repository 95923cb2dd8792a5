import { ConfigError, readConfig } from './core/config.js';
import { startGateway, type Gateway } from './gateway.js';

/** Reads the configuration, starts the gateway and stops it on a signal. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const gateway = await startGateway(config);
  console.log(greeting(gateway));
  let stopping = false;
  const stop = (): void => {
    // A second signal does not wait.
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => {
      console.error('The gateway could not finish in time: it ends as it is. What was under way is taken up again at its next start.');
      process.exit(1);
    }, STOP_DEADLINE_MILLISECONDS).unref();
    gateway.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (process.env['npm_lifecycle_event'] !== undefined) onParentsEnd(() => stopping || stop());
}

/** Who stops a gateway waits ten seconds for it; a database that does not answer must not keep it. */
const STOP_DEADLINE_MILLISECONDS = 9_000;
/** Often enough that a port is free soon after its `npm start` has been ended. */
const PARENT_CHECK_MILLISECONDS = 500;

/** A signal to `npm start` ends the shell that npm has put between itself and the gateway, which the shell does not pass on. */
function onParentsEnd(act: () => void): void {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && act(), PARENT_CHECK_MILLISECONDS).unref();
}

function greeting({ url, demoKeys }: Gateway): string {
  const ready = `Gateway ready at ${url}`;
  if (!demoKeys) return `${ready}\n\n  First organization  set OPERATOR_KEY, then see "On PostgreSQL" in README.md`;
  return `${ready}

  Demo organization (sandbox)
    API key       ${demoKeys.apiKey}
    reviewer key  ${demoKeys.reviewerKey}

  Explore         ${url}/graphql in a browser: every step of the flow is a tab
  Watch it work   npm run demo, in another terminal
  Read            README.md`;
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError || isListenError(error)) console.error(sentence(error as Error));
  else console.error(error);
  process.exit(1);
});

function isListenError(error: unknown): boolean {
  return error instanceof Error && ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function sentence(error: Error): string {
  const { code, port, address } = error as Error & { code?: string; port?: number; address?: string };
  if (code === 'EADDRINUSE') return `PORT ${port} of ${address} is in use: stop what listens there, or choose another PORT.`;
  return isListenError(error) ? `HOST ${address} and PORT ${port} cannot be listened on (${code}): choose others.` : error.message;
}
