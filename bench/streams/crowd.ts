import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { start, stop } from '../machine/processes.ts';
import type { Command, Report, Subscription } from './subscribers.ts';

/** Sockets that are opened at once where opening them is not what is measured. */
const AT_ONCE = 100;

/** A process full of subscribers. */
export class Crowd {
  readonly #child: ChildProcess = start('rest', [process.execPath, fileURLToPath(new URL('subscribers.ts', import.meta.url))], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  /** Rejects when the process has ended: it does where a subscriber is refused or cut off. */
  readonly #ended: Promise<never>;

  constructor() {
    this.#ended = once(this.#child, 'exit').then(() => Promise.reject(new Error('A subscriber was refused or cut off')));
    this.#ended.catch(() => undefined);
  }

  /** Opens subscriptions; resolves when all of them stand. */
  async open(url: string, subscriptions: readonly Subscription[]): Promise<void> {
    await this.#send({ open: { url, subscriptions, atOnce: AT_ONCE, expect: 0 } });
  }

  /** Opens subscriptions all at once. @returns when each has had so many events, in milliseconds of the monotonic clock. */
  async catchUp(url: string, subscriptions: readonly Subscription[], events: number): Promise<number[]> {
    return (await this.#send({ open: { url, subscriptions, atOnce: subscriptions.length, expect: events } })).times;
  }

  /** When each subscriber has had one event more, in milliseconds of the monotonic clock, once `change` has been made. */
  async hear(change: () => Promise<number>): Promise<{ at: number; times: number[] }> {
    await this.#send({ arm: { events: 1 } });
    const heard = this.#report();
    const at = await change();
    return { at, times: (await heard).times };
  }

  stop(): Promise<void> {
    return stop(this.#child);
  }

  async #send(command: Command): Promise<Report> {
    const answer = this.#report();
    this.#child.send(command);
    return answer;
  }

  async #report(): Promise<Report> {
    return Promise.race([once(this.#child, 'message').then(([report]) => report as Report), this.#ended]);
  }
}
