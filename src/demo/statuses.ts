import { DemoError, type GatewayClient } from './client.js';
import { WATCH_CUSTOMER, WATCH_DOCUMENTS, WATCH_IDENTITY } from './operations.js';
import type { Terminal } from './terminal.js';

type Kind = 'customer' | 'identity' | 'document';

interface Change {
  change: { oldStatus: string | null; newStatus: string; why?: string | null };
}

/** The sandbox's clock is moved, so nothing takes as long as this. */
const PATIENCE_MILLISECONDS = 60_000;

/** The statuses of one customer and of all that belongs to it, printed as the subscriptions deliver them. */
export class Statuses {
  readonly #latest = new Map<Kind, string>();
  #waiting: (() => void)[] = [];
  #failure: Error | null = null;

  private constructor(
    private readonly client: GatewayClient,
    private readonly terminal: Terminal,
  ) {}

  /** Subscribes to a customer and its attempts. */
  static async of(client: GatewayClient, terminal: Terminal, customerId: string): Promise<Statuses> {
    const statuses = new Statuses(client, terminal);
    await Promise.all([statuses.#watch('customer', WATCH_CUSTOMER, { customerId }), statuses.#watch('identity', WATCH_IDENTITY, { customerId })]);
    return statuses;
  }

  /** Subscribes to the documents of an attempt. */
  async watchDocuments(identityId: string): Promise<void> {
    await this.#watch('document', WATCH_DOCUMENTS, { identityId });
  }

  /** Waits until these statuses have been delivered. */
  async until(wanted: Readonly<Partial<Record<Kind, string>>>): Promise<void> {
    const isReached = (): boolean => Object.entries(wanted).every(([kind, status]) => this.#latest.get(kind as Kind) === status);
    const deadline = Date.now() + PATIENCE_MILLISECONDS;
    while (!isReached()) {
      if (this.#failure) throw this.#failure;
      if (Date.now() > deadline) throw new DemoError(`No subscription has delivered ${Object.values(wanted).join(' and ')} within ${PATIENCE_MILLISECONDS / 1_000} s.`);
      await this.#news(deadline - Date.now());
    }
  }

  async #watch(kind: Kind, query: string, variables: Record<string, unknown>): Promise<void> {
    await this.client.watch<Change>(
      query,
      variables,
      ({ change }) => {
        this.#latest.set(kind, change.newStatus);
        this.terminal.happened(kind, change.oldStatus, change.newStatus, kind === 'identity' ? (change.why ?? null) : null);
        this.#wake();
      },
      (error) => {
        this.#failure = error;
        this.#wake();
      },
    );
  }

  async #news(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
