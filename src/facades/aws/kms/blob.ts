/** A ciphertext names its key, since Decrypt does not have to: one byte of format, the key's name, the engine's own ciphertext. */
import { AwsError } from '../errors.ts';

const FORMAT = 1;
const NAME_MAX = 255;
const HEADER_BYTES = 2;

export interface Blob {
  readonly key: string;
  readonly ciphertext: string;
}

export function encodeBlob({ key, ciphertext }: Blob): string {
  const name = Buffer.from(key);
  const header = Buffer.of(FORMAT, name.length);
  return Buffer.concat([header, name, Buffer.from(ciphertext)]).toString('base64');
}

/** @throws {AwsError} InvalidCiphertextException */
export function decodeBlob(bytes: Buffer): Blob {
  const length = bytes[1] ?? 0;
  const key = bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + length);
  const ciphertext = bytes.toString('latin1', HEADER_BYTES + length);
  const whole = bytes[0] === FORMAT && length > 0 && bytes.length > HEADER_BYTES + length;
  if (!whole || !isKeyName(key) || !ciphertext.startsWith('vault:')) {
    throw new AwsError('InvalidCiphertextException', 'The ciphertext is not one of this service.');
  }
  return { key, ciphertext };
}

/** Names of transit keys that this API can name. */
export function isKeyName(name: string): boolean {
  return name.length <= NAME_MAX && /^\w(?:[\w.-]*\w)?$/.test(name);
}
