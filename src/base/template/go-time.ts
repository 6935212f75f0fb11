/** Formats times by Go's reference layout (`2006-01-02 15:04:05`), in UTC, as far as names need it. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const two = (value: number): string => String(value).padStart(2, '0');
const hour12 = (at: Date): number => at.getUTCHours() % 12 || 12;

/** Longest first: `2006` before `2`, `January` before `Jan`. */
const ELEMENTS: readonly (readonly [string, (at: Date) => string])[] = [
  ['January', (at) => MONTHS[at.getUTCMonth()] ?? ''],
  ['Monday', (at) => DAYS[at.getUTCDay()] ?? ''],
  ['Z07:00', () => 'Z'],
  ['-07:00', () => '+00:00'],
  ['-0700', () => '+0000'],
  ['Z0700', () => 'Z'],
  ['2006', (at) => String(at.getUTCFullYear()).padStart(4, '0')],
  ['.000', (at) => `.${String(at.getUTCMilliseconds()).padStart(3, '0')}`],
  ['Jan', (at) => (MONTHS[at.getUTCMonth()] ?? '').slice(0, 3)],
  ['Mon', (at) => (DAYS[at.getUTCDay()] ?? '').slice(0, 3)],
  ['MST', () => 'UTC'],
  ['01', (at) => two(at.getUTCMonth() + 1)],
  ['02', (at) => two(at.getUTCDate())],
  ['03', (at) => two(hour12(at))],
  ['04', (at) => two(at.getUTCMinutes())],
  ['05', (at) => two(at.getUTCSeconds())],
  ['06', (at) => two(at.getUTCFullYear() % 100)],
  ['15', (at) => two(at.getUTCHours())],
  ['PM', (at) => (at.getUTCHours() < 12 ? 'AM' : 'PM')],
  ['1', (at) => String(at.getUTCMonth() + 1)],
  ['2', (at) => String(at.getUTCDate())],
  ['3', (at) => String(hour12(at))],
  ['4', (at) => String(at.getUTCMinutes())],
  ['5', (at) => String(at.getUTCSeconds())],
];

/** The layout with its elements replaced; `nowMs` is milliseconds since the epoch. */
export function formatGoTime(layout: string, nowMs: number): string {
  const at = new Date(nowMs);
  let text = '';
  for (let index = 0; index < layout.length;) {
    const element = ELEMENTS.find(([name]) => layout.startsWith(name, index));
    text += element === undefined ? layout[index] : element[1](at);
    index += element === undefined ? 1 : element[0].length;
  }
  return text;
}
