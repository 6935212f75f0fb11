/** Heredocs: where they end, and how their indentation goes. */

/** The mark, after white space, before nothing but carriage returns. */
export function closesHeredoc(line: string, mark: string): boolean {
  const start = line.length - line.trimStart().length;
  if (!line.startsWith(mark, start)) return false;
  for (let at = start + mark.length; at < line.length; at++) if (line[at] !== '\r') return false;
  return true;
}

/** The lines as text, each ended. */
export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Takes the indentation of the closing mark off every line, if every line has it. */
export function unindent(lines: readonly string[], closing: string): string {
  const prefix = closing.slice(0, closing.length - closing.trimStart().length);
  return lines.every((line) => line.startsWith(prefix))
    ? joinLines(lines.map((line) => line.slice(prefix.length)))
    : joinLines(lines);
}
