/** Pages of which parts are written from the code: `<!-- NAME -->` … `<!-- end -->` holds a part that a tool writes. */
import { writeFileSync } from 'node:fs';
import { ROOT, readPath } from './source-files.ts';

export interface WrittenPage {
  readonly path: string;
  /** The tool that writes it. */
  readonly tool: string;
  /** Parts by their name. */
  readonly parts: Readonly<Record<string, string>>;
}

const SLOT = /<!-- (?<name>[a-z-]+) -->\n[\s\S]*?<!-- end -->/g;

function filled({ parts }: WrittenPage, text: string): string {
  return text.replaceAll(SLOT, (slot, name: string) =>
    Object.hasOwn(parts, name) ? `<!-- ${name} -->\n\n${parts[name]}\n\n<!-- end -->` : slot,
  );
}

/** What is wrong with the page, one line each. */
export function checkPage(page: WrittenPage): string[] {
  const text = readPath(page.path);
  if (text === undefined) return [`${page.path} is missing`];
  const missing = Object.keys(page.parts).filter((name) => !text.includes(`<!-- ${name} -->`));
  const behind = filled(page, text) !== text;
  return [
    ...missing.map((name) => `${page.path} has no place for ${name}`),
    ...(behind ? [`${page.path} is behind the code: bin/node ${page.tool}`] : []),
  ];
}

export function writePage(page: WrittenPage): void {
  writeFileSync(ROOT + page.path, filled(page, readPath(page.path) ?? ''));
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A table in Markdown. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [tableLine(head), tableLine(head.map(() => '---')), ...rows.map(tableLine)].join('\n');
}
