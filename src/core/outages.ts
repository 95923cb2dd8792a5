/**
 * SQLSTATE codes, or their classes, that tell of a database that cannot serve just now: nobody's fault who asks, and
 * trying again can help (PostgreSQL, appendix A).
 */
const STATES = [
  '08', // connection exceptions
  '53', // insufficient resources: disk full, too many connections
  '57P', // shutting down, crashed, starting up
  '57014', // a statement took too long
  '55P03', // a lock was not to be had
  '40001', '40P01', // serialization failure, deadlock: another transaction went first
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
