import type { Work } from './bench.ts';
import { growth } from './works/growth.ts';
import { plans } from './works/plans.ts';
import { M2 } from './works/file-upload.ts';
import { E1 } from './works/full-flow.ts';
import { Q3 } from './works/dry-run.ts';
import { Q1E, Q2E } from './works/opening.ts';
import { Q1, Q2, Q2pages } from './works/reading.ts';
import { B1 } from './works/starting.ts';
import { S1, S2, S3 } from './works/streams.ts';
import { M1 } from './works/writing.ts';

/** Every work, in the order of the report. */
export const WORKS: readonly Work[] = [Q1, Q2, Q2pages, Q1E, Q2E, Q3, M1, M2, S1, S2, S3, E1, B1, plans, growth];

/** What CI runs: the ratios of processor times, and the plans. */
export const SHORT_WORKS: readonly Work[] = [Q1, Q2, M1, M2, S1, plans];
