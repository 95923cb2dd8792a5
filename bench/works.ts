import type { Work } from './bench.ts';
import { Q1, Q2, Q2pages } from './works/reading.ts';
import { M1 } from './works/writing.ts';

/** Every work, in the order of the report. */
export const WORKS: readonly Work[] = [Q1, Q2, Q2pages, M1];
