import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';
import { refusal } from '../core/errors.js';

/** Where `npm run build` puts the pages: beside the gateway's own code, or seen from its sources. */
const BUILT = join(import.meta.dirname, '..', '..', 'dist', 'web');
/** What the build writes where a nonce belongs. */
const NONCE_PLACEHOLDER = /__NONCE__/g;
const NONCE_BYTES = 16;
/** The build puts a digest of a file's content into its name. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** Seconds. Partners' pages load it by one name: what is mended reaches them within the hour. */
const EMBED_SCRIPT_AGE = 3_600;

/** What the pages must know of the gateway that serves them. */
export interface PageOptions {
  /** Whether pages of this origin may embed the hosted page. */
  isEmbedder(origin: string): Promise<boolean>;
}

/**
 * Serves the hosted verification page at /verify, its files below, and the script that embeds it at /embed.js. The code
 * of the link is in the fragment, which no server sees: whose customer comes is not known here. So the embed script says
 * which origin embeds, and the page is let into frames of that origin alone, if an organization allows it. Whether it is the
 * customer's own organization that does, the page checks once it knows.
 */
export function mountPages(app: Express, { isEmbedder }: PageOptions): void {
  app.get('/verify/assets/:name', asset);
  app.get('/verify', (request, response, next) => {
    const { embedder } = request.query;
    page(response, typeof embedder === 'string' ? embedder : null, isEmbedder).catch(next);
  });
  app.get('/embed.js', script());
}

async function page(response: Response, embedder: string | null, isEmbedder: PageOptions['isEmbedder']): Promise<void> {
  const [template, isAllowed] = await Promise.all([built('verify', 'index.html'), embedder === null ? false : isEmbedder(embedder)]);
  const nonce = randomBytes(NONCE_BYTES).toString('base64');
  response.set({
    'content-security-policy': contentSecurityPolicy(nonce, isAllowed ? embedder! : "'none'"),
    'permissions-policy': 'camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()',
    'cross-origin-opener-policy': 'same-origin',
    // The nonce is good for one answer, and who may embed may change.
    'cache-control': 'no-store',
    'x-robots-tag': 'noindex',
  });
  // This header knows no single origin: the policy of content says it.
  if (isAllowed) response.removeHeader('x-frame-options');
  response.type('html').send(template.replaceAll(NONCE_PLACEHOLDER, nonce));
}

/** Nothing comes from elsewhere and nothing goes there. blob: and data: are the person's own pictures and the logo. */
function contentSecurityPolicy(nonce: string, frameAncestors: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    // The component library writes two rules of its own into a style element.
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    `frame-ancestors ${frameAncestors}`,
  ].join('; ');
}

const ASSET = /^[\w-]+\.(js|css|svg)$/;
/** What the build has compressed files for, by their ending. */
const COMPRESSIONS = { br: '.br', gzip: '.gz' } as const;

/** A file of the page, compressed as the browser likes it; the build has done the work. */
function asset(request: Request<{ name: string }>, response: Response, next: NextFunction): void {
  const { name } = request.params;
  const [, type] = ASSET.exec(name) ?? [];
  if (type === undefined) return next();
  const encoding = request.acceptsEncodings(['br', 'gzip']) as keyof typeof COMPRESSIONS | false;
  response.vary('accept-encoding');
  response.set({
    'cache-control': FOR_EVER,
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    ...(encoding === false ? {} : { 'content-encoding': encoding }),
  });
  response.type(type);
  response.sendFile(encoding === false ? name : name + COMPRESSIONS[encoding], { root: join(BUILT, 'verify', 'assets'), cacheControl: false }, (error) => {
    if (!error || response.headersSent) return;
    for (const header of ['content-encoding', 'cache-control', 'content-type']) response.removeHeader(header);
    next();
  });
}

/** The operations of the hosted page as the build lists them: JSON, documents by the SHA-256 of their text. Throws as `built` does. */
export function pageOperations(): Promise<string> {
  return built('verify', 'operations.json');
}

/** Any page may load it: it opens nothing by itself. */
function script(): RequestHandler {
  return (_request, response, next) => {
    built('embed', 'embed.js').then((text) => {
      response.set({ 'cache-control': `public, max-age=${EMBED_SCRIPT_AGE}`, 'cross-origin-resource-policy': 'cross-origin', 'access-control-allow-origin': '*' });
      response.type('js').send(text);
    }, next);
  };
}

const texts = new Map<string, Promise<string>>();

/** A file of the build, read once. Throws SERVICE_UNAVAILABLE where there is no build. */
function built(...path: string[]): Promise<string> {
  const name = join(BUILT, ...path);
  const text = texts.get(name) ?? readFile(name, 'utf8').catch(() => {
    texts.delete(name);
    throw refusal('SERVICE_UNAVAILABLE', 'The web pages are not built: `npm run build` builds them.');
  });
  texts.set(name, text);
  return text;
}
