/** Batch tokens carry their own record, encrypted: nothing is stored for them. */
import type { TokenRecord } from './token-record.ts';

export interface BatchCodec {
  /** Encrypts a record to URL-safe text. */
  encode(record: TokenRecord): string;
  /** The record, or undefined when the text is not ours. */
  decode(text: string): TokenRecord | undefined;
}

/** Encryption under a key that every replica has. */
export interface SealedText {
  seal(plaintext: Buffer): Buffer;
  /** Undefined when it is not authentic. */
  open(ciphertext: Buffer): Buffer | undefined;
}

export function batchCodec(sealed: SealedText): BatchCodec {
  return {
    encode: (record) => sealed.seal(Buffer.from(JSON.stringify(record))).toString('base64url'),
    decode(text) {
      if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
      const plaintext = sealed.open(Buffer.from(text, 'base64url'));
      return plaintext === undefined
        ? undefined
        : (JSON.parse(plaintext.toString()) as TokenRecord);
    },
  };
}
