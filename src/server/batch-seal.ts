/** Encrypts batch tokens under a key that is derived from the barrier's token key, so that every replica has it. */
import type { Barrier } from '../barrier/barrier.ts';
import type { Random } from '../base/random.ts';
import { AuthenticationError, XAES_NONCE_BYTES, XAES_TAG_BYTES, XaesKey } from '../crypto/xaes.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import type { SealedText } from '../tokens/batch-token.ts';

const PURPOSE = 'strongroom batch token v1';
const ADDITIONAL = Buffer.from(PURPOSE);

export function batchSeal(barrier: Barrier, random: Random): SealedText {
  const withKey = <T>(use: (key: XaesKey) => T): T => {
    const bytes = barrier.tokenHmac.digest(PURPOSE);
    const key = new XaesKey(bytes);
    try {
      return use(key);
    } finally {
      key.destroy();
      wipe(bytes);
    }
  };
  return {
    seal: (plaintext) =>
      withKey((key) => {
        const record = Buffer.alloc(XAES_NONCE_BYTES + plaintext.length + XAES_TAG_BYTES);
        record.set(random.bytes(XAES_NONCE_BYTES), 0);
        key.seal(record, 0, plaintext, ADDITIONAL);
        return record;
      }),
    open: (ciphertext) => {
      if (ciphertext.length < XAES_NONCE_BYTES + XAES_TAG_BYTES) return undefined;
      try {
        return withKey((key) => key.open(Buffer.from(ciphertext), 0, ADDITIONAL));
      } catch (error) {
        if (error instanceof AuthenticationError) return undefined;
        throw error;
      }
    },
  };
}
