import { randomBytes } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import express from 'express';
import type { Request, RequestHandler, Response, Router } from 'express';
import type { RenderOptions } from 'altair-static';
import { EXPLORER_OPERATIONS } from './explorer-operations.js';

/** The keys of the Demo organization, as the first start keeps them in DATA_DIR. */
export interface DemoKeys {
  apiKey: string;
  reviewerKey: string;
}

/** What the explorer must know of the gateway that serves it. */
export interface ExplorerOptions {
  /** Asked on every load of the page; null when there is no Demo organization. */
  demoKeys: () => DemoKeys | null;
  /** Whether the gateway listens on a loopback address only. */
  hostIsLoopback: boolean;
  endpointPath: '/graphql';
}

const ASSETS_PATH = '/explorer';

/** What the page shows in the place of a key that it must not know. */
export const KEY_PLACEHOLDERS: DemoKeys = { apiKey: '<your API key>', reviewerKey: '<your reviewer key>' };

/**
 * Serves Altair: the page to browsers that navigate to `GET /graphql`, its files under `/graphql/explorer/`.
 * All else goes on to `next()`, GraphQL over GET too. Mount it at the root, before the GraphQL endpoint.
 */
export function explorer(options: ExplorerOptions): Router {
  const router = express.Router();
  const assetsPath = options.endpointPath + ASSETS_PATH;
  router.get(options.endpointPath, async (request, response, next) => {
    // One URL answers with HTML or with JSON: a cache must keep the two apart.
    response.vary('Accept');
    if (!isNavigation(request)) return next();
    const keys = mayKnowDemoKeys(request, options.hostIsLoopback) ? options.demoKeys() : null;
    const { getAltairHtml } = await loadAltair();
    sendPage(request, response, getAltairHtml(), { assetsPath, endpointPath: options.endpointPath, keys: keys ?? KEY_PLACEHOLDERS });
  });
  router.use(assetsPath, assets());
  return router;
}

/** Half a megabyte of code, which no start waits for: few open the page. */
const loadAltair = () => import('altair-static');

/** Whether a browser's address bar asks, and not a program: GraphQL over GET must keep working. */
function isNavigation(request: Request): boolean {
  if (request.headers.upgrade !== undefined) return false;
  if ('query' in request.query || 'extensions' in request.query) return false;
  // A page of another origin that fetches this one says `empty`; programs that are not browsers say nothing.
  const destination = request.headers['sec-fetch-dest'];
  if (destination !== undefined && destination !== 'document') return false;
  // The first of the list wins where the client has no preference, as with */*.
  return request.accepts(['application/json', 'application/graphql-response+json', 'text/html']) === 'text/html';
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

// A proxy on this machine makes every peer look like loopback, and may rewrite Host: these give it away.
const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'] as const;

/**
 * Whether the one who asks sits at this machine. The peer is read from the socket, never from a header, and Host must
 * name loopback, or a foreign site could read the key by pointing its own name at 127.0.0.1 (DNS rebinding).
 */
function mayKnowDemoKeys(request: Request, hostIsLoopback: boolean): boolean {
  const peer = request.socket.remoteAddress ?? '';
  const peerIsLoopback = isIP(peer) !== 0 && LOOPBACK.check(peer, isIP(peer) === 6 ? 'ipv6' : 'ipv4');
  const isProxied = PROXY_HEADERS.some((name) => request.headers[name] !== undefined);
  return hostIsLoopback && peerIsLoopback && !isProxied && LOOPBACK_HOST.test(request.headers.host ?? '');
}

interface PageOptions {
  assetsPath: string;
  endpointPath: string;
  keys: DemoKeys;
}

const NONCE_BYTES = 16;

function sendPage(request: Request, response: Response, template: string, page: PageOptions): void {
  const nonce = randomBytes(NONCE_BYTES).toString('base64');
  response.set({
    'Content-Security-Policy': contentSecurityPolicy(request, nonce),
    // The page may hold a key.
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  });
  response.type('html').send(
    template
      .replace(/<base [^>]*>/, `<base href="${page.assetsPath}/">`)
      .replace('<title>Altair</title>', '<title>KYC gateway: explorer</title>')
      .replace('</body>', () => `<script type="module" nonce="${nonce}">${startScript(page, nonce)}</script></body>`),
  );
}

// A host name or address with a port, and nothing that could add a directive to the policy.
const PLAIN_HOST = /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;

/** Nothing comes from outside, and nothing is sent there, whatever plugin, account or banner Altair would offer. */
function contentSecurityPolicy(request: Request, nonce: string): string {
  const host = request.headers.host ?? '';
  // Older browsers do not count the WebSocket of the same host as 'self'.
  const sockets = PLAIN_HOST.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    // Altair's editor and components write style elements and attributes.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "worker-src 'self'",
    `connect-src 'self'${sockets}`,
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The script that starts Altair. The browser knows best by which origin it came, so that makes the addresses. */
function startScript(page: PageOptions, nonce: string): string {
  // A `<` could end the script element.
  const inline = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
  return `
    const options = ${inline(altairOptions(page.keys, nonce))};
    const endpointURL = location.origin + ${inline(page.endpointPath)};
    const addresses = { endpointURL, subscriptionsEndpoint: endpointURL.replace(/^http/, 'ws') };
    const initialWindows = options.initialWindows.map((tab) => ({ ...tab, ...addresses }));
    // Altair writes tabs, and the keys in them, into the browser's database though it reads none of them back.
    indexedDB.deleteDatabase('AltairDB');
    AltairGraphQL.init({ ...options, ...addresses, initialWindows });
    // Altair ends on the last tab it has opened, each with its variables shut. The flow begins with the first, and
    // needs ids in the variables: turn to the first, then open each tab's variables when it is first seen.
    const opened = new WeakSet();
    let isArranged = false;
    new MutationObserver(() => {
      const tabs = document.querySelectorAll('.window-switcher__item');
      const pane = document.querySelector('.variables-editor-container');
      if (!isArranged && tabs[initialWindows.length - 1]?.matches('.window-switcher__item--active')) {
        isArranged = true;
        tabs[0].click();
      } else if (isArranged && pane && !opened.has(pane)) {
        opened.add(pane);
        pane.querySelector('.variables-editor--title')?.click();
      }
    }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['class'] });
  `;
}

function altairOptions(keys: DemoKeys, nonce: string): RenderOptions {
  const initialWindows = EXPLORER_OPERATIONS.map(({ title, query, variables, caller }) => ({
    initialName: title,
    initialQuery: query,
    initialVariables: JSON.stringify(variables, null, 2),
    ...credentials(caller === 'REVIEWER' ? keys.reviewerKey : keys.apiKey),
  }));
  return {
    initialWindows,
    // For tabs that a person adds, and for each tab's first introspection, which runs before the tab has its own.
    ...credentials(keys.apiKey),
    // Otherwise yesterday's tabs and keys would hide today's.
    preserveState: false,
    disableAccount: true,
    cspNonce: nonce,
    initialSettings: {
      'alert.disableUpdateNotification': true,
      'banners.disable': true,
      disablePushNotification: true,
      enableTablistScrollbar: true,
      'plugin.list': [],
      // For the docs and completion; without a key it would only be refused.
      'schema.reloadOnStart': keys !== KEY_PLACEHOLDERS,
    },
  };
}

function credentials(key: string) {
  const authorization = `Bearer ${key}`;
  return {
    // Multipart requests are refused without the preflight header.
    initialHeaders: { Authorization: authorization, 'apollo-require-preflight': 'true' },
    initialSubscriptionRequestHandlerId: 'graphql-ws',
    initialSubscriptionsPayload: { authorization },
  } as const;
}

const HASHED_NAME = /-[A-Z0-9]{8}\.js$/;
const ONE_YEAR = 'public, max-age=31536000, immutable';

// Neither Altair's bare index.html nor the frame that runs a person's scripts, whose policy is another.
const ASSET = /^\/(?!iframe-sandbox\/)[\w./-]+\.(js|css|json|svg|png|ico|woff2?)$/;

/** Altair's own files, and nothing else: what is not one of them goes on to `next()`. */
function assets(): RequestHandler {
  let files: RequestHandler | undefined;
  return async (request, response, next) => {
    if (!ASSET.test(request.path)) return next();
    files ??= filesIn((await loadAltair()).getDistDirectory());
    files(request, response, next);
  };
}

function filesIn(directory: string): RequestHandler {
  return express.static(directory, {
    index: false,
    redirect: false,
    setHeaders: (response, path) => {
      // A name with a hash never changes its content; the others are asked for again by their ETag.
      response.setHeader('Cache-Control', HASHED_NAME.test(path) ? ONE_YEAR : 'no-cache');
      response.setHeader('X-Content-Type-Options', 'nosniff');
      response.setHeader('Referrer-Policy', 'no-referrer');
      response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
      // A worker obeys the policy of its own script.
      response.setHeader('Content-Security-Policy', "default-src 'self'; frame-ancestors 'none'");
    },
  });
}
