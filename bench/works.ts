import type { Work } from './bench.ts';
import { Q1, Q2, Q2pages } from './works/reading.ts';
import { S1, S2, S3 } from './works/streams.ts';
import { M1 } from './works/writing.ts';

/** Every work, in the order of the report. */
export const WORKS: readonly Work[] = [Q1, Q2, Q2pages, M1, S1, S2, S3];
