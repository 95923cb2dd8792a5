import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { start, stop } from '../machine/processes.ts';
import type { Order, Outcome } from './order.ts';
import { runWrk, suitsWrk } from './wrk.ts';

/** Asks servers as fast as they answer: by wrk, which takes little of the processor that it shares with PostgreSQL, or by autocannon, which can also ask what earlier answers decide. */
export class Load {
  readonly #child: ChildProcess;

  constructor() {
    const generator = fileURLToPath(new URL('generator.ts', import.meta.url));
    this.#child = start('rest', [process.execPath, generator], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  /** Does what is ordered; rejects where that could not be tried. */
  async run(order: Order): Promise<Outcome> {
    if (suitsWrk(order)) return runWrk(order);
    this.#child.send(order);
    const [answer] = (await once(this.#child, 'message')) as [{ outcome?: Outcome; error?: string }];
    if (!answer.outcome) throw new Error(answer.error);
    return answer.outcome;
  }

  stop(): Promise<void> {
    return stop(this.#child);
  }
}
