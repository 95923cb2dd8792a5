import type { Gateway } from './gateway';
import { CUSTOMER_CHANGES, IDENTITY_CHANGES } from './operations';

/** Milliseconds until the first further try, doubled each time up to the longest; a random part keeps phones from coming back all at once. */
const FIRST_RETRY = 500;
const LONGEST_RETRY = 10_000;

/**
 * Calls `onChange` after every change of this customer's status or its attempt's, and once whenever the connection
 * has been made anew. Goes on after interruptions from the last change that was seen. @returns how to stop.
 */
export function watch(gateway: Gateway, customerId: string, onChange: () => void, onConnection: (isConnected: boolean) => void): () => void {
  const cursors: Record<'customer' | 'identity', string | null> = { customer: null, identity: null };
  let stopped = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ends: (() => void)[] = [];
  const again = (): void => {
    if (stopped || timer !== undefined) return;
    for (const end of ends.splice(0)) end();
    onConnection(false);
    const delay = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    timer = setTimeout(() => {
      timer = undefined;
      start();
    }, delay);
  };
  const follow = (name: keyof typeof cursors, document: { toString(): string }): void => {
    const { unsubscribe } = gateway.client.subscription<Record<string, { cursor: string }>>(document.toString(), { customerId, after: cursors[name] }).subscribe(({ data, error, hasNext }) => {
      if (data) {
        cursors[name] = Object.values(data)[0]?.cursor ?? cursors[name];
        onChange();
      }
      if (error) {
        // Older than what is kept: the state is read anew in any case.
        if (error.graphQLErrors[0]?.extensions['code'] === 'CURSOR_EXPIRED') cursors[name] = null;
        again();
      } else if (!hasNext) again();
    });
    ends.push(unsubscribe);
  };
  const start = (): void => {
    follow('customer', CUSTOMER_CHANGES);
    follow('identity', IDENTITY_CHANGES);
  };
  const stopListening = gateway.socket.on('connected', () => {
    failures = 0;
    onConnection(true);
    onChange();
  });
  const hurry = (): void => {
    failures = 0;
  };
  addEventListener('online', hurry);
  start();
  return () => {
    stopped = true;
    clearTimeout(timer);
    removeEventListener('online', hurry);
    stopListening();
    for (const end of ends.splice(0)) end();
  };
}
