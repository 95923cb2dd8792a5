import { en } from './en';
import { labels } from './labels-en';

/** English: faults are said in the server's own words. */
export const catalogue = { ...en, labels, faults: {} };
