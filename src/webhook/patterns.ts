import { EVENT_TYPES, type EventType } from '../core/event-log.js';
import type { FieldFault } from '../core/errors.js';

const EVERYTHING = '*';
const MOST_PATTERNS = 50;

/** Whether an endpoint with these patterns is told of events of a type. */
export function matches(patterns: readonly string[], type: EventType): boolean {
  return patterns.some((pattern) => pattern === EVERYTHING || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))));
}

/** The event types that an endpoint with these patterns is told of. */
export function matchedTypes(patterns: readonly string[]): EventType[] {
  return EVENT_TYPES.filter((type) => matches(patterns, type));
}

/** The faults of a list of patterns: a pattern that no event could match is a mistake. */
export function patternFaults(patterns: readonly string[]): FieldFault[] {
  if (patterns.length === 0) return [{ path: 'events', code: 'required', message: 'Name at least one event, or `*` for all.' }];
  if (patterns.length > MOST_PATTERNS) return [{ path: 'events', code: 'too_many', message: `At most ${MOST_PATTERNS} patterns are accepted.` }];
  return patterns.flatMap((pattern, index) =>
    matchedTypes([pattern]).length > 0
      ? []
      : [{ path: `events.${index}`, code: 'unknown', message: `No event has this name. There are ${EVENT_TYPES.join(', ')}, and patterns such as identity.*, kyc.* and *.` }],
  );
}
