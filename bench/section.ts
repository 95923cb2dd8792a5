/** One figure of a table with its spread over the rounds: the quartiles. */
export interface Figure {
  median: number;
  low: number;
  high: number;
}

/** One line of a table: what was measured, and its figures by the name of their column, unit included (`CPU µs`). */
export interface Result {
  name: string;
  figures: Readonly<Record<string, Figure>>;
}

/** What a work is held to. A ratio is recorded by its name, and the short form fails where it has become worse than 1.3 times that. */
export interface Goal {
  /** Unique over all works: begins with the name of the work. */
  name: string;
  value: Figure;
  limit: number;
  /** Whether the value is to stay below the limit, or to reach it. */
  better: 'lower' | 'higher';
  /** An absolute figure says something of this machine alone: it is shown, and never compared with a recorded one. */
  isAbsolute?: boolean;
  /** A ratio of times or throughputs says more of how busy the machine was than one of processor times: it is shown, and not compared either. */
  isTiming?: boolean;
}

/** What came of one work: a section of docs/performance.md. */
export interface Section {
  /** Q1, M2, S3 … */
  name: string;
  title: string;
  /** What was done and how to read it, in sentences. */
  about: string;
  rows: readonly Result[];
  /** The column that the chart shows, where there is to be one. */
  chart?: string;
  goals: readonly Goal[];
}
