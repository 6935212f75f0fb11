/** Search filters with places for values: `({{.UserAttr}}={{.Username}})`. Values are escaped when they are put in. */
import { escapeFilterValue } from './names.ts';

const FIELD = /^\.[A-Za-z]\w*$/;

type Piece = { readonly text: string } | { readonly field: string };

/** Undefined when the text has other templates in it than names of these fields. */
function piecesOf(template: string, fields: readonly string[]): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  let at = 0;
  for (;;) {
    const open = template.indexOf('{{', at);
    if (open < 0) return [...pieces, { text: template.slice(at) }];
    const close = template.indexOf('}}', open);
    const name = close < 0 ? '' : template.slice(open + 2, close).trim();
    if (!FIELD.test(name) || !fields.includes(name.slice(1))) return undefined;
    pieces.push({ text: template.slice(at, open) }, { field: name.slice(1) });
    at = close + 2;
  }
}

export function isFilterTemplate(template: string, fields: readonly string[]): boolean {
  return piecesOf(template, fields) !== undefined;
}

/** The filter with escaped values in it; undefined when it is no template of these. */
export function filledFilter(
  template: string,
  values: Readonly<Record<string, string>>,
): string | undefined {
  return piecesOf(template, Object.keys(values))
    ?.map((piece) => ('text' in piece ? piece.text : escapeFilterValue(values[piece.field] ?? '')))
    .join('');
}
