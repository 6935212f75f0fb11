/** Standard base64 (RFC 4648 §4) as strictly as Go reads it: padded, nothing foreign in it, line ends passed over. */

const ALPHABET = /^[A-Za-z0-9+/]*={0,2}$/;

/** The bytes of `text`; undefined when it is not standard base64. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  // What was written canonically, which is nearly everything, is known by writing it again: native, and safe for megabytes.
  if (bytes.toString('base64') === text) return bytes;
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (joined.length % 4 !== 0 || !ALPHABET.test(joined)) return undefined;
  return Buffer.from(joined, 'base64');
}

const URL_ALPHABET = /^[A-Za-z0-9_-]*$/;

/** The bytes of base64url without padding (RFC 4648 §5, RFC 7515 §2); undefined when it is none. */
export function decodeBase64Url(text: string): Buffer | undefined {
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (joined.length % 4 === 1 || !URL_ALPHABET.test(joined)) return undefined;
  return Buffer.from(joined, 'base64url');
}
