import module from 'node:module';
import { join } from 'node:path';

// The program in one file, with the packages that it is made of (bundle.ts): to find and read its two thousand modules one by one
// takes longer than all else at a start. Node keeps what it has compiled beside it, where that can be written.
const BUNDLE = join(import.meta.dirname, 'bundle');
// Node 20 has none.
module.enableCompileCache?.(join(BUNDLE, 'compiled'));
await import(new URL('./bundle/program.js', import.meta.url).href);
