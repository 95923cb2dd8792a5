import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** What the gateway replaces by a nonce of each response (graphql/pages.ts). */
const NONCE_PLACEHOLDER = '__NONCE__';
/** Bytes. A file in the place of text: data: URLs of scripts and fonts are what the content security policy refuses. */
const INLINED_UP_TO = 0;

/** The pages, each with the files that it loads, below /verify/ alone. */
export default defineConfig({
  root: join(import.meta.dirname, 'verify'),
  base: '/verify/',
  plugins: [react()],
  html: { cspNonce: NONCE_PLACEHOLDER },
  build: {
    outDir: join(import.meta.dirname, '..', '..', 'dist', 'web', 'verify'),
    emptyOutDir: true,
    assetsInlineLimit: INLINED_UP_TO,
    modulePreload: { polyfill: false },
    // Kilobytes before compression; what counts is what travels, and a test holds that.
    chunkSizeWarningLimit: 700,
    target: ['chrome111', 'safari16.4', 'firefox114'],
  },
  logLevel: 'warn',
});
