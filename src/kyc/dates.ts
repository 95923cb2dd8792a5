import { isCalendarDate } from '../core/calendar.js';

/** A day of the calendar in the form YYYY-MM-DD, else undefined: 2023-02-29 is none. */
export function calendarDate(value: string): string | undefined {
  return isCalendarDate(value) ? value : undefined;
}

/** The day of a moment in UTC. */
export function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 'YYYY-MM-DD'.length);
}

/** Whether somebody born on a day is that many years old on another; born on 29 February, from 1 March of a common year. */
export function hasReachedAge(born: string, years: number, today: string): boolean {
  const [year = '', month = '', day = ''] = born.split('-');
  // The dates compare as texts, so a birthday that the year does not have needs no care.
  return `${String(Number(year) + years).padStart(4, '0')}-${month}-${day}` <= today;
}
