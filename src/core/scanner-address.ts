/** Where ClamAV's daemon listens. */
export type ScannerAddress = { host: string; port: number } | { path: string };

/** Reads CLAMD_URL: `tcp://host:port` or `unix:/path`; null when it is neither. */
export function parseScannerUrl(value: string): ScannerAddress | null {
  const path = /^unix:(?:\/\/)?(\/.+)$/.exec(value)?.[1];
  if (path !== undefined) return { path };
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol !== 'tcp:' || url.hostname === '' || url.port === '' || !/^\/?$/.test(url.pathname + url.search + url.username)) return null;
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}
