/** PEM (RFC 7468): blocks of a text, one after the other. */

export interface PemBlock {
  readonly label: string;
  readonly bytes: Buffer;
  /** The block as text. */
  readonly text: string;
}

const BLOCK_START = /-----BEGIN ([A-Z0-9 ]{1,64})-----/g;
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
 * reader of PEM does.
 */
export function nextPem(
  text: string,
  from = 0,
): { readonly block: PemBlock; readonly end: number } | undefined {
  BLOCK_START.lastIndex = from;
  for (let match = BLOCK_START.exec(text); match !== null; match = BLOCK_START.exec(text)) {
    const label = match[1] ?? '';
    const closing = `-----END ${label}-----`;
    const close = text.indexOf(closing, BLOCK_START.lastIndex);
    if (close < 0) continue;
    const body = bodyOf(text.slice(BLOCK_START.lastIndex, close)).replace(/\s+/g, '');
    if (!BASE64.test(body)) continue;
    const bytes = Buffer.from(body, 'base64');
    return { block: { label, bytes, text: pemOf(bytes, label) }, end: close + closing.length };
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
