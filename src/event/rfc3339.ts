/** RFC 3339, section 5.6: `date-time`. */

const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
}

/** The two digits at `at`. The fields stand at fixed places, and this is on every event's way: no array of groups is made. */
function two(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

/** Whether the text is a date and time that exists. A leap second (:60) is taken at any minute, as the grammar does. */
export function isRfc3339(text: string): boolean {
  if (!DATE_TIME.test(text)) return false;
  const day = two(text, 8);
  if (day < 1 || day > daysIn(two(text, 0) * 100 + two(text, 2), two(text, 5))) return false;
  if (two(text, 11) > 23 || two(text, 14) > 59 || two(text, 17) > 60) return false;
  const isUtc = text.charCodeAt(text.length - 1) > 57;
  return isUtc || (two(text, text.length - 5) <= 23 && two(text, text.length - 2) <= 59);
}
