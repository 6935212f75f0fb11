/** Just enough XML for the answers of AWS: elements and texts, nothing that could mean more than it says. */

const NAME = /^[A-Za-z]\w{0,127}$/;
const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};
const LENGTH_MAX = 256 * 1024;
const DEPTH_MAX = 16;

/** Texts of elements without children, by their path; undefined when it is not such a document. */
export function leafTexts(document: string): ReadonlyMap<string, readonly string[]> | undefined {
  if (document.length > LENGTH_MAX) return undefined;
  const found = new Map<string, string[]>();
  const path: string[] = [];
  let text = '';
  let isLeaf = false;
  let rest = document.trim();
  const declaration = rest.startsWith('<?xml') ? rest.indexOf('?>') + 2 : 0;
  rest = rest.slice(declaration).trim();
  let at = 0;
  while (at < rest.length) {
    if (rest[at] !== '<') {
      const end = rest.indexOf('<', at);
      if (end < 0) return undefined;
      text = rest.slice(at, end);
      at = end;
      continue;
    }
    const end = rest.indexOf('>', at);
    if (end < 0) return undefined;
    const tag = rest.slice(at + 1, end);
    at = end + 1;
    const closes = tag.startsWith('/');
    const [name = ''] = (closes ? tag.slice(1) : tag).split(/\s/);
    // Comments, CDATA, declarations, prefixes and empty elements have no place in these answers.
    if (!NAME.test(name) || tag.endsWith('/')) return undefined;
    if (closes) {
      const key = path.join('/');
      if (path.pop() !== name) return undefined;
      if (isLeaf) {
        const plain = text.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity).trim();
        found.set(key, [...(found.get(key) ?? []), plain]);
      }
      isLeaf = false;
      if (path.length === 0 && at < rest.length) return undefined;
    } else {
      path.push(name);
      if (path.length > DEPTH_MAX) return undefined;
      isLeaf = true;
    }
    text = '';
  }
  return path.length === 0 ? found : undefined;
}
