/** What comes, as a calendar that others can subscribe to (iCalendar, RFC 5545). */

export interface Coming {
  readonly path: string;
  readonly atMs: number;
  readonly what: string;
}

const LINE_OCTETS_MAX = 75;

/** @param nowMs when the text is made */
export function calendarText(coming: readonly Coming[], mount: string, nowMs: number): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Strongroom//Rotation//EN',
    'CALSCALE:GREGORIAN',
  ];
  for (const { path, atMs, what } of coming) {
    lines.push(
      'BEGIN:VEVENT',
      `UID:${escaped(`${mount}${path}`)}-${atMs}@strongroom`,
      `DTSTAMP:${stamp(nowMs)}`,
      `DTSTART:${stamp(atMs)}`,
      'DURATION:PT15M',
      `SUMMARY:${escaped(`${what} ${mount}${path}`)}`,
      'TRANSP:TRANSPARENT',
      'END:VEVENT',
    );
  }
  lines.push('END:VCALENDAR');
  return lines.map((line) => `${folded(line)}\r\n`).join('');
}

function stamp(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/** RFC 5545 §3.3.11. */
function escaped(text: string): string {
  return text
    .replace(/[\\;,]/g, (char) => `\\${char}`)
    .replace(/\r?\n/g, '\\n')
    .replace(/\p{Cc}/gu, '');
}

/** §3.1: lines of at most 75 octets, the rest after a blank, no character torn. */
function folded(line: string): string {
  const parts: string[] = [];
  let part = '';
  for (const char of line) {
    const most = parts.length === 0 ? LINE_OCTETS_MAX : LINE_OCTETS_MAX - 1;
    if (Buffer.byteLength(part + char) > most) {
      parts.push(part);
      part = '';
    }
    part += char;
  }
  return [...parts, part].join('\r\n ');
}
