/** The root key encrypted under another key: `version(1) id length(1) id nonce(24) ciphertext tag(16)`, masked below. */
import type { Random } from '../base/random.ts';
import { maskKeys, unmaskKeys } from '../crypto/key-mask.ts';
import { XAES_NONCE_BYTES, XAES_TAG_BYTES, XaesKey } from '../crypto/xaes.ts';

const VERSION = 1;
const ID_AT = 2;
/** Longest key id, in bytes. */
export const KEY_ID_BYTES_MAX: number = 255;

/** @param purpose bound into the ciphertext together with the id: the seal's type. */
export function wrapKey(
  key: Uint8Array,
  under: { readonly key: Uint8Array; readonly id: string; readonly purpose: string },
  random: Random,
): Buffer {
  const id = Buffer.from(under.id);
  if (id.length > KEY_ID_BYTES_MAX) throw new RangeError('key id is too long');
  const masked = maskKeys(key, { key: under.key, info: under.purpose }, random);
  const nonceAt = ID_AT + id.length;
  const wrapped = Buffer.alloc(nonceAt + XAES_NONCE_BYTES + masked.length + XAES_TAG_BYTES);
  wrapped[0] = VERSION;
  wrapped[1] = id.length;
  wrapped.set(id, ID_AT);
  wrapped.set(random.bytes(XAES_NONCE_BYTES), nonceAt);
  const aead = new XaesKey(under.key);
  aead.seal(wrapped, nonceAt, masked, additional(under.purpose, id));
  aead.destroy();
  return wrapped;
}

/**
 * @throws {AuthenticationError} it was not wrapped under this key for this purpose.
 * @throws {RangeError} `under.key` is not 32 bytes.
 */
export function unwrapKey(
  wrapped: Uint8Array,
  under: { readonly key: Uint8Array; readonly purpose: string },
): Buffer {
  const record = Buffer.from(wrapped);
  const nonceAt = ID_AT + (record[1] ?? 0);
  const aead = new XaesKey(under.key);
  try {
    const bound = additional(under.purpose, record.subarray(ID_AT, nonceAt));
    const masked = aead.open(record, nonceAt, bound);
    return unmaskKeys(masked, { key: under.key, info: under.purpose });
  } finally {
    aead.destroy();
  }
}

/** The id of the key that `wrapped` is under. */
export function wrappingKeyId(wrapped: Uint8Array): string {
  return Buffer.from(wrapped.subarray(ID_AT, ID_AT + (wrapped[1] ?? 0))).toString();
}

/** The id's length is fixed by its own byte and the purpose has no NUL, so the parts cannot run into each other. */
function additional(purpose: string, id: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`strongroom-root-key-1\0${purpose}\0`), id]);
}
