// Who the page acts for. The code of the link is exchanged for a client token; both are kept for this tab alone, so that a
// reload and a phone that takes over find them, and neither is ever in an address, a log or a message to another window.

const KEY = 'kyc-gateway.session';
/** Share of a token's life after which it is renewed: early enough for a few further tries. */
const RENEW_AFTER = 0.6;
/** Milliseconds. However short a token lives, the gateway is not asked more often. */
const SOONEST_RENEWAL = 5_000;

export interface Session {
  /** The code of the link; what the QR code for a phone holds. */
  code: string;
  token: string;
  /** Milliseconds since 1970, by the clock of this device. */
  renewAt: number;
}

/** The code in the fragment, taken out of the address and of the history; null when there is none. */
export function takeCode(): string | null {
  const code = location.hash.slice(1);
  if (code === '') return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  return code;
}

/** The session of this tab, before a reload. */
export function storedSession(): Session | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Session | null;
  } catch {
    return null;
  }
}

export function storeSession(session: Session | null): void {
  try {
    if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
    else sessionStorage.removeItem(KEY);
  } catch {
    // A browser that forbids storage in frames: the session lives in memory, and a reload opens the link again.
  }
}

/** A session by a token that was just received. `answeredAt`: the server's time, since a device's own clock may be wrong. */
export function sessionOf(code: string, token: string, expiresAt: string, answeredAt: number): Session {
  const life = Date.parse(expiresAt) - answeredAt;
  return { code, token, renewAt: Date.now() + Math.max(SOONEST_RENEWAL, life * RENEW_AFTER) };
}

/** The link to this very page, for a phone. */
export function linkOf({ code }: Session): string {
  return `${location.origin}${location.pathname}#${code}`;
}
