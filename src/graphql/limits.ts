import type { ErrorCode } from '../core/errors.js';

interface Limit {
  value: number;
  code: ErrorCode;
  /** What is counted, for the README. */
  meaning: string;
}

const MEGABYTE = 1_048_576;

/**
 * What one caller may ask at once, over every transport: the only place that says so, and what the README's table is
 * made of. Each is several times what the explorer, the demo, code generators and a caller's largest page come to.
 */
export const LIMITS = {
  bodyBytes: { value: 2 * MEGABYTE, code: 'PAYLOAD_TOO_LARGE', meaning: 'bytes of a request beside its files' },
  frameBytes: { value: MEGABYTE, code: 'PAYLOAD_TOO_LARGE', meaning: 'bytes of a WebSocket frame (the socket is closed with 1009), and of the `operations` of a multipart request' },
  fileBytes: { value: 15 * MEGABYTE, code: 'PAYLOAD_TOO_LARGE', meaning: 'bytes of a file' },
  files: { value: 4, code: 'PAYLOAD_TOO_LARGE', meaning: 'files of a request' },
  characters: { value: 100_000, code: 'OPERATION_TOO_COMPLEX', meaning: 'characters of a document' },
  tokens: { value: 4_000, code: 'OPERATION_TOO_COMPLEX', meaning: 'tokens of a document' },
  nesting: { value: 40, code: 'OPERATION_TOO_COMPLEX', meaning: 'brackets within brackets in a document' },
  definitions: { value: 100, code: 'OPERATION_TOO_COMPLEX', meaning: 'operations and fragments of a document' },
  fields: { value: 1_000, code: 'OPERATION_TOO_COMPLEX', meaning: 'fields and spreads that are written in a document' },
  repetitions: { value: 100, code: 'OPERATION_TOO_COMPLEX', meaning: 'times that a document writes a field of one name in the answer' },
  aliases: { value: 50, code: 'OPERATION_TOO_COMPLEX', meaning: 'aliases of a document' },
  directives: { value: 50, code: 'OPERATION_TOO_COMPLEX', meaning: 'directives of a document' },
  depth: { value: 20, code: 'OPERATION_TOO_COMPLEX', meaning: 'fields within fields, through fragments' },
  cost: { value: 50_000, code: 'OPERATION_TOO_COMPLEX', meaning: 'cost of an operation (below)' },
  variableNesting: { value: 20, code: 'OPERATION_TOO_COMPLEX', meaning: 'objects and lists within each other in variables' },
  variableValues: { value: 10_000, code: 'OPERATION_TOO_COMPLEX', meaning: 'values in variables' },
  operationsOfSocket: { value: 100, code: 'RATE_LIMITED', meaning: 'operations that run on one WebSocket at once' },
  connections: { value: 1_000, code: 'RATE_LIMITED', meaning: 'WebSockets and event streams of one key, or one customer with client tokens, at once, at one replica (a socket is closed with 4429)' },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;
export type Limits = Readonly<Record<LimitName, number>>;

/** What an operation's cost is made of. */
export const COST = {
  /** Of every field. */
  field: 1,
  /** Of every field of Mutation, beside that. */
  mutation: 100,
  /** Of every file that a mutation is given. */
  upload: 2_500,
  /** How many items a list without `first` is taken to have. */
  unpagedList: 5,
} as const;

/** The limits of LIMITS, some of them replaced. */
export function limitsWith(replaced: Partial<Limits>): Limits {
  const standard = Object.fromEntries(Object.entries(LIMITS).map(([name, { value }]) => [name, value])) as Limits;
  return { ...standard, ...replaced };
}
