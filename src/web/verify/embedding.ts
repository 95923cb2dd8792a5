// How the page talks to the one that embeds it. `embedder` is the origin that the embed script has named: the gateway
// lets no other page show this one (frame-ancestors), and no message is addressed to another.

export type PageEvent =
  | { type: 'ready' }
  | { type: 'status'; status: string; kycStatus: string; identityStatus: string | null }
  | { type: 'done'; status: string; kycStatus: string }
  | { type: 'error'; code: string };

/** By this a page knows our messages among all others. */
const SOURCE = 'kyc-gateway';

const EMBEDDER = new URLSearchParams(location.search).get('embedder');
export const IS_FRAMED = window.parent !== window;

/** Whether the page around this one, if there is one, is of an origin that the customer's organization allows. */
export function mayBeShown(origins: readonly string[]): boolean {
  return !IS_FRAMED || (EMBEDDER !== null && origins.includes(EMBEDDER));
}

/** Handlers that native web views put there, for apps. */
interface NativeWindow {
  webkit?: { messageHandlers?: { kycGateway?: { postMessage(message: unknown): void } } };
  KycGatewayAndroid?: { postMessage(json: string): void };
}

/** Tells the page or the app around this one what has happened. */
export function tell(event: PageEvent): void {
  const message = { source: SOURCE, ...event };
  const { webkit, KycGatewayAndroid } = window as unknown as NativeWindow;
  webkit?.messageHandlers?.kycGateway?.postMessage(message);
  KycGatewayAndroid?.postMessage(JSON.stringify(message));
  if (IS_FRAMED && EMBEDDER !== null) window.parent.postMessage(message, EMBEDDER);
}
