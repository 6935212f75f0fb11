/** Aligned columns: the table output that scripts cut and grep. */

const GLUE = '    ';
const EMPTY = 'n/a';

/** Rows as lines; a blank cell reads n/a, the last cell of a row is not padded. */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.trim() || EMPTY));
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, lengthOf(cell));
    });
  }
  return cells
    .map((row) =>
      row
        .map((cell, index) =>
          index === row.length - 1
            ? cell
            : cell + ' '.repeat((widths[index] ?? 0) - lengthOf(cell)),
        )
        .join(GLUE),
    )
    .join('\n');
}

/** The same with a header, underlined. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const underline = header.map((title) => '-'.repeat(title.length));
  return formatColumns([header, underline, ...rows]);
}

/** `== Title ==`, as wide as what stands below it. */
export function formatHeading(title: string, width: number): string {
  let signs = width - (title.length + 2);
  if (signs <= 0) signs = 4;
  if (signs % 2 !== 0) signs++;
  const side = '='.repeat(signs / 2);
  return `${side} ${title} ${side}`;
}

/** Characters as readers count them. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

const LINE_CHARS_MAX = 78;

/** Breaks prose at spaces. */
export function wrapText(text: string, padding = 0): string {
  const indent = ' '.repeat(padding);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    if (line !== '' && line.length + 1 + word.length > LINE_CHARS_MAX - padding) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  if (line !== '') lines.push(indent + line);
  return lines.join('\n');
}
