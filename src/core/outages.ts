/** A lock was not to be had, serialization failure, deadlock: others were in the way, and all of the transaction has been taken back. */
const GAVE_WAY = ['55P03', '40001', '40P01'];
/**
 * SQLSTATE codes, or their classes, that tell of a database that cannot serve just now: nobody's fault who asks, and
 * trying again can help (PostgreSQL, appendix A).
 */
const STATES = [
  '08', // connection exceptions
  '53', // insufficient resources: disk full, too many connections
  '57P', // shutting down, crashed, starting up
  '57014', // a statement took too long
  ...GAVE_WAY,
  '25006', // a replica that has not been promoted yet
  '58030', // input or output of the server failed
];
const SYSTEM_ERRORS = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);
/** What the driver and its pool say without a code. */
const SAYINGS = /Connection terminated|Query read timeout|timeout exceeded when trying to connect|not queryable|pool after calling end|the database system is/i;

/** Whether an error, or what caused it, tells of a database or a disk that cannot serve just now. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause, errors } = error as Error & { code?: unknown; errors?: unknown };
  if (typeof code === 'string' && (SYSTEM_ERRORS.has(code) || STATES.some((state) => code.startsWith(state)))) return true;
  return SAYINGS.test(error.message) || isOutage(cause) || (Array.isArray(errors) && errors.some(isOutage));
}

const UNIQUE_VIOLATION = '23505';

/** Whether a statement failed by a unique index whose name begins like this. */
export function violates(error: unknown, index: string): boolean {
  return error instanceof Error && (error as Error & { code?: unknown }).code === UNIQUE_VIOLATION && error.message.includes(index);
}

/** Whether a transaction failed by nothing but others that were in its way: the server has taken it back, and it may run again. */
export function hasGivenWay(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause } = error as Error & { code?: unknown };
  return (typeof code === 'string' && GAVE_WAY.includes(code)) || hasGivenWay(cause);
}
