/** PEM (RFC 7468): blocks of a text, one after the other. */

export interface PemBlock {
  readonly label: string;
  readonly bytes: Buffer;
  /** The block as text. */
  readonly text: string;
}

const BOUNDARY = /-----(BEGIN|END) ([A-Z0-9 ]{1,64})-----/g;
const PEM_COLUMNS = 64;
/** Most blocks read of one text. */
export const PEM_BLOCKS_MAX = 1000;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Headers of old private keys stand before the first empty line, and are not base64. */
function bodyOf(text: string): string {
  const [head = '', ...rest] = text.split(/\r?\n\r?\n/);
  return head.includes(':') ? rest.join('') : text;
}

/**
 * The next block from `from` on, and where it ends; undefined when none follows. Text before it is passed over, as every
 * reader of PEM does. Each boundary is looked at once, however many begin and never end.
 */
export function nextPem(
  text: string,
  from = 0,
): { readonly block: PemBlock; readonly end: number } | undefined {
  BOUNDARY.lastIndex = from;
  let label: string | undefined;
  let start = 0;
  for (let match = BOUNDARY.exec(text); match !== null; match = BOUNDARY.exec(text)) {
    const end = BOUNDARY.lastIndex;
    if (match[1] === 'BEGIN') {
      label = match[2] ?? '';
      start = end;
    } else if (match[2] === label) {
      const body = bodyOf(text.slice(start, match.index)).replace(/\s+/g, '');
      const name = label ?? '';
      label = undefined;
      if (!BASE64.test(body)) continue;
      const bytes = Buffer.from(body, 'base64');
      return { block: { label: name, bytes, text: pemOf(bytes, name) }, end };
    } else label = undefined;
  }
  return undefined;
}

/** The block in PEM, without a line end after it. */
export function pemOf(bytes: Buffer, label: string): string {
  const text = bytes.toString('base64');
  let lines = '';
  for (let at = 0; at < text.length; at += PEM_COLUMNS) {
    lines += `${text.slice(at, at + PEM_COLUMNS)}\n`;
  }
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----`;
}
