/** The little XML that the S3 API answers with: elements by name, without attributes, found in one pass. */

const ENTITIES: readonly (readonly [string, string])[] = [
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&apos;', "'"],
  ['&#34;', '"'],
  ['&#39;', "'"],
  // Last, so that what it makes is not read again.
  ['&amp;', '&'],
];

/** The insides of all elements of that name that do not lie in one another. */
export function elementsOf(xml: string, name: string): readonly string[] {
  const [begin, end] = [`<${name}>`, `</${name}>`];
  const found: string[] = [];
  let from = xml.indexOf(begin);
  while (from >= 0) {
    const to = xml.indexOf(end, from);
    if (to < 0) break;
    found.push(xml.slice(from + begin.length, to));
    from = xml.indexOf(begin, to + end.length);
  }
  return found;
}

/** The text of the first element of that name. */
export function textOf(xml: string, name: string): string | undefined {
  const [inside] = elementsOf(xml, name);
  if (inside === undefined) return undefined;
  return ENTITIES.reduce((text, [entity, character]) => text.replaceAll(entity, character), inside);
}
