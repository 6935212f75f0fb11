/** Text that may have come in base64 (RFC 4648 §4), as policies may. */

const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;

/** The decoded text when all of `text` is padded standard base64 of UTF-8, line ends aside; else undefined. */
export function decodeBase64Text(text: string): string | undefined {
  const compact = text.replace(/[\r\n]/g, '');
  if (compact === '' || compact.length % 4 !== 0 || !STANDARD.test(compact)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(compact, 'base64'),
    );
  } catch {
    return undefined;
  }
}
