/**
 * The order of lists: of ids, byte by byte, as "C", the collation of every id, has it too. By another name, so that only the
 * indexes made for lists give it. The primary key is in the order of all organizations' ids: planned by it, an organization
 * whose rows are old would read, and pass over, all that others have added since.
 */
export const NEWEST_ORDER = 'id collate "POSIX"';
