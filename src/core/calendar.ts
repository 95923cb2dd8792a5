const CALENDAR_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAYS_OF_MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const FEBRUARY = 2;

/** Whether a text has the form YYYY-MM-DD and names a day that the calendar has: 2023-02-29 is none. The calendar, as the database's, has no year 0. */
export function isCalendarDate(text: string): boolean {
  const match = CALENDAR_DATE.exec(text);
  if (!match) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const days = (DAYS_OF_MONTHS[month - 1] ?? 0) + (month === FEBRUARY && isLeapYear(year) ? 1 : 0);
  return year > 0 && day > 0 && day <= days;
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}
