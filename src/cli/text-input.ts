/** Bytes that are meant as text. */

/** On their way they would become other bytes, and nobody would know. */
export class NotTextError extends Error {
  override readonly name = 'NotTextError';
}

/** @throws {NotTextError} */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new NotTextError('no text in UTF-8: encode it, as base64 for instance', { cause });
  }
}
