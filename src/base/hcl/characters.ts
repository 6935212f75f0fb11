/** Classes of characters in HCL text; an argument is one code point. */

const LETTER = /^[A-Za-z_\p{L}]$/u;
const LETTER_OR_DIGIT = /^[A-Za-z_0-9\p{L}\p{Nd}]$/u;

export function isLetter(char: string): boolean {
  return LETTER.test(char);
}

export function isLetterOrDigit(char: string): boolean {
  return LETTER_OR_DIGIT.test(char);
}

export function isDecimal(char: string | undefined): boolean {
  return char !== undefined && char.length === 1 && char >= '0' && char <= '9';
}

/** The value of a hexadecimal digit, 16 for anything else. */
export function digitValue(char: string | undefined): number {
  if (char === undefined) return 16;
  if (char >= '0' && char <= '9') return char.charCodeAt(0) - 0x30;
  const lower = char.toLowerCase();
  return lower >= 'a' && lower <= 'f' ? lower.charCodeAt(0) - 0x61 + 10 : 16;
}

/** True for a bare word that is no boolean: what may stand as a key without quotes. */
export function isIdentifier(text: string): boolean {
  if (text === 'true' || text === 'false') return false;
  let first = true;
  for (const char of text) {
    if (first ? !isLetter(char) : !isIdentifierPart(char)) return false;
    first = false;
  }
  return !first;
}

export function isIdentifierPart(char: string): boolean {
  if ((char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z')) return true;
  return char === '-' || char === '.' || isLetterOrDigit(char);
}
