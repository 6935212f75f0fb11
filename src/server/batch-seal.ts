/** Encrypts what callers carry for the server (batch tokens, sessions, backups) under keys that are derived from the barrier's token key, so that every replica has them. */
import type { Barrier } from '../barrier/barrier.ts';
import type { Random } from '../base/random.ts';
import { AuthenticationError, XAES_NONCE_BYTES, XAES_TAG_BYTES, XaesKey } from '../crypto/xaes.ts';
import { RequestError } from '../model/errors.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import type { SealedText } from '../tokens/batch-token.ts';

const BATCH_TOKENS = 'strongroom batch token v1';
const SESSIONS = 'strongroom access key session v1';
const AZURE_BACKUPS = 'strongroom azure backup v1';

export function batchSeal(barrier: Barrier, random: Random): SealedText {
  return sealedUnder(barrier, random, BATCH_TOKENS);
}

/** The same for the session tokens of temporary access keys, under a key of their own. */
export function sessionSeal(barrier: Barrier, random: Random): SealedText {
  return sealedUnder(barrier, random, SESSIONS);
}

/** The same for backups of single objects that Azure's clients take and bring back. */
export function azureBackupSeal(barrier: Barrier, random: Random): SealedText {
  const under = sealedUnder(barrier, random, AZURE_BACKUPS);
  const unsealed = (): void => {
    if (barrier.sealed) throw new RequestError('sealed', 'the server is sealed');
  };
  return {
    seal(plaintext) {
      unsealed();
      return under.seal(plaintext);
    },
    open(sealed) {
      unsealed();
      return under.open(sealed);
    },
  };
}

function sealedUnder(barrier: Barrier, random: Random, purpose: string): SealedText {
  const additional = Buffer.from(purpose);
  const withKey = <T>(use: (key: XaesKey) => T): T => {
    const bytes = barrier.tokenHmac.digest(purpose);
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
        key.seal(record, 0, plaintext, additional);
        return record;
      }),
    open: (ciphertext) => {
      if (ciphertext.length < XAES_NONCE_BYTES + XAES_TAG_BYTES) return undefined;
      try {
        return withKey((key) => key.open(Buffer.from(ciphertext), 0, additional));
      } catch (error) {
        if (error instanceof AuthenticationError) return undefined;
        throw error;
      }
    },
  };
}
