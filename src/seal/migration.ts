/**
 * Moving a store to another seal: the old one opens the root key a last time, the new one takes it over, and the holders keep
 * their shares. Those of the unseal key become those of the recovery key, or the other way round.
 */
import { hash } from 'node:crypto';
import type { Barrier } from '../barrier/barrier.ts';
import { equalConstantTime, wipe } from '../crypto/secret-bytes.ts';
import { invalidRequest } from '../model/errors.ts';
import { quorumRecord } from './quorum-record.ts';
import type { Seal } from './seal.ts';
import { UnwrapError } from './seal.ts';
import { wrongShares } from './seal-state.ts';
import { RECOVERY_KEY, type SealedRoot, UNSEAL_KEY, sealRecords } from './sealed-root.ts';

/** The root key, for the caller to wipe. @throws {RequestError} the seal's key, or the joined shares, do not open it. */
export async function unwrapRoot(
  seal: Seal,
  stored: SealedRoot,
  key: Buffer | undefined,
): Promise<Buffer> {
  try {
    return await seal.unwrap(stored.wrapped, seal.unattended ? undefined : key);
  } catch (error) {
    if (error instanceof UnwrapError) throw invalidRequest(error.message);
    throw error;
  }
}

/**
 * Opens the barrier and seals it anew.
 * @param key joined from shares of the old seal, left to the caller.
 * @throws {RequestError} the shares are wrong; the barrier is sealed as before.
 */
export async function migrateSeal(
  barrier: Barrier,
  seals: { readonly from: Seal; readonly to: Seal },
  stored: SealedRoot,
  key: Buffer,
): Promise<void> {
  const { from, to } = seals;
  const rootKey = await unwrapRoot(from, stored, key);
  try {
    if (from.unattended) {
      const digest = await barrier.getOwnUnder(rootKey, RECOVERY_KEY);
      const proven =
        digest !== undefined && equalConstantTime(digest, hash('sha256', key, 'buffer'));
      if (!proven) throw wrongShares();
    }
    const wrapped = await to.wrap(rootKey, to.unattended ? undefined : key);
    const config = { type: to.type, sharing: stored.config.sharing };
    await barrier.unseal(rootKey);
    await barrier.putOwn([
      ...sealRecords({ config, wrapped }),
      quorumRecord(key, to.unattended),
      { key: to.unattended ? UNSEAL_KEY : RECOVERY_KEY, value: undefined },
    ]);
  } catch (error) {
    barrier.seal();
    throw error;
  } finally {
    wipe(rootKey);
  }
}
