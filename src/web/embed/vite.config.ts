import { join } from 'node:path';
import { defineConfig } from 'vite';

/** One classic script, so that a partner's page needs one line. */
export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: join(import.meta.dirname, '..', '..', '..', 'dist', 'web', 'embed'),
    emptyOutDir: true,
    target: ['chrome111', 'safari16.4', 'firefox114'],
    lib: { entry: 'embed.ts', formats: ['iife'], name: 'KycGateway', fileName: () => 'embed.js' },
  },
  logLevel: 'warn',
});
