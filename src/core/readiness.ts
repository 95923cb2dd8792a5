import type { Database } from './database.js';

/** A balancer asks often, and briefly. */
const READINESS_TIMEOUT_MILLISECONDS = 2_000;

/** Whether the database answers. It is asked in a transaction, since to begin one is what shows a connection that is dead. */
export async function isReady(database: Database): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), READINESS_TIMEOUT_MILLISECONDS)));
  const answered = database.owner().transactional((em) => em.execute('select 1')).then(() => true, () => false);
  const ready = await Promise.race([answered, late]);
  clearTimeout(timer);
  return ready;
}
