/** How many rows there are. */
export interface Sizes {
  organizations: number;
  customers: number;
  /** One a customer. */
  identities: number;
  documents: number;
  files: number;
  signatures: number;
}

const FULL: Sizes = { organizations: 20, customers: 100_000, identities: 100_000, documents: 150_000, files: 300_000, signatures: 200_000 };

/** The rows of a full run, divided: the short form has a tenth of them, in as many organizations. */
export function sizesOf(divisor: number): Sizes {
  const divided = Object.entries(FULL).map(([name, count]) => [name, name === 'organizations' ? count : Math.round(count / divisor)]);
  return Object.fromEntries(divided) as unknown as Sizes;
}
